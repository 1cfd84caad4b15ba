// price_trust - which price of a symbol is believed; whose counts: common/domain/price_owner.h.
// Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/decimal.h"
#include "common/domain/price_owner.h"
#include "price.pb-c.h"

// A price that was not believed yet. All zero: there is none.
struct doubted {
    int64_t last;      // e8
    uint64_t first_at; // monotonic ns
    unsigned times;
};

#define JUMP_TIMES 3 // so often, one after the other, …
// … over so long, it must be said that a market has jumped
#define JUMP_FOR_NS    (5 * UINT64_C(1000000000))
#define JUMP_FORGET_NS (3600 * UINT64_C(1000000000)) // from an older price nothing is a jump

struct price_held {
    int64_t last;         // e8; the latest that was believed; 0: none yet
    uint64_t believed_at; // monotonic ns
    struct doubted doubted;
};

// Whether the price is believed: it is no further than max_jump_percent from the one before, or it
// has been said again and again. What is learned is written into `held`. A bid or an ask so far
// from its own last price is never believed.
bool price_is_believed(struct price_held *held, const Price *price, decimal_t max_jump_percent,
                       uint64_t mono_ns);
