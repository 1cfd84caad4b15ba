// gate - the last check before an order goes out: is trading allowed here and now? Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "order.pb-c.h"
#include "system.pb-c.h"

struct gate_view {
    RiskState__Mode global, account, source;
    OrderCommand__Lock lock;
    // of the order, and the most that its account may order at once (e8; 0: no limit)
    int64_t lots, max_lots;
    unsigned unknown;    // trades in doubt at this account and symbol
    unsigned submitting; // opening trades on their way there
    bool closing;        // the order only reduces
    bool has_positions;  // there is something to close that is not being closed
};

enum gate {
    GATE_OPEN,
    GATE_WAIT,
    GATE_HALTED_GLOBAL,
    GATE_HALTED_ACCOUNT,
    GATE_HALTED_SOURCE,
    GATE_LOCKED,
    GATE_REDUCE_ONLY,
    GATE_MAX_LOTS
};

// Closing is always allowed, but not before what it is to close is there. Opening waits while a
// trade is in doubt at the same account and symbol (quarantine: no new exposure).
enum gate gate_pass(const struct gate_view *v);
const char *gate_reason(enum gate g); // stable, as in the router's reasons
