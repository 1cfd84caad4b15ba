// collect - reads from Redis what a package is made of. All of it is others' keys.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/book.h"
#include "services/advisor/package/package.h"

struct collect_from {
    store_t *store;
    const book_t *book; // the configuration
    const char *source; // whose subscribers' accounts are told
    bool account_ids;   // with their ids; else they are numbered
};

// Fills input->parts for input->symbol; their memory is in the arena. An error: Redis did not
// answer.
err_t collect_parts(const struct collect_from *from, arena_t *arena, struct package_input *input);
// {"symbols":[…]}: what brokers list and the watchlist has, each once, in order.
err_t collect_symbols(const struct collect_from *from, buffer_t *out);
