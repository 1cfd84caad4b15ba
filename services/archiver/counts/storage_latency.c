// storage_latency - how long signals took from their acceptance to the commit that made them
// visible.
// SPDX-License-Identifier: MIT
#include "services/archiver/counts/storage_latency.h"

#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/clock.h"

#define HALF_NS (30 * NS_PER_S)

static const uint64_t bounds_us[STORAGE_BOUNDS] = {5000,   10000,  25000,   50000,   100000, 200000,
                                                   300000, 500000, 1000000, 2500000, 5000000};

void storage_latency_destroy(struct storage_latency *self) {
    histogram_destroy(&self->lately[0]);
    histogram_destroy(&self->lately[1]);
    free(self->waiting);
    *self = (struct storage_latency){0};
}

void storage_latency_await(struct storage_latency *self, uint64_t accepted_at) {
    array_reserve(self->waiting, self->n, self->capacity);
    self->waiting[self->n++] = accepted_at;
}

// Nothing for a minute: both halves are over.
static void turn_halves(struct storage_latency *self, uint64_t mono_ns) {
    if (!self->turned_at) self->turned_at = mono_ns;
    uint64_t since = mono_ns - self->turned_at;
    if (since < HALF_NS) return;
    struct histogram old = self->lately[1];
    self->lately[1] = self->lately[0];
    self->lately[0] = old;
    histogram_clear(&self->lately[0]);
    if (since >= 2 * HALF_NS) histogram_clear(&self->lately[1]);
    self->turned_at = mono_ns;
}

static void count_signal(struct storage_latency *self, uint64_t us) {
    self->signals++;
    self->sum_us += us;
    histogram_add(&self->lately[0], (int64_t)us);
    for (size_t i = 0; i < STORAGE_BOUNDS; i++) {
        if (us > bounds_us[i]) continue;
        self->within[i]++;
        return;
    }
}

void storage_latency_commit(struct storage_latency *self, uint64_t utc_ns, uint64_t mono_ns) {
    turn_halves(self, mono_ns);
    for (size_t i = 0; i < self->n; i++) {
        uint64_t at = self->waiting[i];
        count_signal(self, utc_ns > at ? (utc_ns - at) / NS_PER_US : 0);
    }
    self->n = 0;
}

static uint64_t percentile_of(const struct histogram *all, unsigned share_percent) {
    int64_t value = 0;
    return histogram_percentile(all, share_percent, &value) ? (uint64_t)value : 0;
}

static void fill_buckets(const struct storage_latency *self, StorageLatency *out, arena_t *arena) {
    uint64_t so_far = 0;
    out->buckets = arena_take(arena, STORAGE_BOUNDS * sizeof *out->buckets);
    for (size_t i = 0; i < STORAGE_BOUNDS; i++) {
        LatencyBucket *bucket = arena_take(arena, sizeof *bucket);
        latency_bucket__init(bucket);
        bucket->within_us = bounds_us[i];
        bucket->count = so_far += self->within[i];
        out->buckets[out->n_buckets++] = bucket;
    }
}

StorageLatency *storage_latency_report(struct storage_latency *self, uint64_t mono_ns,
                                       arena_t *arena) {
    StorageLatency *out = arena_take(arena, sizeof *out);
    struct histogram lately = {0};
    storage_latency__init(out);
    turn_halves(self, mono_ns);
    histogram_merge(&lately, &self->lately[0]);
    histogram_merge(&lately, &self->lately[1]);
    out->signals = self->signals;
    out->sum_us = self->sum_us;
    out->p50_us = percentile_of(&lately, 50);
    out->p95_us = percentile_of(&lately, 95);
    out->p99_us = percentile_of(&lately, 99);
    histogram_destroy(&lately);
    fill_buckets(self, out, arena);
    return out;
}
