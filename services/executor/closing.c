// closing - closing orders: their plans, and the closes that the executor decides itself.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"

#define T(name)     TRADE_STATE__STATE__##name
#define STEP_PRESET (DECIMAL_SCALE / 100)
// a close at the executor's own stop that was refused is tried again after so long
#define STOP_AGAIN (60 * NS_PER_S)

// --- plans

static bool is_open_for(const struct trade *position, const TradeState *close) {
    return positions_free_lots(position) > 0 && plan_means(close, position->s);
}

static bool holding_has_open(const struct holding *p, const TradeState *close) {
    const struct trade *t = p->positions;
    while (t && !is_open_for(t, close)) t = t->newer;
    return t != NULL;
}

bool closing_has_positions(const struct trade *t) {
    return t->s->n_closes || holding_has_open(t->holding, t->s);
}

static size_t list_positions(const struct holding *p, arena_t *arena, struct plan_position **out) {
    size_t n = 0;
    for (const struct trade *t = p->positions; t; t = t->newer) n++;
    *out = arena_take(arena, (n + 1) * sizeof **out);
    n = 0;
    for (struct trade *t = p->positions; t; t = t->newer)
        (*out)[n++] = (struct plan_position){t, positions_free_lots(t)};
    return n;
}

static struct plan_lots lots_rule(const struct executor *self, const TradeState *s) {
    const BrokerConfig *broker =
        self->context->book ? book_broker(self->context->book, s->broker_id) : NULL;
    const SymbolConfig *symbol = broker ? book_symbol(broker, s->symbol) : NULL;
    int64_t step =
        symbol && symbol->has_lot_step && symbol->lot_step > 0 ? symbol->lot_step : STEP_PRESET;
    return (struct plan_lots){
        .step = step,
        .least = symbol && symbol->has_min_lot && symbol->min_lot > 0 ? symbol->min_lot : step,
        .rest_closes = strcmp(self->settings->partial_rest, "close") == 0};
}

static void set_residual(struct executor *self, batch_t *batch, struct trade *position,
                         int64_t residual) {
    if (position->s->residual == residual) return;
    struct step s = step_begin(self, batch, position);
    position->s->has_residual = true;
    position->s->residual = residual;
    effects_add(&s.out, EFFECT_KEEP);
    step_end(&s);
}

// It stands with the newest position, which is closed last.
static void move_residual(struct executor *self, batch_t *batch, const struct trade *t,
                          const struct plan *p) {
    if (p->residual == p->residual_before) return;
    for (struct trade *o = t->holding->positions; o; o = o->newer) {
        if (o->s->side == p->side && plan_means(t->s, o->s))
            set_residual(self, batch, o, o == p->newest ? p->residual : 0);
    }
}

// The plan becomes part of the trade, which is recorded before anything is sent.
static void adopt_close_plan(struct executor *self, batch_t *batch, struct trade *t,
                             struct plan *p) {
    Closing **closes = arena_take(batch_arena(batch), p->n_closes * sizeof(Closing *));
    for (size_t i = 0; i < p->n_closes; i++) closes[i] = &p->closes[i];
    engine_count(self, batch, t, -1);
    trade_set_closings(t, closes, p->n_closes);
    t->s->has_side = t->s->terms->has_lot_size = true;
    t->s->side = side_opposite(p->side);
    t->s->terms->lot_size = p->lots;
    if (p->residual != p->residual_before)
        t->s->has_residual = true, t->s->residual = p->residual - p->residual_before;
    engine_count(self, batch, t, 1);
}

enum plan_choice closing_plan(struct executor *self, batch_t *batch, struct trade *t,
                              Signal__Direction *side) {
    struct plan_position *positions;
    struct plan p;
    const struct plan_lots rule = lots_rule(self, t->s);
    size_t n = list_positions(t->holding, batch_arena(batch), &positions);
    enum plan_choice choice = plan_close(t->s, positions, n, &rule, batch_arena(batch), &p);
    *side = p.side;
    if (choice == PLAN_NOTHING_OPEN) return choice;
    move_residual(self, batch, t, &p);
    if (choice == PLAN_CHOSEN) adopt_close_plan(self, batch, t, &p);
    return choice;
}

// It closed nothing: what it added to the residual, or took from it, is as if it had never been
// asked for.
void closing_give_back(struct executor *self, batch_t *batch, const struct trade *t,
                       int64_t residual) {
    struct trade *newest = NULL;
    t->s->residual = 0;
    for (struct trade *p = t->holding->positions; p; p = p->newer) {
        if (p->s->side != t->s->side && plan_means(t->s, p->s)) newest = p;
    }
    if (newest) set_residual(self, batch, newest, newest->s->residual - residual);
}

// --- orders that the executor makes itself: their ids are decided once, and they are published
// before they are sent

// A decision that is made again lands on itself: on the trade, or on the guard that remembers it.
static void take_once(struct executor *self, batch_t *batch, TradeState *s, unsigned n,
                      const char *const parts[]) {
    char *id = s->trade_id = arena_take(batch_arena(batch), ID_TEXT);
    id_derive(id, s->signal_id, n, parts);
    if (!trades_find(self->trades, id) && !guard_find(self->guard, digest_text(id), NULL))
        orders_take(self, batch, s, false);
}

static void start_close(batch_t *batch, const TradeState *position, TradeState *s) {
    s->account_id = position->account_id;
    s->broker_id = position->broker_id;
    s->symbol = position->symbol;
    s->broker_symbol = position->broker_symbol;
    s->terms = terms_begin(NULL, batch_arena(batch)); // at the market
    s->direction = SIGNAL__DIRECTION__close;
    s->side = SIGNAL__DIRECTION__buy;
    s->signal_at = s->ordered_at = s->updated_at = batch_now(batch);
    s->state = T(pending);
    s->has_cause = true;
}

// Long and short can both be open in one symbol: closing both is then two orders.
void closing_other_side(struct executor *self, batch_t *batch, const TradeState *whole,
                        Signal__Direction done) {
    const char *const parts[] = {"trade", whole->trade_id, "other side"};
    TradeState rest = TRADE_STATE__INIT;
    if (whole->terms->has_close_side || whole->terms->close_trade_id || whole->terms->has_lot_size)
        return;
    start_close(batch, whole, &rest);
    rest.signal_id = whole->signal_id;
    rest.source = whole->source;
    rest.signal_at = whole->signal_at;
    rest.ordered_at = whole->ordered_at;
    rest.has_valid_until = whole->has_valid_until;
    rest.valid_until = whole->valid_until;
    rest.terms = terms_begin(whole->terms, batch_arena(batch));
    rest.terms->has_close_side = true;
    rest.terms->close_side = side_opposite(done);
    rest.cause = TRADE_STATE__CAUSE__other_side;
    rest.cause_id = whole->trade_id;
    rest.reason = (char *)(uintptr_t) "long and short were open: this closes the other side";
    const struct holding *p = engine_get_holding(self, whole);
    if (holding_has_open(p, &rest)) take_once(self, batch, &rest, 3, parts);
}

static void set_asked(const OrderCommand *c, TradeState__Cause cause, TradeState *s) {
    s->cause = cause;
    s->cause_id = c->command_id;
    s->reason = c->reason;
    s->signal_id = c->command_id;
    s->signal_at = s->ordered_at = c->created_at;
    s->terms->has_close_percent = c->has_percent;
    s->terms->close_percent = c->percent;
    s->terms->has_lot_size = c->has_lots;
    s->terms->lot_size = c->lots;
    s->terms->has_close_side = c->has_side;
    s->terms->close_side = c->side;
}

static void close_holding(struct executor *self, batch_t *batch, const struct holding *p,
                          const OrderCommand *c) {
    if (!p->positions || (c->symbol && strcmp(c->symbol, p->symbol->name) != 0)) return;
    TradeState s = TRADE_STATE__INIT;
    start_close(batch, p->positions->s, &s);
    set_asked(c, TRADE_STATE__CAUSE__command, &s);
    const char *const parts[] = {"trade", c->command_id, p->account->id, p->broker_symbol};
    if (holding_has_open(p, &s)) take_once(self, batch, &s, 4, parts);
}

static void close_trade(struct executor *self, batch_t *batch, struct trade *t,
                        const OrderCommand *c, TradeState__Cause cause, const char *round) {
    if (positions_free_lots(t) <= 0) return;
    TradeState s = TRADE_STATE__INIT;
    start_close(batch, t->s, &s);
    set_asked(c, cause, &s);
    s.terms->close_trade_id = t->s->trade_id;
    const char *const parts[] = {"trade", c->command_id, t->s->trade_id, round};
    take_once(self, batch, &s, round ? 4 : 3, parts);
}

void closing_trade(struct executor *self, batch_t *batch, struct trade *t, const OrderCommand *c) {
    close_trade(self, batch, t, c, TRADE_STATE__CAUSE__command, NULL);
}

void closing_flatten(struct executor *self, batch_t *batch, struct trade *t, const OrderCommand *c,
                     const char *round) {
    close_trade(self, batch, t, c, TRADE_STATE__CAUSE__flatten, round);
}

void closing_close_holdings(struct executor *self, batch_t *batch, const OrderCommand *c) {
    struct account *a = accounts_find(self->accounts, c->account_id);
    for (struct holding *p = a ? a->holdings : NULL; p; p = p->next_of_account)
        close_holding(self, batch, p, c);
}

// The broker has not taken the stop, and the price has reached it. The id is of the minute: a
// decision made again lands on itself, and one that the broker refused is tried again.
void closing_at_stop(struct executor *self, batch_t *batch, struct trade *t) {
    if (positions_free_lots(t) <= 0 || t->s->state == T(unknown)) return;
    char minute[24], stop[DECIMAL_TEXT];
    (void)snprintf(minute, sizeof minute, "%llu",
                   (unsigned long long)(batch_now(batch) / STOP_AGAIN));
    decimal_print(D(t->s->trail_stop), stop);
    TradeState s = TRADE_STATE__INIT;
    start_close(batch, t->s, &s);
    s.cause = TRADE_STATE__CAUSE__stop;
    s.signal_id = s.cause_id = s.terms->close_trade_id = t->s->trade_id;
    s.reason =
        arena_format(batch_arena(batch),
                     "the price has reached its stop %s, which the broker has not taken", stop);
    const char *const parts[] = {"trade", t->s->trade_id, "at its stop", minute};
    batch_alert(batch, ALERT__SEVERITY__warning, "stop_reached", t->s->trade_id,
                "the price has reached the stop %s, which the broker has not accepted: the "
                "executor closes the position",
                stop);
    take_once(self, batch, &s, 4, parts);
}
