// evidence - what a broker says about a trade.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/evidence.h"

#include <string.h>

#include "common/clock.h"
#include "common/id.h"
#include "common/record.h"
#include "services/executor/trade/amend.h"
#include "services/executor/trade/fills.h"
#include "services/executor/trade/inquiry.h"

#define T(name) TRADE_STATE__STATE__##name

static const char *state_name(TradeState__State s) { return record_enum_name(&trade_state__state__descriptor, (int)s); }

// --- what was submitted

struct submitted {
    Signal__Direction side;
    int64_t lots;
    Closing *const *closes;
    size_t n_closes;
};

static bool closes_same(const TradeState *s, const struct submitted *p) {
    bool same = s->n_closes == p->n_closes;
    for (size_t i = 0; same && i < p->n_closes; i++) {
        same = s->closes[i]->lots == p->closes[i]->lots && strcmp(s->closes[i]->trade_id, p->closes[i]->trade_id) == 0;
    }
    return same;
}

// What an order that opens does is said by its entry in the journal: only its lots may have been decided otherwise.
static bool plan_is_bad(const TradeState *s, const struct submitted *p, struct effects *out) {
    int64_t lots = 0;
    bool opens = !trade_is_closing(s);
    bool bad = p->lots <= 0 || (opens && (p->n_closes || (s->has_side && s->side != p->side)));
    for (size_t i = 0; !bad && i < p->n_closes; i++) bad = p->closes[i]->lots <= 0 || __builtin_add_overflow(lots, p->closes[i]->lots, &lots);
    if (bad) effects_alert(out, ALERT__SEVERITY__critical, "bad_plan", "its gateway says it was given what cannot be this order: not believed");
    return bad;
}

// Whoever was told first what the order means is the witness: what was decided otherwise since is not so.
static void adopt_plan(struct trade *t, const struct submitted *p, struct effects *out) {
    TradeState *s = t->s;
    if (plan_is_bad(s, p, out)) return;
    bool planned = s->terms->has_lot_size && (!trade_is_closing(s) || s->n_closes);
    if (planned && s->side == p->side && s->terms->lot_size == p->lots && closes_same(s, p)) return;
    if (planned)
        effects_alert(out, ALERT__SEVERITY__info, "plan_adopted", "the broker was given another order under this id: that one counts");
    s->has_side = s->terms->has_lot_size = true;
    s->side = p->side;
    s->terms->lot_size = p->lots;
    trade_set_closings(t, p->closes, p->n_closes);
    effects_add(out, EFFECT_KEEP);
}

// True: it is another, or the first.
static bool adopt_order_id(struct trade *t, const char *broker_order_id) {
    if (!broker_order_id || (t->s->broker_order_id && strcmp(t->s->broker_order_id, broker_order_id) == 0)) return false;
    trade_set_text(&t->s->broker_order_id, broker_order_id);
    return true;
}

// --- executions of the order

static bool fill_is_bad(const Fill *f, struct effects *out) {
    if (f->lots > 0 && f->price > 0) return false;
    effects_alert(out, ALERT__SEVERITY__critical, "bad_execution", "execution %.64s has lots or a price that cannot be", f->execution_id);
    return true;
}

// Evidence beats decision: what was thought to be over, or never sent, has been executed.
static void alert_overridden(TradeState__State before, const char *what, struct effects *out) {
    effects_alert(out, ALERT__SEVERITY__critical, "evidence_overrides", "was %s, and %s", state_name(before), what);
}

static bool count_fill(struct trade *t, const Fill *f, enum trade_event *event, struct effects *out) {
    bool over = false;
    if (fill_is_bad(f, out)) return false;
    if (fills_add(t->s, f, event, &over) != ERR_OK) {
        effects_alert(out, ALERT__SEVERITY__critical, "bad_execution", "execution %.64s is out of range", f->execution_id);
        return false;
    }
    trade_add_execution(t, f->execution_id);
    if (!over) return true;
    char lots[DECIMAL_TEXT], all[DECIMAL_TEXT];
    decimal_print(D(f->lots), lots);
    decimal_print(D(t->s->filled_lots), all);
    effects_alert(out, ALERT__SEVERITY__critical, "overfilled", "another %s lots make %s, more than was ordered", lots, all);
    return true;
}

static void reduce_other(const Closing *piece, const Fill *f, struct effects *out) {
    struct effect *e = effects_add(out, EFFECT_REDUCE);
    e->reduce.piece = piece;
    e->reduce.fill = f;
}

static int64_t lots_of(const Fill *f) {
    int64_t lots = 0;
    for (size_t i = 0; i < f->n_closed; i++) {
        int64_t piece = f->closed[i]->lots;
        if (piece > 0 && __builtin_add_overflow(lots, piece, &lots)) return INT64_MAX;
    }
    return lots;
}

// A netting account's: what it closed opened nothing, and profit that is no known position's is its own.
static void net_fill(struct trade *t, const Fill *f) {
    decimal_t others = D(f->has_pnl ? f->pnl : 0);
    bool known = true;
    if (f->n_closed) fills_net(t->s, lots_of(f), f);
    for (size_t i = 0; known && i < f->n_closed; i++) known = decimal_sub(others, D(f->closed[i]->pnl), &others);
    if (known && others.e8) fills_add_pnl(t->s, others);
}

static void reduce_by_plan(const struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    Closing *pieces = arena_take(env->arena, (t->s->n_closes + 1) * sizeof *pieces);
    size_t n = fills_by_plan(t->s, f, pieces);
    for (size_t i = 0; i < n; i++) reduce_other(&pieces[i], f, out);
}

static void apply_closed(struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    if (!trade_is_closing(t->s)) net_fill(t, f);
    for (size_t i = 0; i < f->n_closed; i++) reduce_other(f->closed[i], f, out);
    bool unsaid = trade_is_closing(t->s) && !f->n_closed && !env->gateway->checks.keeps_plans && !(f->has_net && f->net);
    if (unsaid) reduce_by_plan(t, f, env, out);
}

static void publish_fill(struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    TradeResult *result = arena_take(env->arena, sizeof *result);
    ResultMetrics *metrics = arena_take(env->arena, sizeof *metrics);
    char *id = arena_take(env->arena, ID_TEXT);
    result_id_of(t->s->trade_id, f->execution_id, id);
    fills_result(t->s, f, id, result);
    fills_metrics(t->s, f, id, env->now, metrics);
    effects_publish(out, result, metrics);
}

void evidence_fill(struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    enum trade_event event;
    TradeState__State before = t->s->state;
    bool was_over = trade_is_final(t->s) && before != T(filled);
    if (fills_is_counted(t->s, f->execution_id) || !count_fill(t, f, &event, out)) return;
    (void)!trade_move(t, event, NULL, env, out);
    if (was_over) alert_overridden(before, "the broker has executed it", out);
    effects_add(out, EFFECT_CHARGE)->fill = f;
    apply_closed(t, f, env, out);
    trade_close_if_gone(t, env, out);
    publish_fill(t, f, env, out);
    amend_send(t, env, out);
    if (was_over && t->s->state == T(partially_filled)) inquiry_ask(t, env, out); // what of the rest?
}

// --- what closes its position

// The name under which an execution counts that took something off a position: it must not be taken for one of the order itself.
static char *closing_name(const char *execution_id, const struct trade_env *env) {
    return arena_format(env->arena, "closed:%s", execution_id);
}

static bool piece_is_bad(const Closing *piece, const Fill *f, struct effects *out) {
    if (piece->lots > 0) return false;
    effects_alert(out, ALERT__SEVERITY__critical, "bad_execution", "execution %.64s closed lots that cannot be", f->execution_id);
    return true;
}

static bool reduce_position(struct trade *t, const Closing *piece, const Fill *f, const struct trade_env *env, struct effects *out) {
    char *name = closing_name(f->execution_id, env);
    if (fills_is_counted(t->s, name) || piece_is_bad(piece, f, out)) return false;
    fills_reduce(t->s, piece, f);
    trade_add_execution(t, name);
    t->s->updated_at = env->now;
    trade_close_if_gone(t, env, out);
    return true;
}

// The broker's own closing is an execution that no order of ours asked for: its result stands with the position.
static void publish_broker_close(struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    TradeResult *result = arena_take(env->arena, sizeof *result);
    char *id = arena_take(env->arena, ID_TEXT);
    result_id_of(t->s->trade_id, closing_name(f->execution_id, env), id);
    fills_result(t->s, f, id, result);
    result->direction = side_opposite(t->s->side);
    result->has_requested_price = result->has_slippage = false;
    effects_publish(out, result, NULL);
}

// All of it, or (a netting account) its part and those of others.
static void close_parts(struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    Closing all = CLOSING__INIT;
    all.lots = f->lots;
    all.has_pnl = f->has_pnl;
    all.pnl = f->pnl;
    bool own = !f->n_closed && reduce_position(t, &all, f, env, out);
    for (size_t i = 0; i < f->n_closed; i++) {
        const Closing *piece = f->closed[i];
        if (strcmp(piece->trade_id, t->s->trade_id) == 0)
            own = reduce_position(t, piece, f, env, out);
        else
            reduce_other(piece, f, out);
    }
    if (!own) trade_add_execution(t, closing_name(f->execution_id, env)); // it is this trade's all the same
}

static void broker_closed(struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    bool counted = fills_is_counted(t->s, closing_name(f->execution_id, env));
    if (counted || fill_is_bad(f, out)) return;
    close_parts(t, f, env, out);
    t->s->updated_at = env->now;
    fills_charge(t->s, f);
    effects_add(out, EFFECT_CHARGE)->fill = f;
    publish_broker_close(t, f, env, out);
}

void evidence_reduced(struct trade *t, const struct reduction *r, const struct trade_env *env, struct effects *out) {
    if (reduce_position(t, r->piece, r->fill, env, out)) effects_publish(out, NULL, NULL);
}

void evidence_closing(struct trade *t, const Fill *f, const struct trade_env *env, struct effects *out) {
    if (!f->closed_by) return broker_closed(t, f, env, out);
    Closing piece = CLOSING__INIT;
    piece.lots = f->lots;
    piece.has_pnl = f->has_pnl;
    piece.pnl = f->pnl;
    if (!reduce_position(t, &piece, f, env, out)) return;
    effects_add(out, EFFECT_SEEK)->name = f->closed_by;
    effects_publish(out, NULL, NULL);
}

void evidence_gone(struct trade *t, int64_t lots, const char *why, const struct trade_env *env, struct effects *out) {
    char text[DECIMAL_TEXT];
    decimal_print(D(lots), text);
    fills_close_unseen(t->s, lots, env->now);
    t->s->updated_at = env->now;
    trade_close_if_gone(t, env, out);
    effects_alert(out, ALERT__SEVERITY__critical, "position_gone", "%s: %s lots are closed here without a price", why, text);
    effects_publish(out, NULL, NULL);
}

// --- reports

static bool is_given_up(const TradeState *s) { return s->state == T(expired) || s->state == T(rejected) || s->state == T(cancelled); }

// A market order is filled next: its acceptance is saved with that, or after a moment.
static void accepted(struct trade *t, const struct trade_env *env, struct effects *out) {
    bool market = t->s->terms->order_type == SIGNAL__ORDER_TYPE__market,
         settled = t->s->state == T(submitting);
    if (is_given_up(t->s)) return inquiry_ask(t, env, out); // by us, it seems: the broker was given it by an earlier life
    if (t->s->state != T(submitting) && t->s->state != T(unknown) && t->s->state != T(pending)) return; // older news than what we have
    if (!trade_move(t, TRADE_ACCEPT, NULL, env, out)) return;
    if (market && settled)
        effects_add(out, EFFECT_PUBLISH_SOON);
    else
        effects_publish(out, NULL, NULL);
    amend_send(t, env, out);
}

// No definitive answer: in doubt if it was on its way, else looked up.
static void unsure(struct trade *t, const char *reason, const struct trade_env *env, struct effects *out) {
    if (t->s->state == T(submitting) || t->s->state == T(pending)) return inquiry_open(t, reason, env, out);
    if (t->s->state != T(unknown)) inquiry_ask(t, env, out);
}

static void rejected(struct trade *t, const Report *r, const struct trade_env *env, struct effects *out) {
    if (r->has_duplicate && r->duplicate) {
        t->known_there = true;
        return unsure(t, "refused as a duplicate: the broker knows it", env, out);
    }
    trade_end(t, TRADE_REJECT, r->reason ? r->reason : "rejected by the broker", env, out);
}

static void cancelled(struct trade *t, const char *reason, const struct trade_env *env, struct effects *out) {
    bool expired = t->s->terms->has_expiration_time && env->now >= t->s->terms->expiration_time;
    if (t->s->cancel_wanted) effects_keep(out);
    t->s->cancel_wanted = false;
    const char *preset = expired ? "expired at the broker" : "cancelled at the broker";
    trade_end(t, expired ? TRADE_EXPIRE : TRADE_CANCEL, reason ? reason : preset, env, out);
}

static void executed(struct trade *t, const Report *r, const struct trade_env *env, struct effects *out) {
    if (!r->fill)
        effects_alert(out, ALERT__SEVERITY__critical, "bad_execution", "a report of an execution carries none");
    else if (r->kind == REPORT__KIND__filled)
        evidence_fill(t, r->fill, env, out);
    else
        broker_closed(t, r->fill, env, out);
}

static void apply_report(struct trade *t, const Report *r, const struct trade_env *env, struct effects *out) {
    switch (r->kind) {
    case REPORT__KIND__accepted:
        return accepted(t, env, out);
    case REPORT__KIND__rejected:
        return rejected(t, r, env, out);
    case REPORT__KIND__filled:
    case REPORT__KIND__position_closed:
        return executed(t, r, env, out);
    case REPORT__KIND__cancelled:
        return cancelled(t, r->reason, env, out);
    case REPORT__KIND__expired:
        return trade_end(t, TRADE_EXPIRE, r->reason ? r->reason : "expired at the broker", env, out);
    case REPORT__KIND__modified:
        return amend_done(t, r, env, out);
    case REPORT__KIND__cancel_rejected:
    case REPORT__KIND__modify_rejected:
        return amend_refused(t, r, env, out);
    case _REPORT__KIND_IS_INT_SIZE:
        break;
    }
    effects_alert(out, ALERT__SEVERITY__critical, "unknown_report", "report kind %d is not known here", (int)r->kind);
}

void evidence_report(struct trade *t, const Report *r, const struct trade_env *env, struct effects *out) {
    bool renamed = adopt_order_id(t, r->broker_order_id);
    if (r->plan) {
        const struct submitted plan = {r->plan->side, r->plan->lots, r->plan->closes, r->plan->n_closes};
        adopt_plan(t, &plan, out);
    }
    if (r->has_unsure && r->unsure)
        unsure(t, r->reason ? r->reason : "its gateway has no definitive answer", env, out);
    else
        apply_report(t, r, env, out);
    if (renamed) effects_keep(out);
}

// --- answers

void evidence_submitted(struct trade *t, const OrderStatus *m, const struct trade_env *env, struct effects *out) {
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
    const struct submitted plan = {m->submitted->side, m->submitted->lots, m->submitted->closes, m->submitted->n_closes};
    adopt_plan(t, &plan, out);
}

// It works at the broker, without an execution so far.
static void found(struct trade *t, const struct trade_env *env, struct effects *out) {
    TradeState__State before = t->s->state, after = before;
    bool was_over = trade_is_final(t->s);
    if (trade_step(&after, TRADE_FOUND) && after == before) return; // known already
    if (!trade_move(t, TRADE_FOUND, NULL, env, out)) return;
    if (was_over) alert_overridden(before, "works at the broker", out);
    effects_publish(out, NULL, NULL);
}

// The broker's order is filled, and the executions that it says make less than was asked: less was submitted.
static void filled(struct trade *t, const struct trade_env *env, struct effects *out) {
    if (t->s->state == T(partially_filled)) trade_end(t, TRADE_CANCEL, "the broker has filled all that it was given", env, out);
}

static void closed(struct trade *t, const struct trade_env *env, struct effects *out) {
    filled(t, env, out);
    int64_t left = fills_open_lots(t->s).e8;
    if (t->s->state == T(filled) && left > 0) evidence_gone(t, left, "the broker says that the position is closed", env, out);
}

static void settle(struct trade *t, const OrderStatus *m, const struct trade_env *env, struct effects *out) {
    switch (m->has_state ? m->state : T(working)) {
    case T(rejected):
        return trade_end(t, TRADE_REJECT, m->reason ? m->reason : "rejected by the broker", env, out);
    case T(cancelled):
        return cancelled(t, m->reason, env, out);
    case T(expired):
        return trade_end(t, TRADE_EXPIRE, m->reason ? m->reason : "expired at the broker", env, out);
    case T(partially_filled):
        if (t->s->state == T(filled) && t->s->filled_lots < t->s->terms->lot_size)
            trade_end(t, TRADE_REOPEN, NULL, env, out);
        return;
    case T(pending):
    case T(submitting):
    case T(working):
        if (!m->n_fills) found(t, env, out);
        return;
    case T(unknown): // the gateway does not know either
        return;
    case T(filled):
        return filled(t, env, out);
    case T(closed):
        return closed(t, env, out);
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return;
    }
}

void evidence_state(struct trade *t, const OrderStatus *m, bool was_unknown, const struct trade_env *env, struct effects *out) {
    settle(t, m, env, out);
    if (was_unknown && t->s->state == T(unknown)) {
        effects_alert(out, ALERT__SEVERITY__warning, "found_unclear", "the broker has it, and does not say what became of it");
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
