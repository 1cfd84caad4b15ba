// totals - sums of what is open in a symbol, over holdings and over executors, and the view of them.
// Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/executor/accounts/positions.h"

struct total {
    int64_t long_lots, short_lots;  // e8
    __int128 long_cost, short_cost; // lots times entry price, e16
    __int128 pnl;                   // e8
    bool any;                       // something is open
    // Of the oldest position.
    bool has_stop_loss, has_take_profit;
    uint64_t executed_at; // 0: not known
    int64_t stop_loss, take_profit;
};

void total_add_holding(struct total *t, const struct holding *p);
// of another executor
void total_add_sum(struct total *t, const SymbolSum *s);
// texts are borrowed
void total_view(const struct total *t, const struct symbol *s, ActivePosition *v);
void total_sum(const struct total *t, const struct symbol *s, SymbolSum *out); // likewise
