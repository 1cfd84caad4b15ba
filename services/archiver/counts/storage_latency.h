// storage_latency - how long signals took from their acceptance at the door to the commit that made
// them visible in SQLite (spec 004: below 500 ms).
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/oplog/histogram.h"
#include "system.pb-c.h"

#define STORAGE_BOUNDS 11

// {0} is empty and valid.
struct storage_latency {
    uint64_t
        within[STORAGE_BOUNDS]; // since the start: not above the bound, and above the one before
    uint64_t signals, sum_us;   // since the start
    struct histogram lately[2]; // us: of this half minute and of the one before
    uint64_t turned_at;         // monotonic ns
    uint64_t *waiting;          // when signals were accepted (UTC ns) that are not committed yet
    size_t n, capacity;
};

void storage_latency_destroy(struct storage_latency *self); // empties it
void storage_latency_await(struct storage_latency *self, uint64_t accepted_at);
// They are on record since utc_ns. A clock that was set back counts as no time.
void storage_latency_commit(struct storage_latency *self, uint64_t utc_ns, uint64_t mono_ns);
// The message points into the arena. Percentiles are 0 when nothing came for a minute.
StorageLatency *storage_latency_report(struct storage_latency *self, uint64_t mono_ns,
                                       arena_t *arena);
