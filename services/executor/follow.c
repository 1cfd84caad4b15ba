// follow - stops that follow the price: trail.h says where they belong, here they are moved, by changes that the broker answers.
// SPDX-License-Identifier: MIT
//
// What was decided is kept when a stop moves, and only then. Until the broker has taken the new stop the old one stays with it.
#include "common/clock.h"
#include "common/testing.h"
#include "services/executor/engine.h"
#include "services/executor/trade/trail.h"

#define T(name)       TRADE_STATE__STATE__##name
#define AGAIN_AFTER   (5 * NS_PER_S) // a stop that the broker refused is offered again
#define DIGITS_PRESET 5

static int64_t point_of(const struct executor *x, const TradeState *s) {
    const BrokerConfig *broker = x->context->book ? book_broker(x->context->book, s->broker_id) : NULL;
    const SymbolConfig *symbol = broker ? book_symbol(broker, s->symbol) : NULL;
    uint32_t digits = symbol ? symbol->digits : DIGITS_PRESET;
    int64_t point = DECIMAL_SCALE;
    for (uint32_t i = 0; i < digits && i < DECIMAL_DIGITS; i++) point /= 10;
    return point;
}

static struct trail view_of(const struct trade *t) {
    const TradeState *s = t->s;
    return (struct trail){.is_long = s->side != SIGNAL__DIRECTION__sell,
                          .entry = s->average_price,
                          .distance = s->trail_distance,
                          .trigger = s->trail_trigger,
                          .step = s->trail_step,
                          .even_trigger = s->break_even_trigger,
                          .even_offset = s->break_even_offset,
                          .point = t->point,
                          .high = t->high ? t->high : s->trail_high,
                          .placed = s->stop_loss,
                          .latched = s->trail_stop};
}

static void latch(struct executor *x, struct trade *t, int64_t stop) {
    const struct session *session = t->place->account->session;
    TradeState *s = t->s;
    s->has_trail_stop = s->has_trail_high = true;
    s->trail_stop = stop;
    s->trail_high = t->high;
    if (!session || session->can_modify) return wishes_stop(x, t, stop);
    engine_keep(x, t); // it is kept here: closed from here when it is reached
}

static void move_to(struct executor *x, struct trade *t, int64_t stop) {
    const struct session *session = t->place->account->session;
    bool again = stop == t->s->trail_stop; // the broker has not taken it
    if (again && session && !session->can_modify) return;
    if (again && t->refused_at && batch_mono(x->batch) - t->refused_at < AGAIN_AFTER) return;
    latch(x, t, stop);
    FAILPOINT("executor.stop_moved");
}

static void close_at(struct executor *x, struct trade *t, int64_t stop) {
    if (stop != t->s->trail_stop) {
        t->s->has_trail_stop = t->s->has_trail_high = true;
        t->s->trail_stop = stop;
        t->s->trail_high = t->high;
        engine_keep(x, t);
    }
    closing_at_stop(x, t);
}

static bool can_follow(const TradeState *s) { return s->state == T(filled) || s->state == T(partially_filled) || s->state == T(closed); }

static void follow(struct executor *x, struct trade *t, int64_t price) {
    int64_t stop;
    if (!t->point) t->point = point_of(x, t->s);
    struct trail view = view_of(t);
    t->high = view.high = trail_best(&view, price);
    if (t->s->has_stop_loss_wanted || !can_follow(t->s)) return; // one change at a time
    switch (trail_next(&view, price, &stop)) {
    case TRAIL_STAYS:
        return;
    case TRAIL_MOVES:
        return move_to(x, t, stop);
    case TRAIL_CLOSES:
        return close_at(x, t, stop);
    }
}

void follow_trade(struct executor *x, struct trade *t) {
    const struct symbol *s = t->place->symbol;
    if (t->followed && s->fed) follow(x, t, t->s->side == SIGNAL__DIRECTION__sell ? s->ask : s->bid);
}

void follow_price(struct executor *x, const struct symbol *symbol) {
    struct trade *next;
    for (struct trade *t = symbol->followed; t; t = next) {
        next = t->followed_next; // what is done to one leaves the others where they are
        follow_trade(x, t);
    }
}
