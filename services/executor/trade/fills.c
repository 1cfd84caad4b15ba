// fills - what an execution makes of a trade: sums, averages, shares, results.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/fills.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/testing.h"
#include "common/domain/trade.h"

bool fills_is_counted(const TradeState *t, const char *execution_id) {
    if (MUTATED("no_guards") || MUTATED("count_again")) return false;
    for (size_t i = 0; i < t->n_executions; i++) {
        if (strcmp(t->executions[i], execution_id) == 0) return true;
    }
    return false;
}

// *sum += part, when there is a part. False: out of range.
static bool add_charge(bool has, int64_t part, int64_t before, decimal_t *sum) {
    *sum = D(before);
    return !has || decimal_add(D(part), D(before), sum);
}

decimal_t fills_open_lots(const TradeState *t) {
    int64_t left = t->filled_lots - t->closed_lots;
    return D(trade_is_closing(t) || left < t->netted_lots ? 0 : left - t->netted_lots);
}

// When the last of it was closed, whichever part was heard of first. Said while it was open, and
// nothing of it is.
static void note_end(TradeState *t, uint64_t at) {
    if (at > t->closed_at) t->closed_at = at;
    t->has_closed_at = t->closed_at && t->filled_lots && !fills_open_lots(t).e8;
}

err_t fills_add(TradeState *t, const Fill *f, enum trade_event *event, bool *over) {
    decimal_t filled, average, commission, fees;
    if (f->lots <= 0 || f->price <= 0) return ERR_RULE;
    if (!decimal_add(D(t->filled_lots), D(f->lots), &filled) ||
        !decimal_mean(D(t->average_price), D(t->filled_lots), D(f->price), D(f->lots), &average) ||
        !add_charge(f->has_commission, f->commission, t->commission, &commission) ||
        !add_charge(f->has_fees, f->fees, t->fees, &fees))
        return ERR_RULE;
    t->has_filled_lots = t->has_average_price = true;
    t->filled_lots = filled.e8;
    t->average_price = average.e8;
    t->has_commission |= f->has_commission;
    t->commission = commission.e8;
    t->has_fees |= f->has_fees;
    t->fees = fees.e8;
    if (!t->has_executed_at || f->executed_at > t->executed_at) t->executed_at = f->executed_at;
    t->has_executed_at = true;
    note_end(t, 0);
    *over = t->terms->has_lot_size && t->filled_lots > t->terms->lot_size;
    *event = t->terms->has_lot_size && t->filled_lots < t->terms->lot_size ? TRADE_FILL_PART
                                                                           : TRADE_FILL_ALL;
    return ERR_OK;
}

// At which price it was closed is known as long as it is of every part.
static void note_exit(TradeState *t, decimal_t lots, decimal_t price) {
    decimal_t mean;
    if (t->closed_lots && !t->has_exit_price) return;
    t->has_exit_price = decimal_mean(D(t->exit_price), D(t->closed_lots), price, lots, &mean);
    if (t->has_exit_price) t->exit_price = mean.e8;
}

static void add_closed(TradeState *t, int64_t lots) {
    t->has_closed_lots = true;
    if (__builtin_add_overflow(t->closed_lots, lots, &t->closed_lots)) t->closed_lots = INT64_MAX;
}

// What had been closed without an execution that says so is explained by this one first.
static int64_t explain_unseen(TradeState *t, int64_t lots) {
    int64_t explained = lots < t->unseen_lots ? lots : t->unseen_lots;
    t->unseen_lots -= explained;
    return lots - explained;
}

void fills_reduce(TradeState *t, const Closing *piece, const Fill *f) {
    if (!t->unseen_lots) note_exit(t, D(piece->lots), D(f->price));
    add_closed(t, explain_unseen(t, piece->lots));
    if (piece->has_pnl || !t->has_pnl) fills_add_pnl(t, D(piece->pnl));
    note_end(t, f->executed_at);
}

void fills_close_unseen(TradeState *t, int64_t lots, uint64_t now) {
    t->has_unseen_lots = true;
    t->unseen_lots += lots;
    t->has_exit_price = false;
    add_closed(t, lots);
    note_end(t, now);
}

void fills_net(TradeState *t, int64_t lots, const Fill *f) {
    t->has_netted_lots = true;
    if (__builtin_add_overflow(t->netted_lots, lots, &t->netted_lots)) t->netted_lots = INT64_MAX;
    note_end(t, f->executed_at);
}

void fills_add_pnl(TradeState *t, decimal_t pnl) {
    decimal_t sum;
    if (!decimal_add(D(t->pnl), pnl, &sum)) return;
    t->has_pnl = true;
    t->pnl = sum.e8;
}

void fills_charge(TradeState *t, const Fill *f) {
    decimal_t sum;
    if (f->has_commission && decimal_add(D(t->commission), D(f->commission), &sum))
        t->has_commission = true, t->commission = sum.e8;
    if (f->has_fees && decimal_add(D(t->fees), D(f->fees), &sum))
        t->has_fees = true, t->fees = sum.e8;
}

// --- which positions it closed

// So much of [from, from + lots) of a plan falls on its piece that begins at *start.
static int64_t measure_overlap(int64_t *start, int64_t piece, int64_t from, int64_t lots) {
    int64_t low = *start > from ? *start : from, end = *start + piece,
            high = end < from + lots ? end : from + lots;
    *start = end;
    return high > low ? high - low : 0;
}

size_t fills_left_to_close(const TradeState *closing, Closing *out) {
    int64_t start = 0;
    size_t n = 0;
    for (size_t i = 0; i < closing->n_closes; i++) {
        const Closing *c = closing->closes[i];
        int64_t lots = measure_overlap(&start, c->lots, closing->filled_lots,
                                       INT64_MAX - closing->filled_lots);
        if (!lots) continue;
        closing__init(&out[n]);
        out[n].trade_id = c->trade_id;
        out[n++].lots = lots;
    }
    return n;
}

size_t fills_by_plan(const TradeState *closing, const Fill *f, Closing *out) {
    int64_t start = 0, left = f->has_pnl ? f->pnl : 0;
    size_t n = 0;
    for (size_t i = 0; i < closing->n_closes; i++) {
        const Closing *c = closing->closes[i];
        int64_t lots = measure_overlap(&start, c->lots, closing->filled_lots - f->lots, f->lots);
        if (!lots) continue;
        closing__init(&out[n]);
        out[n].trade_id = c->trade_id;
        out[n].lots = lots;
        out[n].has_pnl = f->has_pnl;
        out[n].pnl = f->has_pnl ? (int64_t)((__int128)f->pnl * lots / f->lots) : 0;
        left -= out[n++].pnl;
    }
    if (n && f->has_pnl) out[n - 1].pnl += left;
    return n;
}

void result_id_of(const char *trade_id, const char *execution_id, char out[static ID_TEXT]) {
    const char *const parts[] = {"result", trade_id, execution_id};
    id_derive(out, trade_id, 3, parts);
}

static Signal__Direction get_trade_side(const TradeState *t) {
    return t->has_side ? t->side : t->direction;
}

// Signed as in the spec: executed less requested price, whichever the side.
static bool compute_slippage(const TradeState *t, const Fill *f, int64_t *out) {
    decimal_t d;
    if (!t->terms->has_requested_price ||
        !decimal_sub(D(f->price), D(t->terms->requested_price), &d))
        return false;
    *out = d.e8;
    return true;
}

void fills_result(const TradeState *t, const Fill *f, char *result_id, TradeResult *out) {
    *out = (TradeResult)TRADE_RESULT__INIT;
    out->result_id = result_id;
    out->trade_id = t->trade_id;
    out->symbol = t->symbol;
    out->account_id = t->account_id;
    out->execution_id = f->execution_id;
    out->direction = get_trade_side(t);
    out->lot_size = f->lots;
    out->has_execution_price = true;
    out->execution_price = f->price;
    out->has_requested_price = t->terms->has_requested_price;
    out->requested_price = t->terms->requested_price;
    out->has_slippage = compute_slippage(t, f, &out->slippage);
    out->has_pnl = f->has_pnl;
    out->pnl = f->pnl;
    out->has_commission = f->has_commission;
    out->commission = f->commission;
    out->has_fees = f->has_fees;
    out->fees = f->fees;
    out->executed_at = f->executed_at;
    out->broker_order_id = t->broker_order_id;
    out->state = TRADE_RESULT__STATE__pending;
    bool whole = t->state != TRADE_STATE__STATE__partially_filled;
    (void)!result_step(&out->state, whole ? RESULT_FULL : RESULT_PART);
}

void fills_failure(const TradeState *t, char *result_id, uint64_t now, TradeResult *out) {
    *out = (TradeResult)TRADE_RESULT__INIT;
    out->result_id = result_id;
    out->trade_id = t->trade_id;
    out->symbol = t->symbol;
    out->account_id = t->account_id;
    out->direction = get_trade_side(t);
    out->lot_size = t->terms->lot_size;
    out->has_requested_price = t->terms->has_requested_price;
    out->requested_price = t->terms->requested_price;
    out->executed_at = now;
    out->broker_order_id = t->broker_order_id;
    out->state = TRADE_RESULT__STATE__pending;
    (void)!result_step(&out->state, RESULT_FAIL);
}

static uint64_t compute_elapsed_us(uint64_t from, uint64_t to) {
    return from && to > from ? (to - from) / NS_PER_US : 0;
}

static void round_latencies(ResultMetrics *out, uint64_t now) {
    out->execution_latency_ms = out->execution_latency_us / 1000;
    out->broker_latency_ms = out->broker_latency_us / 1000;
    out->network_latency_ms = out->network_latency_us / 1000;
    out->created_at = now;
}

void fills_failure_metrics(const TradeState *t, char *result_id, uint64_t now, ResultMetrics *out) {
    *out = (ResultMetrics)RESULT_METRICS__INIT;
    out->result_id = result_id;
    out->execution_latency_us = compute_elapsed_us(t->signal_at, now);
    out->broker_latency_us = t->has_submitted_at ? compute_elapsed_us(t->submitted_at, now) : 0;
    round_latencies(out, now);
}

void fills_close_metrics(const Fill *f, char *result_id, uint64_t now, ResultMetrics *out) {
    *out = (ResultMetrics)RESULT_METRICS__INIT;
    out->result_id = result_id;
    out->broker_latency_us =
        f->has_received_at ? compute_elapsed_us(f->received_at, f->executed_at) : 0;
    round_latencies(out, now);
}

void fills_metrics(const TradeState *t, const Fill *f, char *result_id, uint64_t now,
                   ResultMetrics *out) {
    *out = (ResultMetrics)RESULT_METRICS__INIT;
    out->result_id = result_id;
    out->execution_latency_us = compute_elapsed_us(t->signal_at, f->executed_at);
    out->broker_latency_us =
        f->has_received_at ? compute_elapsed_us(f->received_at, f->executed_at) : 0;
    out->network_latency_us = f->has_received_at && t->has_submitted_at
                                  ? compute_elapsed_us(t->submitted_at, f->received_at)
                                  : 0;
    out->has_slippage = compute_slippage(t, f, &out->slippage);
    round_latencies(out, now);
}

void fills_execution_state(const TradeState *t, uint64_t now, ExecutionState *out) {
    *out = (ExecutionState)EXECUTION_STATE__INIT;
    out->trade_id = t->trade_id;
    out->state = t->state;
    out->fills = (uint32_t)t->n_executions;
    out->has_filled_lots = t->has_filled_lots;
    out->filled_lots = t->filled_lots;
    out->has_remaining_lots = t->terms->has_lot_size;
    out->remaining_lots =
        t->filled_lots < t->terms->lot_size ? t->terms->lot_size - t->filled_lots : 0;
    out->has_average_price = t->has_average_price;
    out->average_price = t->average_price;
    out->rejection_reason = t->state == TRADE_STATE__STATE__rejected ? t->reason : NULL;
    out->updated_at = now;
}
