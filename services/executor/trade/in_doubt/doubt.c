// doubt - may this order be sent without asking first, and what to do about a trade that is in
// doubt.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/in_doubt/doubt.h"

#include "common/base/testing.h"

bool doubt_may_leave(uint64_t decided_at, uint64_t mono) {
    return mono - decided_at <= DOUBT_LEAVES_WITHIN;
}

bool doubt_covered(const struct gateway_checks *g, uint64_t first_at, uint64_t now) {
    uint64_t latest = DOUBT_LEAVES_WITHIN + g->longest_acceptance;
    switch (g->check) {
    case HELLO__DUPLICATE_CHECK__forever:
        return true;
    // it must still be known when ours is accepted at the latest
    case HELLO__DUPLICATE_CHECK__window:
        return first_at <= now && latest < g->window && now - first_at < g->window - latest;
    case HELLO__DUPLICATE_CHECK__session:
        return g->session_since && first_at > g->session_since;
    case HELLO__DUPLICATE_CHECK__open_orders: // what has been filled meanwhile is not open
    case HELLO__DUPLICATE_CHECK__none:
    case _HELLO__DUPLICATE_CHECK_IS_INT_SIZE:
        return false;
    }
    return false;
}

// After a rollback the door may have forgotten a signal's first arrival: then a resend gets a new
// origin, and looks new however late it comes down to us. Resends come within rollback_quiet.
static bool is_near_rollback(uint64_t origin, const struct doubt_context *c) {
    return c->rolled_back_at &&
           (origin < c->rolled_back_at || origin - c->rolled_back_at < c->rollback_quiet);
}

bool doubt_is_fresh(const struct order_origin *o, const struct doubt_context *c) {
    uint64_t origin = MUTATED("hop_time") ? o->ordered_at : o->signal_at;
    if (o->resend || is_near_rollback(origin, c)) return false;
    return origin > c->started_at && origin - c->started_at > c->skew_margin;
}

// Nobody sent it before its signal was there; clocks that differ make that earlier. Near a rollback
// its signal may have been there before.
uint64_t doubt_first_at(const struct order_origin *o, const struct doubt_context *c) {
    if (is_near_rollback(o->signal_at, c) || o->signal_at < c->skew_margin) return 0;
    return o->signal_at - c->skew_margin;
}

enum may_send doubt_may_send(const struct gateway_checks *g, const struct order_origin *o,
                             const struct doubt_context *c) {
    if (MUTATED("no_ask")) return MAY_SEND;
    if (doubt_is_fresh(o, c)) return MAY_SEND;
    if (!o->planless && doubt_covered(g, doubt_first_at(o, c), c->now)) return MAY_SEND;
    return g->can_query || g->keeps_plans ? ASK_FIRST : MAY_HOLD;
}

bool doubt_books_reach(const struct gateway_checks *g, uint64_t signal_at, uint64_t skew_margin) {
    return g->books_since && g->books_since + skew_margin < signal_at;
}

static uint64_t least_span(const struct gateway_checks *g, const struct doubt_patience *p) {
    uint64_t twice = 2 * g->longest_acceptance;
    return twice > p->least ? twice : p->least;
}

static enum doubt_step wait_until(uint64_t at, uint64_t *again) {
    *again = at;
    return DOUBT_WAIT;
}

// Asks when the last question is old enough; `otherwise` until then.
static enum doubt_step ask_after(const struct doubt_state *d, uint64_t interval, uint64_t mono,
                                 enum doubt_step otherwise, uint64_t *again) {
    *again = d->asked_at + interval;
    return !d->asked_at || mono - d->asked_at >= interval ? DOUBT_ASK : otherwise;
}

// The broker cannot be asked. Its gateway is, once, for what its own books say.
static enum doubt_step next_unasked(const struct doubt_state *d, const struct gateway_checks *g,
                                    const struct doubt_patience *p, uint64_t mono,
                                    uint64_t *again) {
    if (g->keeps_plans && (!d->asked_at || (d->asking && mono - d->asked_at >= p->answer_within)))
        return DOUBT_ASK;
    if (g->keeps_plans && d->asking) return wait_until(d->asked_at + p->answer_within, again);
    return d->covered && !d->too_old && !d->unwanted && !d->known_there ? DOUBT_RESEND : DOUBT_HOLD;
}

enum doubt_step doubt_next(const struct doubt_state *d, const struct gateway_checks *g,
                           const struct doubt_patience *p, uint64_t mono, uint64_t *again) {
    *again = mono + p->held_interval;
    if (d->found) return DOUBT_ADOPT;
    if (!d->reachable) return wait_until(mono + p->interval, again);
    if (MUTATED("no_ask")) return DOUBT_RESEND;
    if (!g->can_query) return next_unasked(d, g, p, mono, again);
    if (d->asking && mono - d->asked_at < p->answer_within)
        return wait_until(d->asked_at + p->answer_within, again);
    if (d->asking || d->not_found < p->asks || mono - d->since < least_span(g, p))
        return ask_after(d, p->interval, mono, DOUBT_WAIT, again);

    // It is not there, and will not come.
    if (d->too_old) return DOUBT_EXPIRE;
    if (d->unwanted) return DOUBT_CANCEL;
    if (d->covered || !d->was_sent) return DOUBT_RESEND;
    return ask_after(d, p->held_interval, mono, DOUBT_HOLD, again);
}
