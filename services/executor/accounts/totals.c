// totals - sums of what is open in a symbol, over holdings and over executors, and the view of them.
// SPDX-License-Identifier: MIT
#include "services/executor/accounts/totals.h"

#include "common/base/decimal.h"

// (price - entry) * lots * contract size; the sums are e16 each, so one division brings back e8.
static __int128 pnl_of(const struct holding *p) {
    __int128 price = p->symbol->price;
    __int128 gain = (price * p->long_lots - p->long_cost) + (p->short_cost - price * p->short_lots);
    return gain / DECIMAL_SCALE * p->contract_size / DECIMAL_SCALE;
}

// The oldest position so far is this one.
static bool is_oldest_position(const struct total *t, uint64_t executed_at) {
    return !t->any || executed_at < t->executed_at;
}

void total_add_holding(struct total *t, const struct holding *p) {
    t->long_lots += p->long_lots;
    t->short_lots += p->short_lots;
    t->long_cost += p->long_cost;
    t->short_cost += p->short_cost;
    t->pnl += pnl_of(p);
    if (!p->positions) return;
    const TradeState *s = p->positions->s;
    if (is_oldest_position(t, s->executed_at)) {
        t->executed_at = s->executed_at;
        t->has_stop_loss = s->terms->has_stop_loss;
        t->stop_loss = s->terms->stop_loss;
        t->has_take_profit = s->terms->has_take_profit;
        t->take_profit = s->terms->take_profit;
    }
    t->any = true;
}

static __int128 join_int128(int64_t high, uint64_t low) {
    return (__int128)((unsigned __int128)high << 64 | low);
}

void total_add_sum(struct total *t, const SymbolSum *s) {
    t->long_lots += s->long_lots;
    t->short_lots += s->short_lots;
    t->long_cost += join_int128(s->long_cost_high, s->long_cost_low);
    t->short_cost += join_int128(s->short_cost_high, s->short_cost_low);
    t->pnl += s->unrealized_pnl;
    if (is_oldest_position(t, s->executed_at)) {
        t->executed_at = s->executed_at;
        t->has_stop_loss = s->has_stop_loss;
        t->stop_loss = s->stop_loss;
        t->has_take_profit = s->has_take_profit;
        t->take_profit = s->take_profit;
    }
    t->any = true;
}

void total_view(const struct total *t, const struct symbol *s, ActivePosition *v) {
    int64_t net = t->long_lots - t->short_lots;
    bool is_short = net < 0 || !t->long_lots;
    int64_t lots = is_short ? t->short_lots : t->long_lots;
    v->symbol = s->name;
    v->current_price = s->price;
    v->quantity = net < 0 ? -net : net;
    v->side = (char *)(uintptr_t)(net > 0 ? "long" : net < 0 ? "short" : "flat");
    v->entry_price = lots ? decimal_nearest((is_short ? t->short_cost : t->long_cost) / lots) : 0;
    v->unrealized_pnl = decimal_nearest(t->pnl);
    int64_t gain = is_short ? v->entry_price - s->price : s->price - v->entry_price;
    v->unrealized_pnl_pct =
        v->entry_price ? decimal_nearest((__int128)gain * 100 * DECIMAL_SCALE / v->entry_price) : 0;
    v->has_entry_time = t->executed_at != 0;
    v->entry_time = t->executed_at;
    v->has_stop_loss = t->has_stop_loss;
    v->stop_loss = t->stop_loss;
    v->has_take_profit = t->has_take_profit;
    v->take_profit = t->take_profit;
}

void total_sum(const struct total *t, const struct symbol *s, SymbolSum *out) {
    symbol_sum__init(out);
    out->symbol = s->name;
    out->long_lots = t->long_lots;
    out->short_lots = t->short_lots;
    out->long_cost_high = (int64_t)(t->long_cost >> 64);
    out->long_cost_low = (uint64_t)t->long_cost;
    out->short_cost_high = (int64_t)(t->short_cost >> 64);
    out->short_cost_low = (uint64_t)t->short_cost;
    out->unrealized_pnl = decimal_nearest(t->pnl);
    out->price = s->price;
    out->executed_at = t->executed_at;
    out->has_stop_loss = t->has_stop_loss;
    out->stop_loss = t->stop_loss;
    out->has_take_profit = t->has_take_profit;
    out->take_profit = t->take_profit;
}
