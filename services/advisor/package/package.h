// package - what a language model is given to read about one symbol: the keys of spec 003 as one
// JSON, with the age of each. Pure: the same parts at the same time give the same bytes.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include "common/base/buffer.h"
#include "services/advisor/package/parts.h"

#define PACKAGE_VERSION "1"
#define PACKAGE_ID_TEXT 65 // SHA-256 in hex, terminating zero included
#define SYMBOL_TEXT     33

struct package_input {
    const char *symbol;
    uint64_t now;                  // UTC ns
    struct span parts[PART_COUNT]; // JSON; empty: there is no such key
    uint64_t price_age, data_age;  // ns, after which a part is stale
    size_t headlines;              // most of them
    size_t bytes;                  // most of the whole, at least PACKAGE_LEAST
};
#define PACKAGE_LEAST 4096

struct package {
    char id[PACKAGE_ID_TEXT];
    char symbol[SYMBOL_TEXT];
    uint64_t as_of;    // UTC ns
    bool fresh_price;  // its price is there and not stale
    bool about_symbol; // something of the symbol itself is known
    buffer_t text;     // the JSON; package_destroy frees it
};

// package_id is the SHA-256 of the text as it would be without that member, which is the last one.
// What cannot be read as JSON counts as missing. If the text would be longer than input.bytes,
// lists and texts are cut further, and then whole parts left out, the least important first; `cut`
// and `omitted` in it say so. docs/language-model.md lists the members.
void package_compose(const struct package_input *input, struct package *out);
void package_destroy(struct package *self);

// 1 to 32 letters, digits or any of . _ : / ! & ^ # + -, as at the door of signals.
bool package_symbol_is_valid(const char *symbol);
