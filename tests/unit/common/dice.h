// dice - seeded random numbers for tests that must hold for every value of a type.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

struct dice {
    uint64_t state; // not 0
};

static inline uint64_t dice_roll(struct dice *d) { // xorshift64*
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * UINT64_C(2685821657736338717);
}

// Any 64 bits, of every size, and often one of those next to where a type ends: 0, the signed
// limits, the unsigned one.
static inline uint64_t dice_bits(struct dice *d) {
    static const uint64_t ends[] = {0, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    uint64_t bits = dice_roll(d), how = dice_roll(d) % 8;
    if (how == 0) return ends[bits % 4] + (bits >> 32) % 5 - 2;
    return how < 4 ? bits >> (bits & 63) : bits;
}
