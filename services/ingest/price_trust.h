// price_trust - whose price of a symbol counts, and which is believed. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/book.h"
#include "common/decimal.h"
#include "price.pb-c.h"

// What the configuration says of a symbol, whoever posts it; good for one version of the book.
struct symbol_owners {
    bool listed; // a broker trades it
    bool named;  // some source names it: then only those that do count
};
struct symbol_owners price_owners(const book_t *book, const char *symbol);
// Whether prices of `symbol` may come from this source.
bool price_is_from(const SignalConfig *source, const char *symbol, struct symbol_owners owners);

// A price that was not believed yet. All zero: there is none.
struct doubted {
    int64_t last;      // e8
    uint64_t first_at; // monotonic ns
    unsigned times;
};

#define JUMP_TIMES     3                         // so often, one after the other, …
#define JUMP_FOR_NS    (5 * UINT64_C(1000000000)) // … over so long, it must be said that a market has jumped
#define JUMP_FORGET_NS (3600 * UINT64_C(1000000000)) // from a price as old as that nothing is a jump

struct price_held {
    int64_t last;         // e8; the latest that was believed; 0: none yet
    uint64_t believed_at; // monotonic ns
    struct doubted doubted;
};

// Whether the price is believed: it is no further than max_jump_percent from the one before, or it has been said again and again.
// What is learned is written into `held`. A bid or an ask so far from its own last price is never believed.
bool price_is_believed(struct price_held *held, const Price *price, decimal_t max_jump_percent, uint64_t mono_ns);
