// bucket - a token bucket: so many a second, with so many at once. Pure; the caller knows the time.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint64_t at;    // monotonic ns of the last look; 0: never, it is full
    uint64_t level; // in 1/10^9 of a token
};

static inline bool bucket_take(struct bucket *b, uint64_t per_s, uint64_t burst, uint64_t mono_ns) {
    const uint64_t token = UINT64_C(1000000000);
    uint64_t full = burst * token, gained = 0, past = mono_ns > b->at ? mono_ns - b->at : 0;
    if (b->level > full) b->level = full; // its rate was lowered
    bool refilled = !b->at || __builtin_mul_overflow(past, per_s, &gained) || gained > full - b->level;
    b->level = refilled ? full : b->level + gained;
    b->at = mono_ns;
    if (b->level < token) return false;
    b->level -= token;
    return true;
}
