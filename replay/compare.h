// compare - what a service said and what it says now: message by message, to the byte, and as
// differences.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/text.h"
#include "common/base/arena.h"
#include "common/base/buffer.h"

// What was said of one thing at one time. Bodies are packed messages of `type`.
struct said {
    const char *type;
    struct span body;
};

#define COMPARE_ROWS_MOST 1000 // differences that are shown; all are counted

struct comparing {
    struct sheet rows;
    unsigned long hidden; // differences without a row
    arena_t *arena;
};

void comparing_begin(struct comparing *c);
void comparing_end(struct comparing *c);

struct tally_of_messages {
    // messages as recorded, and not: one that only one side has is one
    unsigned long same, different;
    // the same as far as Redis keeps it, which is where a service began from: times to the
    // microsecond
    unsigned long rounded;
};

// One after the other where they are the same; what is not is brought together by what it is about
// (trade, command, signal, account). `was` or `is` may be empty. `service` is for the rows.
struct both {
    const char *service;
    const struct said *was, *is;
    size_t n_was, n_is;
};
void compare_messages(struct comparing *c, const struct both *both,
                      struct tally_of_messages *tally);
