// discrepancy - how a position that the broker's books have differs from ours, and what heals it: a
// table.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum discrepancy {
    DISCREPANCY_NONE,
    DISCREPANCY_UNKNOWN,  // the broker holds it under an id that nobody here knows
    DISCREPANCY_FEWER,    // the broker holds less of it than is on record, or nothing
    DISCREPANCY_MORE,     // the broker holds more of it than is on record
    DISCREPANCY_FINISHED, // the broker holds it, and it is over here
    DISCREPANCY_UNLISTED, // an order that works here, and the broker does not list it
    DISCREPANCY_COUNT
};

enum remedy {
    REMEDY_NOTHING,
    REMEDY_SEEK, // ask under that id until it is answered, and adopt the answer (orphans.h)
    REMEDY_ASK,  // ask: its executions, late as they may come, explain it and are adopted
    // what the broker has no more is closed here, without a price unless its history says one
    REMEDY_CLOSE_HERE,
    REMEDY_END_HERE, // the rest of the order is over
    REMEDY_ALERT,    // an operator must look
};

// What is seen: lots (e8) here and at the broker.
struct discrepancy_view {
    bool known; // there is a trade under the id
    bool over;  // and it is final
    int64_t here, there;
};

// snapshots in a row, the answer to the question among them, before what was asked about is acted
// on
#define DISCREPANCY_PATIENCE 3

enum discrepancy discrepancy_of(const struct discrepancy_view *v);
// What to do about it when it is seen for the `times`-th time in a row (from 1).
enum remedy discrepancy_remedy(enum discrepancy d, unsigned times);
const char *discrepancy_text(enum discrepancy d); // in words, for alerts
