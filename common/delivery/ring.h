// ring - the bytes of the last batches: what Redis forgets, memory gives back. Pure; no I/O in
// here.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/error.h"

typedef struct ring ring_t;

struct ring_entry {
    uint64_t batch;    // its number within the incarnation
    uint64_t mono_ns;  // when it was committed, or last replayed
    struct span bytes; // RESP commands between MULTI and EXEC, the batch number's SET included
    unsigned commands; // how many
};

ring_t *ring_new(size_t bytes_max, uint64_t age_ns);
void ring_destroy(ring_t **self);

// Keeps a copy of a batch about to be committed. Entries older than age_ns leave; beyond bytes_max
// the oldest leave.
void ring_push(ring_t *self, uint64_t batch, const void *bytes, size_t length, unsigned commands,
               uint64_t mono_ns);
// Redis says that its AOF buffer is written: entries up to here may go
void ring_written(ring_t *self, uint64_t upto_batch);
size_t ring_bytes(const ring_t *self);
size_t ring_count(const ring_t *self);
// True when nearly full with entries younger than least_ns: the service slows its input.
bool ring_is_tight(const ring_t *self, uint64_t mono_ns, uint64_t least_ns);

// What to do after a reconnect, from what Redis holds in <slice>:batch ("L-b", empty if nothing).
enum replay {
    REPLAY_NOTHING, // Redis has everything that was committed
    REPLAY_FROM,    // replay entries with batch >= *from, in order
    REPLAY_FENCED,  // a batch number that went up, or another incarnation: another owner
    REPLAY_HOLE,    // Redis lost more than the ring holds
};
// `incarnation` and `committed` are this process's; `pending` is the batch whose commit's fate is
// unknown (0: none; it is in the ring).
// *landed tells whether the pending one is in Redis. `stored` is the value at start, from before
// this incarnation's first batch.
enum replay ring_resume(const ring_t *self, uint64_t incarnation, uint64_t newest,
                        const char *redis_batch, const char *batch_at_start, uint64_t *from);
const struct ring_entry *ring_find(const ring_t *self, uint64_t batch); // NULL: not held
// replayed now: its age counts from here
void ring_touch(ring_t *self, uint64_t batch, uint64_t mono_ns);
