// fills - what an execution makes of a trade: sums, averages, shares, results. Pure; memory stays
// the caller's.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/decimal.h"
#include "common/base/id.h"
#include "gateway.pb-c.h"
#include "services/executor/trade/lifecycle.h"

bool fills_is_counted(const TradeState *t, const char *execution_id);

// Adds the numbers of an execution of the order: lots, lot-weighted price, charges, time. ERR_RULE:
// not positive, or out of range; nothing is changed then. *event is the step it means; *over tells
// that more than was ordered has been executed (it counts all the same: it happened).
err_t fills_add(TradeState *t, const Fill *f, enum trade_event *event, bool *over);

// So much of the position was closed by `f`: evidence, which counts whether or not the fill that
// opened it is known yet.
void fills_reduce(TradeState *t, const Closing *piece, const Fill *f);
// The broker's books have so much less (e8), and no execution says why. An execution that says so
// later takes its place.
void fills_close_unseen(TradeState *t, int64_t lots, uint64_t now);
// Netting account: so many of the lots (e8) that `f` filled have closed what was open on the other
// side, and opened nothing.
void fills_net(TradeState *t, int64_t lots, const Fill *f);
void fills_add_pnl(TradeState *t, decimal_t pnl); // realised, account currency
// commission and fees of a fill that is not of its order
void fills_charge(TradeState *t, const Fill *f);
// what is left of the position of an opening trade; never below nothing
decimal_t fills_open_lots(const TradeState *t);

// What a closing trade has still to take, of each position. out: room for closing->n_closes; how
// many there are.
size_t fills_left_to_close(const TradeState *closing, Closing *out);
// What `f`, counted already, closed by the plan of its order, in the plan's order; profit by lots,
// its sum exact. Only for a gateway of an earlier version, whose fills do not say it. out: room for
// closing->n_closes; how many there are.
size_t fills_by_plan(const TradeState *closing, const Fill *f, Closing *out);

// The record of one execution; result_id = f(trade_id, execution id). Strings belong to `t`, `f`
// and `result_id`.
void result_id_of(const char *trade_id, const char *execution_id, char out[static ID_TEXT]);
void fills_result(const TradeState *t, const Fill *f, char *result_id, TradeResult *out);
void fills_metrics(const TradeState *t, const Fill *f, char *result_id, uint64_t now,
                   ResultMetrics *out);
// of a trade that was rejected
void fills_failure(const TradeState *t, char *result_id, uint64_t now, TradeResult *out);
void fills_failure_metrics(const TradeState *t, char *result_id, uint64_t now, ResultMetrics *out);
// of what the broker closed by itself
void fills_close_metrics(const Fill *f, char *result_id, uint64_t now, ResultMetrics *out);
void fills_execution_state(const TradeState *t, uint64_t now, ExecutionState *out);
