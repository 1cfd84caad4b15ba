// resolve - trades in doubt: asked about, never repeated. The rules are in doubt.h; here they are acted upon.
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "common/clock.h"
#include "services/executor/engine.h"

#define T(name) TRADE_STATE__STATE__##name

static struct session *session_of(const struct trade *t) { return t->place->account->session; }

const struct gateway_checks *resolve_checks(const struct trade *t) {
    static const struct gateway_checks nothing = {.check = HELLO__DUPLICATE_CHECK__none};
    const struct session *s = session_of(t);
    return s ? &s->checks : &nothing;
}

static void alarm_place(struct executor *x, const struct trade *t, const char *code, const char *reason) {
    char subject[160];
    (void)snprintf(subject, sizeof subject, "%.64s/%.64s", t->s->account_id, t->s->broker_symbol);
    batch_alert(x->batch, ALERT__SEVERITY__warning, code, subject, "trade %s: %s; nothing new is opened here until it is known",
                t->s->trade_id, reason);
}

// Nobody knows whether the broker has it. Kept, told, quarantined; then asked about. A timeout never makes it rejected.
void resolve_doubt(struct executor *x, struct trade *t, const char *reason) {
    if (t->waits) place_leave(x->accounts, t->place, t);
    if (!engine_move(x, t, TRADE_DOUBT, reason)) return;
    t->asking = false;
    t->asked_since = t->asked_at = 0;
    t->s->has_doubt_at = t->s->has_not_found = true;
    t->s->doubt_at = batch_now(x->batch);
    t->s->not_found = 0;
    alarm_place(x, t, "trade_unknown", reason);
    engine_changed(x, t, NULL, NULL);
}

void resolve_hold(struct executor *x, struct trade *t, const char *reason) {
    if (t->s->state != T(unknown)) resolve_doubt(x, t, reason);
    if (t->s->held) return;
    t->s->has_held = t->s->held = true;
    trade_set_text(&t->s->reason, reason);
    t->s->updated_at = batch_now(x->batch);
    batch_alert(x->batch, ALERT__SEVERITY__critical, "trade_held", t->s->trade_id, "%s: an operator must look at the broker and release it",
                reason);
    engine_changed(x, t, NULL, NULL);
}

void resolve_ask(struct executor *x, struct trade *t) {
    struct session *s = session_of(t);
    t->asked_at = batch_mono(x->batch);
    if (!s || !s->welcomed || !s->checks.can_query) return;
    t->asking = true;
    QueryOrder m = QUERY_ORDER__INIT;
    m.epoch = x->context->epoch;
    m.trade_id = t->s->trade_id;
    m.account_id = t->s->account_id;
    outbox_put(x->outbox, s, &m.base);
}

// Positively not there. For one that is in doubt it counts; for one that the broker has taken before it is an incident.
void resolve_not_found(struct executor *x, struct trade *t) {
    bool asked = t->asking;
    t->asking = false;
    if (t->s->state == T(working) || t->s->state == T(partially_filled)) {
        batch_alert(x->batch, ALERT__SEVERITY__critical, "broker_lost_order", t->s->trade_id,
                    "the broker had it and does not know it any more");
    }
    if (t->s->state != T(unknown) || !asked) return; // each question counts once
    if (t->s->not_found++ == 0) t->asked_since = t->asked_at;
    t->s->has_asked_at = true;
    t->s->asked_at = t->s->updated_at = batch_now(x->batch);
    engine_keep(x, t);
    engine_due(x, t);
}

// It is not there, and a second one would be refused if it were. The last look is the same as for any order, but for the quarantine, which
// it is itself.
static void resend(struct executor *x, struct trade *t) {
    enum gate g = orders_gate(x, t);
    if (!t->s->has_lot_size) return engine_end(x, t, TRADE_REJECT, "no_position");
    if (g == GATE_OPEN || g == GATE_WAIT) return orders_submit(x, t);
    engine_end(x, t, TRADE_REJECT, gate_reason(g));
}

static enum doubt_step next_step(const struct executor *x, const struct trade *t, uint64_t *again) {
    const struct gateway_checks *checks = resolve_checks(t);
    const struct doubt_state d = {.asking = t->asking,
                                  .reachable = session_is_ready(session_of(t)),
                                  .not_found = t->s->not_found,
                                  .since = t->asked_since,
                                  .asked_at = t->asked_at,
                                  .was_sent = t->was_sent,
                                  .covered = doubt_covered(checks, t->first_at, batch_now(x->batch)),
                                  .too_old = engine_too_old(x, t->s),
                                  .known_there = t->known_there};
    return doubt_next(&d, checks, &x->patience, batch_mono(x->batch), again);
}

void resolve_due(struct executor *x, struct trade *t) {
    uint64_t again;
    switch (next_step(x, t, &again)) {
    case DOUBT_ADOPT: // what is found is adopted when the answer comes
    case DOUBT_WAIT:
        return due_set(x->due, &t->due, again);
    case DOUBT_ASK:
        resolve_ask(x, t);
        return due_set(x->due, &t->due, batch_mono(x->batch) + x->patience.interval);
    case DOUBT_EXPIRE:
        return engine_end(x, t, TRADE_EXPIRE, "not at the broker, and too old to be sent");
    case DOUBT_RESEND:
        return resend(x, t);
    case DOUBT_HOLD:
        resolve_hold(x, t, "not at the broker, which would not refuse a second one");
        return due_set(x->due, &t->due, again);
    }
}

// The operator has looked at the broker and takes it upon himself that the order is not there.
void resolve_release(struct executor *x, struct trade *t) {
    if (t->s->state != T(unknown) || !t->s->held) {
        batch_alert(x->batch, ALERT__SEVERITY__info, "not_held", t->s->trade_id, "there is nothing to release");
        return;
    }
    if (engine_too_old(x, t->s)) return engine_end(x, t, TRADE_EXPIRE, "released by the operator, too old to be sent");
    if (session_is_ready(session_of(t))) return resend(x, t);
    batch_alert(x->batch, ALERT__SEVERITY__warning, "no_gateway", t->s->trade_id, "not released: its gateway is not there");
}
