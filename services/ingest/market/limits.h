// limits - what numbers, texts, times and lists of market data may be, as tables. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/read/signal_of.h"

// Of one document.
struct limits_of {
    const char *path; // what stands before a field's name in a complaint
    uint64_t now;     // UTC ns
    arena_t *arena;
    struct complaints *complaints;
};
// Holds a document, and what is within it, against the tables; each fault is one complaint.
void limits_check(const ProtobufCMessage *m, const struct limits_of *of);
