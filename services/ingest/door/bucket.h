// bucket - a token bucket: so many a second, with so many at once. Pure; the caller knows the time.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint64_t at;    // monotonic ns of the last look; 0: never, it is full
    uint64_t level; // in 1/10^9 of a token
};

// What may be spent: so much at once, and so much again in each period. At most 10^10 of it.
struct budget {
    uint64_t amount, period_ns, burst;
};

static inline bool bucket_spend(struct bucket *b, uint64_t cost, struct budget budget,
                                uint64_t mono_ns) {
    const uint64_t token = UINT64_C(1000000000);
    uint64_t full = budget.burst * token, past = mono_ns > b->at ? mono_ns - b->at : 0;
    if (b->level > full) b->level = full; // it was lowered
    unsigned __int128 gained = (unsigned __int128)past * budget.amount * token / budget.period_ns;
    b->level = !b->at || gained > full - b->level ? full : b->level + (uint64_t)gained;
    b->at = mono_ns;
    if (cost > budget.burst || b->level < cost * token) return false;
    b->level -= cost * token;
    return true;
}

static inline bool bucket_take(struct bucket *b, uint64_t per_s, uint64_t burst, uint64_t mono_ns) {
    return bucket_spend(b, 1, (struct budget){per_s, UINT64_C(1000000000), burst}, mono_ns);
}
