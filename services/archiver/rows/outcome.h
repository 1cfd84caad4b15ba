// outcome - what became of a trade, and of a signal by all its trades. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "archive.pb-c.h"
#include "common/base/arena.h"
#include "execution.pb-c.h"
#include "outcome.pb-c.h"

// The trade's row in trade_performance. Texts are the trade's.
void trade_performance_of(const TradeState *t, TradePerformance *out);

// Gained in percent of the entry price, to eight decimals (half even); negative is lost. False: out
// of range, or no price.
bool gain_percent(int64_t entry, int64_t exit, bool buy, int64_t *out);

// What was charged for an execution; false: nothing. The row is filled all the same.
bool charge_of(const TradeResult *r, CommissionCharge *out);

ReconciliationEntry *reconciliation_entry(const TradeReconciliation *r, const char *signal_id,
                                          arena_t *arena);

// A signal's outcome, from its opening trades one by one. Start with {0}.
struct outcome {
    unsigned closed, open; // trades; open: not over, or still with a position
    bool priced;           // every closed one has both prices
    bool buy, out_of_range;
    __int128 lots, entry, exit; // entry and exit: lots times price
    int64_t pnl;
};
void outcome_add(struct outcome *self, const TradeState *t);
// What the signal's row says. text NULL: there is no outcome yet.
struct outcome_row {
    const char *text; // win, loss, breakeven
    bool has_exit_price, has_profit_loss_pct;
    int64_t exit_price, profit_loss_pct;
};
struct outcome_row outcome_of(const struct outcome *self);
