// ledger - the owner's side of Redis: one transaction a batch, known by its number; what Redis
// forgets is replayed from the ring.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/delivery/ring.h"
#include "common/redis/store.h"

typedef struct ledger ledger_t;

struct ledger_options {
    const char *name; // the slice's owner: keys <name>:batch, <name>:epoch
    const struct store_options *store;
    size_t ring_bytes;
    uint64_t ring_age_ns;
    bool strict; // a Redis that does not sync at every write is not fit
    // What else must be so before the slice is taken over, and still when it is. NULL: nothing.
    err_t (*fit)(void *arg, store_t *store, char why[static 200]);
    void *fit_arg;
};

ledger_t *ledger_new(const struct ledger_options *options);
void ledger_destroy(ledger_t **self);
store_t *ledger_store(ledger_t *self);

// Connects, checks that Redis is fit (its settings), takes the slice over: the epoch goes up and
// every other connection of this user is closed. ERR_STORE: not there yet, call again. ERR_CONFIG,
// ERR_ACCESS: *why says what is wrong and what to do.
err_t ledger_take_over(ledger_t *self, char why[static 200]);
uint64_t ledger_epoch(const ledger_t *self);
// the last one in Redis when this process started, 0: none
uint64_t ledger_stored_incarnation(const ledger_t *self);
bool ledger_was_clean(const ledger_t *self); // the last owner had stopped in order
bool ledger_is_first(const ledger_t *self);  // there never was one
// how many connections of a former owner were still open, and are closed now
unsigned ledger_shut_out(const ledger_t *self);
// What a reconnect made good, since this was last asked. False: nothing.
struct ledger_healed {
    unsigned restarts; // of Redis
    uint64_t batches;  // that Redis had not, and has again
};
bool ledger_take_healed(ledger_t *self, struct ledger_healed *out);
void ledger_begin(ledger_t *self, uint64_t incarnation);

// Commits one batch of `n` commands. ERR_STORE or ERR_REFUSED: it stays pending, call ledger_resume
// until ERR_OK. Nothing else may be committed before.
err_t ledger_commit(ledger_t *self, struct span commands, unsigned n, uint64_t mono_ns);
// Makes the connection good again: reconnects if it must, replays what Redis does not have, lands
// the pending batch. ERR_OK: all is committed.
err_t ledger_resume(ledger_t *self, uint64_t mono_ns);
uint64_t ledger_batch(const ledger_t *self); // number of the last batch
// counts connects: what was sampled before the last one says nothing
uint64_t ledger_connections(const ledger_t *self);
// monotonic ns when Redis last started (as far as that matters) or was short of something; 0: never
uint64_t ledger_rolled_back_at(const ledger_t *self);

// True when input must slow down: the ring is nearly full of young batches (Redis is asked first
// whether it has written them).
bool ledger_is_tight(ledger_t *self, uint64_t mono_ns);
size_t ledger_ring_bytes(const ledger_t *self);
err_t ledger_memory(ledger_t *self, unsigned *percent); // of maxmemory
err_t ledger_mark_clean(ledger_t *self);
