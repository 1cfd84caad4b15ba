// compare - what was ordered against what was executed, for one trade. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/decimal.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"

#define REASON_TEXT 96

// What is known of a trade: what was asked (the order, else what the executor repeats of it), and
// what was done.
struct facts {
    TradeState__State state;
    Signal__OrderType order_type;
    bool ordered; // the order itself has been seen: what it asks counts
    bool has_requested_price, has_lot_size, has_average_price;
    decimal_t requested_price, lot_size;
    decimal_t filled_lots, average_price;
    uint64_t executed_at, first_executed_at; // UTC ns, last and first fill; 0: none
    char reason[REASON_TEXT];                // why it is over without a fill; empty: not said
};

void facts_order(struct facts *f, const Order *order);
void facts_state(struct facts *f, const TradeState *trade);

// Nothing more is awaited for its signal: filled, closed, rejected, cancelled or expired.
bool state_is_final(TradeState__State state);

struct comparison {
    TradeReconciliation__Status status; // success or failed
    bool has_discrepancy;
    decimal_t discrepancy;    // executed - requested price
    char reason[REASON_TEXT]; // why failed, else empty
};

// For a final trade. It is a success when something was executed, as much as was asked, and the
// price is off by no more than `tolerance` (in price, either way; NULL: by any). Without a
// requested price there is nothing to compare with.
void compare_facts(const struct facts *f, const decimal_t *tolerance, struct comparison *out);

// The life of a reconciliation: pending -> success | failed, failed -> success (on later evidence).
// Anything else is refused.
bool reconciliation_may(TradeReconciliation__Status from, TradeReconciliation__Status to);
