// trailing - stops that follow the price.
// SPDX-License-Identifier: MIT
//
// What was decided is kept when a stop moves, and only then. Until the broker has taken the new
// stop the old one stays with it.
#include "services/executor/trade/trailing.h"

#include "common/base/clock.h"
#include "services/executor/trade/amend.h"
#include "services/executor/trade/trail.h"

#define T(name)     TRADE_STATE__STATE__##name
#define AGAIN_AFTER (5 * NS_PER_S) // a stop that the broker refused is offered again

bool trailing_is_asked(const TradeState *s) {
    return s->terms->trail_distance > 0 || s->terms->break_even_trigger > 0;
}

static struct trail trail_of(const struct trade *t) {
    const TradeState *s = t->s;
    return (struct trail){.is_long = s->side != SIGNAL__DIRECTION__sell,
                          .entry = s->average_price,
                          .distance = s->terms->trail_distance,
                          .trigger = s->terms->trail_trigger,
                          .step = s->terms->trail_step,
                          .even_trigger = s->terms->break_even_trigger,
                          .even_offset = s->terms->break_even_offset,
                          .point = t->point,
                          .high = t->high ? t->high : s->trail_high,
                          .placed = s->terms->stop_loss,
                          .latched = s->trail_stop};
}

static void latch_stop(struct trade *t, int64_t stop) {
    t->s->has_trail_stop = t->s->has_trail_high = true;
    t->s->trail_stop = stop;
    t->s->trail_high = t->high;
}

static void move_stop(struct trade *t, int64_t stop, const struct trade_env *env,
                      struct effects *out) {
    bool again = stop == t->s->trail_stop; // the broker has not taken it
    bool can_modify = !env->gateway_ready || env->gateway->can_modify;
    if (again && !can_modify) return;
    if (again && t->refused_at && env->mono - t->refused_at < AGAIN_AFTER) return;
    latch_stop(t, stop);
    if (can_modify) return amend_stop(t, stop, env, out);
    effects_add(out, EFFECT_KEEP); // it is kept here: closed from here when it is reached
}

static void close_at_stop(struct trade *t, int64_t stop, struct effects *out) {
    if (stop != t->s->trail_stop) {
        latch_stop(t, stop);
        effects_add(out, EFFECT_KEEP);
    }
    effects_add(out, EFFECT_CLOSE);
}

static bool can_follow(const TradeState *s) {
    return s->state == T(filled) || s->state == T(partially_filled) || s->state == T(closed);
}

void trailing_follow(struct trade *t, int64_t price, const struct trade_env *env,
                     struct effects *out) {
    int64_t stop;
    struct trail trail = trail_of(t);
    t->high = trail.high = trail_best(&trail, price);
    if (t->s->wanted->has_stop_loss || !can_follow(t->s)) return; // one change at a time
    switch (trail_next(&trail, price, &stop)) {
    case TRAIL_STAYS:
        return;
    case TRAIL_MOVES:
        return move_stop(t, stop, env, out);
    case TRAIL_CLOSES:
        return close_at_stop(t, stop, out);
    }
}
