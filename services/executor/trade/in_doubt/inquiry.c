// inquiry - a trade in doubt: asked about, never repeated.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/in_doubt/inquiry.h"

#include "common/base/clock.h"

#define T(name) TRADE_STATE__STATE__##name
// so many answers in a row that an order, which the broker had, is not there: it is over
#define GONE_AFTER 5

void inquiry_open(struct trade *t, const char *reason, const struct trade_env *env,
                  struct effects *out) {
    if (!trade_move(t, TRADE_DOUBT, reason, env, out)) return;
    t->inquiry = (struct inquiry){INQUIRY_NONE};
    t->s->has_doubt_at = t->s->has_not_found = true;
    t->s->doubt_at = env->now;
    t->s->not_found = 0;
    effects_alert(out, ALERT__SEVERITY__warning, "trade_unknown",
                  "trade %s is in doubt: %s; this account opens nothing new in this symbol until "
                  "it is resolved",
                  t->s->trade_id, reason)
        ->alert.subject =
        arena_format(env->arena, "%.64s/%.64s", t->s->account_id, t->s->broker_symbol);
    effects_publish(out, NULL, NULL);
}

void inquiry_hold(struct trade *t, const char *reason, const struct trade_env *env,
                  struct effects *out) {
    if (t->s->state != T(unknown)) inquiry_open(t, reason, env, out);
    if (t->s->held) return;
    t->s->has_held = t->s->held = true;
    trade_set_text(&t->s->reason, reason);
    t->s->updated_at = env->now;
    effects_alert(out, ALERT__SEVERITY__critical, "trade_held",
                  "%s: an operator must look at the broker and release the trade", reason);
    effects_publish(out, NULL, NULL);
}

void inquiry_ask(struct trade *t, const struct trade_env *env, struct effects *out) {
    const struct gateway_checks *g = &env->gateway->checks;
    t->inquiry.asked_at = env->mono;
    if (!env->gateway_there || (!g->can_query && !g->keeps_plans)) return;
    t->inquiry.state = INQUIRY_OUT;
    effects_add(out, EFFECT_ASK);
}

void inquiry_restart(struct trade *t) {
    t->inquiry = (struct inquiry){INQUIRY_NONE};
    t->s->not_found = 0;
}

// --- the answer that it is not there

// It cannot be there, and nothing that would bring it there is on its way: an order like any other,
// in its old place.
static bool is_cleared(const struct trade *t, const struct trade_env *env) {
    enum sending after = t->sending;
    return doubt_books_reach(&env->gateway->checks, t->s->signal_at, env->patience->skew_margin) &&
           sending_step(&after, SENDING_DENY);
}

static void clear_submission(struct trade *t, const struct trade_env *env, struct effects *out) {
    (void)sending_step(&t->sending, SENDING_DENY);
    if (t->s->cancel_wanted)
        return trade_end(t, TRADE_CANCEL, "it was to be cancelled, and never came to the broker",
                         env, out);
    if (!trade_move(t, TRADE_UNSENT, NULL, env, out)) return;
    t->s->has_submitted_at = false;
    t->s->held = false;
    effects_add(out, EFFECT_UNSET)->name = "submitted_at";
    effects_add(out, EFFECT_KEEP);
    effects_add(out, EFFECT_RETURN);
}

// A row of answers is of one life.
static void count_absence(struct trade *t, const struct trade_env *env) {
    if (!t->inquiry.since) t->s->not_found = 0;
    if (t->s->not_found++ == 0) t->inquiry.since = t->inquiry.asked_at;
    t->s->has_not_found = t->s->has_asked_at = true;
    t->s->asked_at = t->s->updated_at = env->now;
}

// The broker had it, works on it as far as is known here, and does not know it any more.
static void miss_order(struct trade *t, const struct trade_env *env, struct effects *out) {
    effects_alert(out, ALERT__SEVERITY__critical, "broker_lost_order",
                  "the broker had this order and no longer knows it");
    count_absence(t, env);
    if (t->s->not_found >= GONE_AFTER && env->mono - t->inquiry.since >= env->patience->least)
        return trade_end(t, TRADE_CANCEL, "the broker does not know it any more", env, out);
    effects_add(out, EFFECT_KEEP);
    t->inquiry.state = INQUIRY_WANTED;
    effects_add(out, EFFECT_DUE)->at = env->mono + env->patience->interval;
}

void inquiry_absent(struct trade *t, bool never, const struct trade_env *env, struct effects *out) {
    bool asked = t->inquiry.state == INQUIRY_OUT;
    if (!asked) return; // each question counts once
    t->inquiry.state = INQUIRY_NONE;
    if (trade_is_working(t->s)) return miss_order(t, env, out);
    if (t->s->state != T(unknown)) return;
    if (never && is_cleared(t, env)) return clear_submission(t, env, out);
    count_absence(t, env);
    effects_add(out, EFFECT_KEEP);
}

// --- it is due

static enum doubt_step next_step(const struct trade *t, const struct trade_env *env,
                                 uint64_t *again) {
    const struct gateway_checks *checks = &env->gateway->checks;
    const struct doubt_state d = {.asking = t->inquiry.state == INQUIRY_OUT,
                                  .reachable = env->gateway_ready,
                                  .not_found = t->s->not_found,
                                  .since = t->inquiry.since,
                                  .asked_at = t->inquiry.asked_at,
                                  .was_sent = trade_was_sent(t),
                                  .covered = doubt_covered(checks, t->first_at, env->now),
                                  .too_old = trade_is_too_old(t->s, env->now),
                                  .unwanted = t->s->cancel_wanted,
                                  .known_there = t->known_there};
    return doubt_next(&d, checks, env->patience, env->mono, again);
}

bool inquiry_due(struct trade *t, const struct trade_env *env, struct effects *out) {
    uint64_t again;
    switch (next_step(t, env, &again)) {
    case DOUBT_ADOPT: // what is found is adopted when the answer comes
    case DOUBT_WAIT:
        break;
    case DOUBT_ASK:
        inquiry_ask(t, env, out);
        again = env->mono + env->patience->interval;
        break;
    case DOUBT_EXPIRE:
        return trade_end(t, TRADE_EXPIRE, "not at the broker, and too old to be sent", env, out),
               false;
    case DOUBT_CANCEL:
        return trade_end(t, TRADE_CANCEL, "it was to be cancelled, and is not at the broker", env,
                         out),
               false;
    case DOUBT_RESEND:
        return true;
    case DOUBT_HOLD:
        inquiry_hold(t, "not at the broker, which would not refuse a second one", env, out);
        break;
    }
    effects_add(out, EFFECT_DUE)->at = again;
    return false;
}
