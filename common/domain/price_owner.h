// price_owner - whose price of a symbol counts. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/book.h"

// What the configuration says of a symbol, whoever posts it; good for one version of the book.
struct symbol_owners {
    bool listed; // a broker trades it
    bool named;  // some source names it: then only those that do count
};
struct symbol_owners price_owners(const book_t *book, const char *symbol);
// Whether prices of `symbol` may come from this source.
bool price_is_from(const SignalConfig *source, const char *symbol, struct symbol_owners owners);
bool price_is_named(const book_t *book, const char *symbol); // owners.named alone
