// body - the bytes that a source posted, in its dialect, become fields of ours. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/read/dialect.h"

struct signal_body {
    const SignalConfig *source;
    struct span bytes;
    bool may_be_packed; // a packed Signal is read as well as a document
};

// NULL: it cannot be decoded, *why says what is wrong with it. In the arena.
struct translation *body_translate(const struct signal_body *b, arena_t *arena, const char **why);
