// plan - which positions a close takes, and how much of each.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/plan.h"

#include <string.h>

bool plan_means(const TradeState *close, const TradeState *position) {
    if (close->terms->has_close_side && position->side != close->terms->close_side) return false;
    return !close->terms->close_trade_id ||
           strcmp(close->terms->close_trade_id, position->trade_id) == 0;
}

static bool can_take(const TradeState *s, const struct plan_position *p) {
    return p->free > 0 && plan_means(s, p->trade->s);
}

// Of one side: that of the oldest that is meant.
static int64_t sum_meant(const TradeState *s, const struct plan_position *positions, size_t n,
                         struct plan *out) {
    int64_t open = 0;
    for (size_t i = 0; i < n; i++) {
        const struct plan_position *p = &positions[i];
        if (!can_take(s, p)) continue;
        if (!out->newest) out->side = p->trade->s->side;
        if (p->trade->s->side != out->side) continue;
        open += p->free;
        out->residual_before += p->trade->s->residual;
        out->newest = p->trade;
    }
    return open;
}

static struct partial_plan plan_close_lots(const TradeState *s, int64_t open, int64_t residual,
                                           const struct plan_lots *rule) {
    if (!s->terms->has_lot_size && !s->terms->has_close_percent)
        return (struct partial_plan){open, 0};
    const struct partial p = {.open = open,
                              .asked = s->terms->has_close_percent
                                           ? partial_of(open, s->terms->close_percent)
                                           : s->terms->lot_size,
                              .residual = residual,
                              .step = rule->step,
                              .least = rule->least,
                              .rest_closes = rule->rest_closes};
    return partial_plan(&p);
}

// Oldest first.
static void take_lots(const TradeState *s, const struct plan_position *positions, size_t n,
                      struct plan *out) {
    int64_t left = out->lots;
    for (size_t i = 0; i < n && left > 0; i++) {
        const struct plan_position *p = &positions[i];
        if (!can_take(s, p) || p->trade->s->side != out->side) continue;
        Closing *c = &out->closes[out->n_closes++];
        closing__init(c);
        c->trade_id = p->trade->s->trade_id;
        c->lots = p->free < left ? p->free : left;
        left -= c->lots;
    }
}

enum plan_choice plan_close(const TradeState *s, const struct plan_position *positions, size_t n,
                            const struct plan_lots *rule, arena_t *arena, struct plan *out) {
    *out = (struct plan){0};
    int64_t open = sum_meant(s, positions, n, out);
    if (!out->newest) return PLAN_NOTHING_OPEN;
    const struct partial_plan p = plan_close_lots(s, open, out->residual_before, rule);
    out->lots = p.lots;
    out->residual = p.residual;
    if (!p.lots) return PLAN_TOO_LITTLE;
    out->closes = arena_take(arena, n * sizeof *out->closes);
    take_lots(s, positions, n, out);
    return PLAN_CHOSEN;
}
