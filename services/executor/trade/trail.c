// trail - where the stop of a position belongs.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/trail.h"

// Prices of short positions are turned round: then higher is better for both, and one rule does.
static int64_t sign_of(const struct trail *t) { return t->is_long ? 1 : -1; }

int64_t trail_best(const struct trail *t, int64_t price) {
    if (!t->high) return price;
    return (price - t->high) * sign_of(t) > 0 ? price : t->high;
}

// How far the better of two stops is ahead of the other; a stop that is none is far behind.
static bool is_better(const struct trail *t, int64_t stop, int64_t than, int64_t by) {
    return !than || (stop - than) * sign_of(t) >= by;
}

// Whole points, away from the price. 0: there is none.
static int64_t to_point(const struct trail *t, int64_t stop) {
    int64_t rest = stop % t->point;
    if (stop <= 0) return 0;
    return t->is_long || !rest ? stop - rest : stop - rest + t->point;
}

static int64_t best_of(const struct trail *t, int64_t a, int64_t b) {
    return !a ? b : !b || is_better(t, a, b, 0) ? a : b;
}

// Where the rules want the stop, if by enough: break-even by a point, trailing by its step.
static int64_t find_wanted_stop(const struct trail *t, int64_t now) {
    int64_t sign = sign_of(t), ahead = (t->high - t->entry) * sign, stop = 0;
    if (t->distance && ahead >= t->trigger) {
        int64_t trailed = to_point(t, t->high - t->distance * sign);
        if (trailed && is_better(t, trailed, now, t->step > t->point ? t->step : t->point))
            stop = trailed;
    }
    // never a stop that the price has not passed
    if (t->even_trigger && ahead >= t->even_trigger && ahead > t->even_offset) {
        int64_t even = to_point(t, t->entry + t->even_offset * sign);
        if (even && is_better(t, even, now, t->point)) stop = best_of(t, stop, even);
    }
    return stop;
}

static bool is_stop_reached(const struct trail *t, int64_t stop, int64_t price) {
    return (price - stop) * sign_of(t) <= 0;
}

enum trail_step trail_next(const struct trail *t, int64_t price, int64_t *stop) {
    bool refused = t->latched && (!t->placed || is_better(t, t->latched, t->placed, 1));
    int64_t next = find_wanted_stop(t, best_of(t, t->placed, t->latched));
    *stop = next ? next : t->latched;
    if (!next && !refused) return TRAIL_STAYS;
    return is_stop_reached(t, *stop, price) ? TRAIL_CLOSES : TRAIL_MOVES;
}
