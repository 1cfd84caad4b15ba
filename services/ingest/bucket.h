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
    uint64_t full = burst * token, gained;
    if (!b->at)
        b->level = full;
    else if (mono_ns > b->at && (__builtin_mul_overflow(mono_ns - b->at, per_s, &gained) || gained > full - b->level))
        b->level = full;
    else if (mono_ns > b->at)
        b->level += gained;
    b->at = mono_ns;
    if (b->level < token) return false;
    b->level -= token;
    return true;
}
