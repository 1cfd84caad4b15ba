// histogram - how often each value came, at two significant digits: exact counts that add up over
// days and can be taken back. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/buffer.h"

// A value counts as the nearest one with two significant digits (ties away from zero): 0 to 99
// themselves, 1249 as 1200, 1250 as 1300. So a percentile is at most 5 % off. {0} is empty and
// valid.
struct bucket {
    int32_t at; // increases with the value it stands for
    uint64_t count;
};
struct histogram {
    struct bucket *buckets; // none is empty; in order
    uint32_t n, capacity;
    uint64_t total;
};

void histogram_destroy(struct histogram *self); // empties it, and gives its memory back
void histogram_clear(struct histogram *self);   // empties it
void histogram_add(struct histogram *self, int64_t value);
void histogram_take(struct histogram *self, int64_t value); // one that was added
void histogram_merge(struct histogram *self, const struct histogram *more);
// The smallest value such that at least share_percent of all are not above it (nearest rank).
// False: empty.
bool histogram_percentile(const struct histogram *self, unsigned share_percent, int64_t *value);

// Stored: the number of buckets, then for each how much its place is above the one before (zigzag)
// and its count; all as varints.
void histogram_write(const struct histogram *self, buffer_t *out);
// Replaces *self; *bytes moves behind what was read. False: not a histogram; it is empty then.
bool histogram_read(struct histogram *self, struct span *bytes);
