// fills - what an execution makes of a trade: sums, averages, shares, results. Pure; memory stays the caller's.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/decimal.h"
#include "common/id.h"
#include "gateway.pb-c.h"
#include "services/executor/trade/lifecycle.h"

bool fills_is_counted(const TradeState *t, const char *execution_id);

// Adds the numbers of an execution of the order: lots, lot-weighted price, charges, time. ERR_RULE: not positive, or out of range; nothing
// is changed then. *event is the step it means; *over tells that more than was ordered has been executed (it counts all the same: it
// happened).
err_t fills_add(TradeState *t, const Fill *f, enum trade_event *event, bool *over);

// Takes lots off a position, with the profit (account currency) that the broker realised for them by `f`. Never below nothing.
void fills_reduce(TradeState *t, decimal_t lots, decimal_t pnl, const Fill *f);
// Netting account: so many of the lots that `f` filled have closed what was open on the other side, and opened nothing.
void fills_net(TradeState *t, decimal_t lots, const Fill *f);
void fills_add_pnl(TradeState *t, decimal_t pnl); // realised, and of no position that is known
void fills_charge(TradeState *t, const Fill *f);  // commission and fees of a fill that is not of its order
decimal_t fills_open_lots(const TradeState *t);   // what is left of the position of an opening trade

// How an execution of a closing trade, whose lots before it were `from`, falls on the positions it closes, in their order.
struct share {
    const Closing *closing;
    decimal_t lots;  // may be zero
    decimal_t entry; // price of the position
    decimal_t pnl;   // out
};
size_t fills_share_lots(const TradeState *closing, decimal_t from, decimal_t lots, struct share *out); // out: closing->n_closes; how many
// Splits the realised profit over shares that know their entry price: by what each has gained, else by lots. The sum is exact.
void fills_share_pnl(struct share *shares, size_t n, const Fill *f);

// The record of one execution; result_id = f(trade_id, execution id). Strings belong to `t`, `f` and `result_id`.
void result_id_of(const char *trade_id, const char *execution_id, char out[static ID_TEXT]);
void fills_result(const TradeState *t, const Fill *f, char *result_id, TradeResult *out);
void fills_metrics(const TradeState *t, const Fill *f, char *result_id, uint64_t now, ResultMetrics *out);
void fills_failure(const TradeState *t, char *result_id, uint64_t now, TradeResult *out); // of a trade that was rejected
void fills_execution_state(const TradeState *t, uint64_t now, ExecutionState *out);
