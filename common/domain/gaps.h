// gaps - what a configuration lacks to trade as it says: each thing named, with what to do about
// it. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/book.h"

#define GAP_TEXT 320
#define GAPS_MAX 20 // told of each kind; more are counted in one more

struct gap {
    // account_without_gateway, closed_source, unknown_source, unknown_currency, no_price_source,
    // no_price
    const char *what;
    char text[GAP_TEXT];
};
typedef void gap_fn(void *arg, const struct gap *gap);

// Whether a price of the symbol (the signal's name) is known. NULL: it is not asked, only whether
// anybody may post one.
typedef bool gap_priced_fn(const void *arg, const char *symbol);

struct gaps_asked {
    gap_priced_fn *is_priced;
    const void *priced_by;
};

// Of accounts that are enabled, and the symbols of their brokers. None of it stops anything: orders
// would be refused or expire. Returns how many were told.
size_t gaps_each(const book_t *book, const struct gaps_asked *asked, gap_fn *tell, void *arg);
