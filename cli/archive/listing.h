// listing - an answer of the archive as a table or as CSV. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// What is asked for, by the names of the answer's fields, and the heads over them; times are
// shortened to milliseconds.
struct listing_form {
    const char *what;
    const char *heads, *fields; // "TIME|ACCOUNT|>LOTS", "ordered_at|account_id|lot_size"
};
const struct listing_form *listing_find(const char *what);

// {"rows":[…],"next":…} as a table, with a line that says how to get the next page. False: it
// cannot be read.
bool listing_table(const struct listing_form *form, const char *json, buffer_t *out);
// Every column that any such row may have, quoted as RFC 4180 asks.
bool listing_csv(const char *what, const char *json, buffer_t *out);
