// outcome - what became of a trade, and of a signal by all its trades.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/outcome.h"

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/domain/trade.h"
#include "common/schema/record.h"
#include "services/archiver/counts/performance.h"

static bool is_buying_trade(const TradeState *t) {
    return (t->has_side ? t->side : t->direction) != SIGNAL__DIRECTION__sell;
}

bool gain_percent(int64_t entry, int64_t exit, bool buy, int64_t *out) {
    decimal_t gain;
    if (entry <= 0 || !decimal_sub(D(exit), D(entry), &gain) ||
        !decimal_mul(gain, DECIMAL_INT(100), ROUND_HALF_EVEN, &gain))
        return false;
    if (!decimal_div(gain, D(entry), ROUND_HALF_EVEN, &gain)) return false;
    *out = buy ? gain.e8 : decimal_neg(gain).e8;
    return true;
}

// A trade by itself.

static int64_t compute_net_profit(const TradeState *t) {
    return decimal_nearest((wide_t)t->pnl - t->commission - t->fees);
}

static uint64_t between_us(uint64_t from, uint64_t to) {
    return to > from ? (to - from) / NS_PER_US : 0;
}

static void take_amounts(const TradeState *t, TradePerformance *out) {
    out->filled_lots = t->filled_lots;
    out->has_entry_price = t->has_average_price;
    out->entry_price = t->average_price;
    out->has_closed_lots = t->has_closed_lots;
    out->closed_lots = t->closed_lots;
    out->has_exit_price = t->has_exit_price;
    out->exit_price = t->exit_price;
    out->has_pnl = t->has_pnl;
    out->pnl = t->pnl;
    out->has_commission = t->has_commission;
    out->commission = t->commission;
    out->has_fees = t->has_fees;
    out->fees = t->fees;
    out->net_pnl = compute_net_profit(t);
}

static void compute_trade_prices(const TradeState *t, TradePerformance *out) {
    decimal_t off;
    int64_t relative;
    out->has_profit_loss_pct =
        trade_is_closed(t) && t->has_average_price && t->has_exit_price &&
        gain_percent(t->average_price, t->exit_price, is_buying_trade(t), &out->profit_loss_pct);
    if (!t->terms->has_requested_price || !t->has_average_price) return;
    out->has_slippage = decimal_sub(D(t->average_price), D(t->terms->requested_price), &off);
    if (out->has_slippage) out->slippage = off.e8;
    out->has_slippage_bps = relative_slippage(t->average_price, t->terms->requested_price,
                                              is_buying_trade(t), &relative);
    if (out->has_slippage_bps) out->slippage_bps = relative * 10000;
}

static void take_times(const TradeState *t, TradePerformance *out) {
    out->ordered_at = t->ordered_at;
    out->has_executed_at = t->has_executed_at;
    out->executed_at = t->executed_at;
    out->has_closed_at = t->has_closed_at;
    out->closed_at = t->closed_at;
    out->updated_at = t->updated_at;
    out->has_execution_latency_us = t->has_executed_at && t->signal_at;
    out->execution_latency_us = between_us(t->signal_at, t->executed_at);
    out->has_held_us = t->has_closed_at && t->has_executed_at;
    out->held_us = between_us(t->executed_at, t->closed_at);
}

void trade_performance_of(const TradeState *t, TradePerformance *out) {
    trade_performance__init(out);
    out->trade_id = t->trade_id;
    out->signal_id = t->signal_id;
    out->account_id = t->account_id;
    out->broker_id = t->broker_id;
    out->instance_id = t->instance_id;
    out->symbol = t->symbol;
    out->side = (char *)(uintptr_t)(is_buying_trade(t) ? "buy" : "sell");
    out->state =
        (char *)(uintptr_t)record_enum_name(&trade_state__state__descriptor, (int)t->state);
    out->closing = !trade_is_opening(t);
    take_amounts(t, out);
    compute_trade_prices(t, out);
    take_times(t, out);
}

bool charge_of(const TradeResult *r, CommissionCharge *out) {
    commission_charge__init(out);
    out->result_id = r->result_id;
    out->trade_id = r->trade_id;
    out->account_id = r->account_id;
    out->broker_id = r->broker_id;
    out->instance_id = r->instance_id;
    out->symbol = r->symbol;
    out->lot_size = r->lot_size;
    out->has_commission = r->has_commission;
    out->commission = r->commission;
    out->has_fees = r->has_fees;
    out->fees = r->fees;
    out->charged_at = r->executed_at;
    return (r->has_commission && r->commission) || (r->has_fees && r->fees);
}

ReconciliationEntry *reconciliation_entry(const TradeReconciliation *r, const char *signal_id,
                                          arena_t *arena) {
    ReconciliationEntry *e = arena_take(arena, sizeof(*e));
    reconciliation_entry__init(e);
    e->trade_id = r->trade_id;
    e->reconciled_at = r->reconciled_at;
    e->signal_id = (char *)(uintptr_t)signal_id;
    e->reconciliation_status = r->reconciliation_status;
    e->has_discrepancy = r->has_discrepancy;
    e->discrepancy = r->discrepancy;
    e->rejection_reason = r->rejection_reason;
    return e;
}

// All trades of a signal.

void outcome_add(struct outcome *self, const TradeState *t) {
    if (!trade_is_opening(t)) return;
    if (!trade_state_is_over(t->state)) self->open++;
    if (!trade_is_closed(t)) return;
    self->priced = t->has_average_price && t->has_exit_price && (self->priced || !self->closed) &&
                   !self->out_of_range;
    self->closed++;
    self->buy = is_buying_trade(t);
    self->lots += t->closed_lots;
    if (__builtin_add_overflow(self->entry, (__int128)t->average_price * t->closed_lots,
                               &self->entry) ||
        __builtin_add_overflow(self->exit, (__int128)t->exit_price * t->closed_lots, &self->exit))
        self->priced = false, self->out_of_range = true;
    self->pnl = decimal_nearest((wide_t)self->pnl + t->pnl);
}

// sum / lots, half up; prices are positive.
static int64_t mean_price(__int128 sum, __int128 lots) {
    return (int64_t)((sum + lots / 2) / lots);
}

static const char *word_for(int64_t gained) {
    return gained > 0 ? "win" : gained < 0 ? "loss" : "breakeven";
}

struct outcome_row outcome_of(const struct outcome *self) {
    struct outcome_row row = {0};
    if (!self->closed || self->open) return row;
    row.has_exit_price = self->priced && self->lots > 0;
    if (row.has_exit_price) {
        row.exit_price = mean_price(self->exit, self->lots);
        row.has_profit_loss_pct = gain_percent(mean_price(self->entry, self->lots), row.exit_price,
                                               self->buy, &row.profit_loss_pct);
    }
    row.text = word_for(row.has_profit_loss_pct ? row.profit_loss_pct : self->pnl);
    return row;
}
