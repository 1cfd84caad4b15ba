// closing - closing trades: which positions they take, how much of each, and what rounding keeps.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "services/executor/engine.h"
#include "services/executor/trade/partial.h"

#define T(name)     TRADE_STATE__STATE__##name
#define STEP_PRESET (DECIMAL_SCALE / 100)
#define STOP_AGAIN  (60 * NS_PER_S) // a close at the executor's own stop that was refused is tried again after so long

static Signal__Direction other(Signal__Direction side) {
    return side == SIGNAL__DIRECTION__sell ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
}

// --- what is meant

// Whether a closing trade may take from this position.
static bool is_meant(const TradeState *closing, const TradeState *position) {
    if (closing->has_close_side && position->side != closing->close_side) return false;
    return !closing->close_trade_id || strcmp(closing->close_trade_id, position->trade_id) == 0;
}

static struct trade *first_meant(const struct place *p, const TradeState *closing) {
    struct trade *t = p->positions;
    while (t && (!positions_free_lots(t) || !is_meant(closing, t->s))) t = t->newer;
    return t;
}

bool closing_has_positions(const struct trade *t) { return t->s->n_closes || first_meant(t->place, t->s); }

// Positions of one side that are meant, summed up.
struct meant {
    Signal__Direction side;
    int64_t free, residual; // lots, e8
    struct trade *newest;
};

static bool sum_up(const struct trade *t, struct meant *m) {
    struct trade *first = first_meant(t->place, t->s);
    if (!first) return false;
    *m = (struct meant){.side = first->s->side};
    for (struct trade *p = first; p; p = p->newer) {
        if (p->s->side != m->side || !positions_free_lots(p) || !is_meant(t->s, p->s)) continue;
        m->free += positions_free_lots(p);
        m->residual += p->s->residual;
        m->newest = p;
    }
    return true;
}

// --- how much

static struct partial_plan plan(const struct executor *x, const TradeState *s, const struct meant *m) {
    if (!s->has_lot_size && !s->has_close_percent) return (struct partial_plan){m->free, 0};
    const BrokerConfig *broker = x->context->book ? book_broker(x->context->book, s->broker_id) : NULL;
    const SymbolConfig *symbol = broker ? book_symbol(broker, s->symbol) : NULL;
    int64_t step = symbol && symbol->has_lot_step && symbol->lot_step > 0 ? symbol->lot_step : STEP_PRESET;
    const struct partial p = {.open = m->free,
                              .asked = s->has_close_percent ? partial_of(m->free, s->close_percent) : s->lot_size,
                              .residual = m->residual,
                              .step = step,
                              .least = symbol && symbol->has_min_lot && symbol->min_lot > 0 ? symbol->min_lot : step,
                              .rest_closes = strcmp(x->settings->partial_rest, "close") == 0};
    return partial_plan(&p);
}

static void set_residual(struct executor *x, struct trade *position, int64_t residual) {
    if (position->s->residual == residual) return;
    position->s->has_residual = true;
    position->s->residual = residual;
    engine_keep(x, position);
}

// It stands with the newest position, which is closed last.
static void carry(struct executor *x, const struct trade *t, const struct meant *m, int64_t residual) {
    if (residual == m->residual) return;
    for (struct trade *p = t->place->positions; p; p = p->newer) {
        if (p->s->side == m->side && is_meant(t->s, p->s)) set_residual(x, p, p == m->newest ? residual : 0);
    }
}

// Oldest first.
static void add_closings(struct trade *t, const struct meant *m, int64_t left) {
    for (struct trade *p = t->place->positions; p && left; p = p->newer) {
        if (p->s->side != m->side || !is_meant(t->s, p->s)) continue;
        int64_t lots = positions_free_lots(p);
        if (lots > left) lots = left;
        if (lots <= 0) continue;
        trade_add_closing(t, p->s->trade_id, lots);
        left -= lots;
    }
}

enum closing_choice closing_choose(struct executor *x, struct trade *t, Signal__Direction *side) {
    struct meant m;
    if (!sum_up(t, &m)) return CLOSING_NOTHING;
    *side = m.side;
    const struct partial_plan p = plan(x, t->s, &m);
    carry(x, t, &m, p.residual);
    if (!p.lots) return CLOSING_TOO_LITTLE;
    engine_count(x, t, -1);
    add_closings(t, &m, p.lots);
    t->s->has_side = t->s->has_lot_size = true;
    t->s->side = other(m.side);
    t->s->lot_size = p.lots;
    if (p.residual != m.residual) t->s->has_residual = true, t->s->residual = p.residual - m.residual;
    engine_count(x, t, 1);
    return CLOSING_CHOSEN;
}

// It closed nothing: what it added to the residual, or took from it, is as if it had never been asked for.
void closing_undo(struct executor *x, struct trade *t) {
    int64_t added = t->s->residual;
    t->s->residual = 0;
    struct trade *newest = NULL;
    for (struct trade *p = t->place->positions; p; p = p->newer) {
        if (p->s->side != t->s->side && is_meant(t->s, p->s)) newest = p;
    }
    if (newest) set_residual(x, newest, newest->s->residual - added);
}

// Long and short can both be open in one symbol: closing both is then two orders. The second has an id of its own, decided once.
void closing_other_side(struct executor *x, const TradeState *whole, Signal__Direction done) {
    char id[ID_TEXT];
    const char *const parts[] = {"trade", whole->trade_id, "other side"};
    TradeState rest = *whole;
    if (whole->has_close_side || whole->close_trade_id || whole->has_lot_size) return;
    rest.has_close_side = true;
    rest.close_side = other(done);
    const struct place *p = engine_place(x, whole);
    if (!first_meant(p, &rest)) return;
    id_derive(id, whole->trade_id, 3, parts);
    rest.trade_id = id;
    orders_take(x, &rest, false);
}

// --- on command, and at the executor's own stop: an order of its own for each position or place, with an id that is decided once

static void closing_of(const struct executor *x, const TradeState *position, TradeState *s) {
    s->account_id = position->account_id;
    s->broker_id = position->broker_id;
    s->symbol = position->symbol;
    s->broker_symbol = position->broker_symbol;
    s->order_type = SIGNAL__ORDER_TYPE__market;
    s->direction = SIGNAL__DIRECTION__close;
    s->side = SIGNAL__DIRECTION__buy;
    s->signal_at = s->ordered_at = s->updated_at = batch_now(x->batch);
    s->state = T(pending);
}

static void take_once(struct executor *x, TradeState *s, unsigned n, const char *const parts[]) {
    char *id = s->trade_id = arena_take(batch_arena(x->batch), ID_TEXT);
    id_derive(id, s->signal_id, n, parts);
    if (!guard_find(x->guard, digest_text(id), NULL)) orders_take(x, s, false);
}

static void as_asked(const OrderCommand *c, TradeState *s) {
    s->signal_id = c->command_id;
    s->signal_at = s->ordered_at = c->created_at;
    s->has_close_percent = c->has_percent;
    s->close_percent = c->percent;
    s->has_lot_size = c->has_lots;
    s->lot_size = c->lots;
    s->has_close_side = c->has_side;
    s->close_side = c->side;
}

static void close_place(struct executor *x, const struct place *p, const OrderCommand *c) {
    if (!p->positions || (c->symbol && strcmp(c->symbol, p->symbol->name) != 0)) return;
    TradeState s = TRADE_STATE__INIT;
    closing_of(x, p->positions->s, &s);
    as_asked(c, &s);
    if (!first_meant(p, &s)) return;
    const char *const parts[] = {"trade", c->command_id, p->account->id, p->broker_symbol};
    take_once(x, &s, 4, parts);
}

void closing_trade(struct executor *x, struct trade *t, const OrderCommand *c) {
    if (positions_free_lots(t) <= 0) return;
    TradeState s = TRADE_STATE__INIT;
    closing_of(x, t->s, &s);
    as_asked(c, &s);
    s.close_trade_id = t->s->trade_id;
    const char *const parts[] = {"trade", c->command_id, t->s->trade_id};
    take_once(x, &s, 3, parts);
}

void closing_places(struct executor *x, const OrderCommand *c) {
    size_t cursor = 0;
    for (struct place *p; (p = accounts_next_place(x->accounts, &cursor)) != NULL;) {
        if (strcmp(p->account->id, c->account_id) == 0) close_place(x, p, c);
    }
}

// The broker has not taken the stop, and the price has reached it. The id is of the minute: a decision made again lands on itself, and one
// that the broker refused is tried again.
void closing_at_stop(struct executor *x, struct trade *t) {
    if (positions_free_lots(t) <= 0 || t->s->state == T(unknown)) return;
    char minute[24], stop[DECIMAL_TEXT];
    (void)snprintf(minute, sizeof minute, "%llu", (unsigned long long)(batch_now(x->batch) / STOP_AGAIN));
    decimal_print(D(t->s->trail_stop), stop);
    TradeState s = TRADE_STATE__INIT;
    closing_of(x, t->s, &s);
    s.signal_id = t->s->trade_id; // no signal asked for it
    s.close_trade_id = t->s->trade_id;
    const char *const parts[] = {"trade", t->s->trade_id, "at its stop", minute};
    batch_alert(x->batch, ALERT__SEVERITY__warning, "stop_reached", t->s->trade_id,
                "the price has reached the stop %s, which the broker has not taken: closed from here", stop);
    take_once(x, &s, 4, parts);
}
