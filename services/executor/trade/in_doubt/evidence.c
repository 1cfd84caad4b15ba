// evidence - what a broker says about a trade.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/in_doubt/evidence.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/schema/record.h"
#include "services/executor/trade/amend.h"
#include "services/executor/trade/fills.h"
#include "services/executor/trade/in_doubt/inquiry.h"

#define T(name) TRADE_STATE__STATE__##name

// --- what was submitted

struct submitted {
    Signal__Direction side;
    int64_t lots;
    Closing *const *closes;
    size_t n_closes;
    const Terms *terms; // NULL: a report does not say them
};

static bool closes_same(const TradeState *s, const struct submitted *p) {
    bool same = s->n_closes == p->n_closes;
    for (size_t i = 0; same && i < p->n_closes; i++) {
        same = s->closes[i]->lots == p->closes[i]->lots &&
               strcmp(s->closes[i]->trade_id, p->closes[i]->trade_id) == 0;
    }
    return same;
}

// The signal was decided again after a rollback, on other positions: what was to be bought is to be
// sold (reverse, target).
static bool is_turned(const TradeState *s, const struct submitted *p) {
    return !trade_is_closing(s) && s->has_side && s->side != p->side;
}

// An order that opens closes nothing, and keeps its side once something of it has been counted.
static bool plan_is_bad(const TradeState *s, const struct submitted *p, struct effects *out) {
    int64_t lots = 0;
    bool opens = !trade_is_closing(s);
    bool bad = p->lots <= 0 || (opens && p->n_closes) || (is_turned(s, p) && s->n_executions);
    for (size_t i = 0; !bad && i < p->n_closes; i++)
        bad = p->closes[i]->lots <= 0 || __builtin_add_overflow(lots, p->closes[i]->lots, &lots);
    if (bad)
        effects_alert(
            out, ALERT__SEVERITY__critical, "bad_plan",
            "the gateway reports a Submit that cannot be this order: the executor ignores it");
    return bad;
}

// Levels that were decided for the other side are none of this one's.
static Terms terms_turned(const TradeState *s, const struct submitted *p) {
    Terms terms = p->terms ? *p->terms : *s->terms;
    if (!p->terms) {
        terms.has_stop_loss = terms.has_take_profit = terms.has_trail_distance =
            terms.has_trail_trigger = terms.has_trail_step = false;
        terms.has_break_even_trigger = terms.has_break_even_offset = false;
    }
    if (!terms.has_requested_price)
        terms.has_requested_price = s->terms->has_requested_price,
        terms.requested_price = s->terms->requested_price;
    return terms;
}

static void turn_round(TradeState *s, const struct submitted *p, struct effects *out) {
    const Terms turned = terms_turned(s, p);
    Terms *own = (Terms *)record_copy(&turned.base, NULL);
    terms__free_unpacked(s->terms, NULL);
    s->terms = own;
    s->direction = p->side;
    effects_add(out, EFFECT_KEEP)->whole = true;
}

// Whoever was told first what the order means is the witness: what was decided otherwise since is
// not so.
static void adopt_submitted_plan(struct trade *t, const struct submitted *p, struct effects *out) {
    TradeState *s = t->s;
    if (plan_is_bad(s, p, out)) return;
    bool planned = s->terms->has_lot_size && (!trade_is_closing(s) || s->n_closes);
    if (planned && s->side == p->side && s->terms->lot_size == p->lots && closes_same(s, p)) return;
    if (planned)
        effects_alert(
            out, ALERT__SEVERITY__info, "plan_adopted",
            "the broker has another order under this trade_id: the executor adopts that one");
    if (is_turned(s, p)) turn_round(s, p, out);
    s->has_side = s->terms->has_lot_size = true;
    s->side = p->side;
    s->terms->lot_size = p->lots;
    trade_set_closings(t, p->closes, p->n_closes);
    effects_add(out, EFFECT_KEEP);
}

// True: it is another, or the first.
static bool adopt_order_id(struct trade *t, const char *broker_order_id) {
    if (!broker_order_id ||
        (t->s->broker_order_id && strcmp(t->s->broker_order_id, broker_order_id) == 0))
        return false;
    trade_set_text(&t->s->broker_order_id, broker_order_id);
    return true;
}

// --- reports

// A market order is filled next: its acceptance is saved with that, or after a moment.
static void apply_acceptance(struct trade *t, const struct trade_env *env, struct effects *out) {
    bool market = t->s->terms->order_type == SIGNAL__ORDER_TYPE__market,
         settled = t->s->state == T(submitting);
    // by us, it seems: the broker was given it by an earlier life
    if (trade_state_is_given_up(t->s->state)) return inquiry_ask(t, env, out);
    // older news than what we have
    if (t->s->state != T(submitting) && t->s->state != T(unknown) && t->s->state != T(pending))
        return;
    if (!trade_move(t, TRADE_ACCEPT, NULL, env, out)) return;
    if (market && settled)
        effects_add(out, EFFECT_PUBLISH_SOON);
    else
        effects_publish(out, NULL, NULL);
    amend_send(t, env, out);
}

// No definitive answer: in doubt if it was on its way, else looked up.
static void doubt_or_ask(struct trade *t, const char *reason, const struct trade_env *env,
                         struct effects *out) {
    if (t->s->state == T(submitting) || t->s->state == T(pending))
        return inquiry_open(t, reason, env, out);
    if (t->s->state != T(unknown)) inquiry_ask(t, env, out);
}

static void apply_rejection(struct trade *t, const Report *r, const struct trade_env *env,
                            struct effects *out) {
    if (r->has_duplicate && r->duplicate) {
        t->known_there = true;
        return doubt_or_ask(t, "refused as a duplicate: the broker knows it", env, out);
    }
    trade_end(t, TRADE_REJECT, r->reason ? r->reason : "rejected by the broker", env, out);
}

static void apply_cancellation(struct trade *t, const char *reason, const struct trade_env *env,
                               struct effects *out) {
    bool expired = t->s->terms->has_expiration_time && env->now >= t->s->terms->expiration_time;
    if (t->s->cancel_wanted) effects_keep(out);
    t->s->cancel_wanted = false;
    const char *preset = expired ? "expired at the broker" : "cancelled at the broker";
    trade_end(t, expired ? TRADE_EXPIRE : TRADE_CANCEL, reason ? reason : preset, env, out);
}

static void apply_execution_report(struct trade *t, const Report *r, const struct trade_env *env,
                                   struct effects *out) {
    if (!r->fill)
        effects_alert(out, ALERT__SEVERITY__critical, "bad_execution",
                      "the gateway reports an execution without a fill: it is not counted");
    else if (r->kind == REPORT__KIND__filled)
        evidence_fill(t, r->fill, env, out);
    else
        evidence_closing(t, r->fill, env, out);
}

static void apply_report_kind(struct trade *t, const Report *r, const struct trade_env *env,
                              struct effects *out) {
    switch (r->kind) {
    case REPORT__KIND__accepted:
        return apply_acceptance(t, env, out);
    case REPORT__KIND__rejected:
        return apply_rejection(t, r, env, out);
    case REPORT__KIND__filled:
    case REPORT__KIND__position_closed:
        return apply_execution_report(t, r, env, out);
    case REPORT__KIND__cancelled:
        return apply_cancellation(t, r->reason, env, out);
    case REPORT__KIND__expired:
        return trade_end(t, TRADE_EXPIRE, r->reason ? r->reason : "expired at the broker", env,
                         out);
    case REPORT__KIND__modified:
        return amend_done(t, r, env, out);
    case REPORT__KIND__cancel_rejected:
    case REPORT__KIND__modify_rejected:
        return amend_refused(t, r, env, out);
    case _REPORT__KIND_IS_INT_SIZE:
        break;
    }
    effects_alert(out, ALERT__SEVERITY__critical, "unknown_report",
                  "the gateway sent a report of kind %d, which this version does not know",
                  (int)r->kind);
}

void evidence_report(struct trade *t, const Report *r, const struct trade_env *env,
                     struct effects *out) {
    bool renamed = adopt_order_id(t, r->broker_order_id);
    if (r->plan) {
        const struct submitted plan = {r->plan->side, r->plan->lots, r->plan->closes,
                                       r->plan->n_closes, NULL};
        adopt_submitted_plan(t, &plan, out);
    }
    if (r->has_unsure && r->unsure)
        doubt_or_ask(t, r->reason ? r->reason : "its gateway has no definitive answer", env, out);
    else
        apply_report_kind(t, r, env, out);
    if (renamed) effects_keep(out);
}

// --- answers

void evidence_submitted(struct trade *t, const OrderStatus *m, const struct trade_env *env,
                        struct effects *out) {
    (void)env;
    bool changed = adopt_order_id(t, m->broker_order_id);
    t->inquiry.state = INQUIRY_NONE;
    if (m->found) {
        changed |= t->s->not_found != 0;
        t->inquiry.since = 0;
        t->s->not_found = 0;
    }
    if (changed) effects_keep(out);
    if (!m->submitted) return;
    const struct submitted plan = {m->submitted->side, m->submitted->lots, m->submitted->closes,
                                   m->submitted->n_closes, m->submitted->terms};
    adopt_submitted_plan(t, &plan, out);
}

// It works at the broker, without an execution so far.
static void apply_working_status(struct trade *t, const struct trade_env *env,
                                 struct effects *out) {
    TradeState__State before = t->s->state, after = before;
    bool was_over = trade_is_final(t->s);
    if (trade_step(&after, TRADE_FOUND) && after == before) return; // known already
    if (!trade_move(t, TRADE_FOUND, NULL, env, out)) return;
    if (was_over) evidence_overrides(before, "works at the broker", out);
    effects_publish(out, NULL, NULL);
}

// The broker's order is filled, and the executions that it says make less than was asked: less was
// submitted.
static void apply_filled_status(struct trade *t, const struct trade_env *env, struct effects *out) {
    if (t->s->state == T(partially_filled))
        trade_end(t, TRADE_CANCEL, "the broker has filled all that it was given", env, out);
}

static void apply_closed_status(struct trade *t, const struct trade_env *env, struct effects *out) {
    apply_filled_status(t, env, out);
    int64_t left = fills_open_lots(t->s).e8;
    if (t->s->state == T(filled) && left > 0)
        evidence_gone(t, left, "the broker says that the position is closed", env, out);
}

static void apply_order_state(struct trade *t, const OrderStatus *m, const struct trade_env *env,
                              struct effects *out) {
    switch (m->has_state ? m->state : T(working)) {
    case T(rejected):
        return trade_end(t, TRADE_REJECT, m->reason ? m->reason : "rejected by the broker", env,
                         out);
    case T(cancelled):
        return apply_cancellation(t, m->reason, env, out);
    case T(expired):
        return trade_end(t, TRADE_EXPIRE, m->reason ? m->reason : "expired at the broker", env,
                         out);
    case T(partially_filled):
        if (t->s->state == T(filled) && t->s->filled_lots < t->s->terms->lot_size)
            trade_end(t, TRADE_REOPEN, NULL, env, out);
        return;
    case T(pending):
    case T(submitting):
    case T(working):
        if (!m->n_fills) apply_working_status(t, env, out);
        return;
    case T(unknown): // the gateway does not know either
        return;
    case T(filled):
        return apply_filled_status(t, env, out);
    case T(closed):
        return apply_closed_status(t, env, out);
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return;
    }
}

void evidence_state(struct trade *t, const OrderStatus *m, bool was_unknown,
                    const struct trade_env *env, struct effects *out) {
    apply_order_state(t, m, env, out);
    if (was_unknown && t->s->state == T(unknown)) {
        effects_alert(out, ALERT__SEVERITY__warning, "found_unclear",
                      "the broker has this order, but does not say what became of it");
        effects_add(out, EFFECT_DUE)->at = t->inquiry.asked_at + env->patience->interval;
    }
    if (trade_is_live(t->s)) amend_send(t, env, out);
}

// --- from the gateway's books alone

bool evidence_trade(const Submit *m, const char *broker_id, uint64_t now, arena_t *arena,
                    TradeState *out) {
    const Origin *o = m->origin;
    if (!o) return false;
    *out = (TradeState)TRADE_STATE__INIT;
    out->trade_id = m->trade_id;
    out->signal_id = o->signal_id;
    out->account_id = m->account_id;
    out->broker_id = (char *)(uintptr_t)broker_id;
    out->symbol = o->symbol;
    out->broker_symbol = m->broker_symbol;
    out->terms = terms_begin(m->terms, arena);
    out->terms->has_lot_size = true;
    out->terms->lot_size = m->lots;
    out->direction = o->direction;
    out->has_side = true;
    out->side = m->side;
    out->n_closes = m->n_closes;
    out->closes = m->closes;
    out->source = o->source;
    out->signal_at = o->signal_at;
    out->ordered_at = o->ordered_at;
    out->has_cause = o->has_cause;
    out->cause = o->cause;
    out->cause_id = o->cause_id;
    out->has_valid_until = o->has_valid_until;
    out->valid_until = o->valid_until;
    out->has_submitted_at = true;
    out->submitted_at = m->sent_at;
    out->updated_at = now;
    out->state = T(pending);
    return true;
}
