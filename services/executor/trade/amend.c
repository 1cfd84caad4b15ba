// amend - changes to what is at the broker.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/amend.h"

#include "common/base/clock.h"
#include "common/schema/record.h"
#include "services/executor/trade/in_doubt/inquiry.h"

#define T(name) TRADE_STATE__STATE__##name

bool amend_change_is_open(const TradeState *s) { return record_any_set(&s->wanted->base); }

bool amend_is_open(const TradeState *s) { return s->cancel_wanted || amend_change_is_open(s); }

static bool is_position(const TradeState *s) {
    return s->state == T(filled) && !trade_is_closing(s);
}

// --- what is wanted

// A position has no price to be moved any more.
static bool moves_price(const Amendment *a) { return a->has_price || a->has_limit_price; }

static Amendment without_prices(const Amendment *a) {
    Amendment rest = *a;
    rest.has_price = rest.has_limit_price = false;
    return rest;
}

// True: what is otherwise written with the first state only has changed, too.
static bool set_values(TradeState *s, const Amendment *a) {
    (void)record_merge(&a->base, &s->terms->base);
    if (!a->has_price || s->terms->order_type == SIGNAL__ORDER_TYPE__market) return false;
    s->terms->has_requested_price = true; // what it is measured against from now on
    s->terms->requested_price = a->price;
    return true;
}

static void keep_whole(struct effects *out) { effects_add(out, EFFECT_KEEP)->whole = true; }

// The wanted values as columns of the record: those of an Amendment, in its order.
static const struct record_inlined *wanted_columns(void) {
    const struct record_columns *c = record_columns(&trade_state__descriptor);
    const struct record_inlined *of = c->inlined;
    while (of->holder->offset != offsetof(TradeState, wanted)) of++; // it is one of them
    return of;
}

// Only `left` is wanted from now on: the rest leaves the record.
static void drop_wanted(struct trade *t, const Amendment *left, struct effects *out) {
    const struct record_inlined *columns = wanted_columns();
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = &amendment__descriptor.fields[i];
        if (record_is_set(&t->s->wanted->base, f) && !record_is_set(&left->base, f))
            effects_add(out, EFFECT_UNSET)->name = columns->fields[i].name;
    }
    *t->s->wanted = *left;
}

static void drop_all_wanted(struct trade *t, struct effects *out) {
    static const Amendment nothing = AMENDMENT__INIT;
    drop_wanted(t, &nothing, out);
}

// A change has an identity, so that the answer to an older one is not taken for its own.
static void stamp_change(struct trade *t, const struct trade_env *env, struct effects *out) {
    TradeState *s = t->s;
    s->wanted_at = s->has_wanted_at && s->wanted_at >= env->now ? s->wanted_at + 1 : env->now;
    s->has_wanted_at = true;
    if (!s->modify_rejected) return;
    trade_set_text(&s->modify_rejected, NULL);
    effects_add(out, EFFECT_UNSET)->name = "modify_rejected";
}

// What was wanted is dropped visibly: on record with the trade, and as an alert.
static void refuse_change(struct trade *t, const char *reason, const struct trade_env *env,
                          struct effects *out) {
    effects_alert(out, ALERT__SEVERITY__warning, "modify_rejected",
                  "the broker refused the change: %s; the order stays as it was", reason);
    trade_set_text(&t->s->modify_rejected, reason);
    t->s->updated_at = env->now;
    t->refused_at = env->mono;
}

// --- sending

// Why the gateway that serves it will not be asked.
static const char *find_amend_obstacle(const struct gateway_abilities *g, const TradeState *s) {
    if (!g->can_modify) return "its gateway cannot change orders";
    return moves_price(s->wanted) && !g->can_modify_price ? "its gateway cannot move prices" : NULL;
}

// Filled meanwhile.
static void drop_price(struct trade *t, const struct trade_env *env, struct effects *out) {
    if (!moves_price(t->s->wanted)) return;
    const Amendment rest = without_prices(t->s->wanted);
    drop_wanted(t, &rest, out);
    refuse_change(t, "it was filled before its price could be moved", env, out);
    effects_publish(out, NULL, NULL);
}

static void send_change(struct trade *t, const struct trade_env *env, struct effects *out) {
    const char *why = find_amend_obstacle(env->gateway, t->s);
    if (!why) {
        effects_add(out, EFFECT_MODIFY);
        return;
    }
    drop_all_wanted(t, out);
    refuse_change(t, why, env, out);
    effects_publish(out, NULL, NULL);
}

void amend_send(struct trade *t, const struct trade_env *env, struct effects *out) {
    if (!env->gateway_ready || !amend_is_open(t->s)) return;
    if (is_position(t->s)) drop_price(t, env, out);
    if (t->s->cancel_wanted && trade_is_working(t->s)) effects_add(out, EFFECT_CANCEL);
    if (amend_change_is_open(t->s) && (trade_is_working(t->s) || is_position(t->s)))
        send_change(t, env, out);
}

static void keep_and_send(struct trade *t, const struct trade_env *env, struct effects *out) {
    effects_add(out, EFFECT_KEEP);
    amend_send(t, env, out);
}

// --- asking for it

void amend_cancel(struct trade *t, const char *reason, const struct trade_env *env,
                  struct effects *out) {
    bool waits = t->s->state == T(pending);
    if (waits && trade_is_unsent(t)) return trade_end(t, TRADE_CANCEL, reason, env, out);
    if (!waits && !trade_is_live(t->s)) return;
    t->s->has_cancel_wanted = t->s->cancel_wanted = true;
    if (waits)
        inquiry_open(t, "it is to be cancelled, and may have been sent before: asked about first",
                     env, out);
    keep_and_send(t, env, out);
}

void amend_stop(struct trade *t, int64_t stop_loss, const struct trade_env *env,
                struct effects *out) {
    stamp_change(t, env, out);
    t->s->wanted->has_stop_loss = true;
    t->s->wanted->stop_loss = stop_loss;
    keep_and_send(t, env, out);
}

// A stop that a command sets is taken as it is; trailing goes on from the price as it is now.
static void trail_anew(struct trade *t) {
    TradeState *s = t->s;
    t->high = 0;
    if (s->has_trail_stop) s->trail_stop = 0;
    if (s->has_trail_high) s->trail_high = 0;
}

// Not at the broker yet: it goes there as it is wanted.
static void change_pending(struct trade *t, const Amendment *a, const struct trade_env *env,
                           struct effects *out) {
    stamp_change(t, env, out);
    bool whole = set_values(t->s, a);
    t->s->updated_at = env->now;
    if (whole) keep_whole(out);
    effects_publish(out, NULL, NULL);
}

static void change_sent(struct trade *t, const Amendment *a, const struct trade_env *env,
                        struct effects *out) {
    stamp_change(t, env, out);
    (void)record_merge(&a->base, &t->s->wanted->base);
    keep_and_send(t, env, out);
}

void amend_by_command(struct trade *t, const OrderCommand *c, const struct trade_env *env,
                      struct effects *out) {
    const Amendment *a = c->amendment;
    if (trade_is_final(t->s) || trade_is_closing(t->s)) return;
    bool trails = record_merge(&c->trailing->base, &t->s->terms->base);
    if (a->has_stop_loss || c->trailing->has_trail_distance) trail_anew(t);
    if (t->s->state == T(pending)) return change_pending(t, a, env, out);
    // A command for many moves the prices of orders only.
    const Amendment rest = without_prices(a);
    if (record_any_set(&a->base))
        change_sent(t, c->trade_id || t->s->state != T(filled) ? a : &rest, env, out);
    else if (trails)
        effects_publish(out, NULL, NULL);
}

// --- answers

static bool is_answer(const TradeState *s, const Report *r) {
    return amend_change_is_open(s) &&
           (!r->has_wanted_at || !s->has_wanted_at || r->wanted_at == s->wanted_at);
}

void amend_take_stops(struct trade *t, const TradeState *from, struct effects *out) {
    Amendment theirs = AMENDMENT__INIT;
    (void)record_merge(&from->terms->base, &theirs.base);
    const Amendment stops = without_prices(&theirs);
    (void)set_values(t->s, &stops);
    effects_publish(out, NULL, NULL);
}

void amend_done(struct trade *t, const Report *r, const struct trade_env *env,
                struct effects *out) {
    if (!is_answer(t->s, r)) return; // of an older change: the newer one is on its way
    const Amendment stops = without_prices(t->s->wanted);
    bool whole = set_values(t->s, t->s->wanted);
    drop_all_wanted(t, out);
    t->s->updated_at = env->now;
    t->refused_at = 0;
    if (whole) keep_whole(out);
    effects_publish(out, NULL, NULL);
    if (record_any_set(&stops.base)) effects_add(out, EFFECT_SHARE_STOPS);
}

static void refuse_cancel(struct trade *t, const char *reason, struct effects *out) {
    effects_alert(out, ALERT__SEVERITY__warning, "cancel_rejected", "%s", reason);
    t->s->cancel_wanted = false;
    effects_add(out, EFFECT_KEEP);
}

static void drop_change(struct trade *t, const char *reason, const struct trade_env *env,
                        struct effects *out) {
    drop_all_wanted(t, out);
    if (trade_is_final(t->s)) {
        effects_add(out, EFFECT_KEEP); // it was over before
        return;
    }
    refuse_change(t, reason, env, out);
    effects_publish(out, NULL, NULL);
}

// The order may just have been executed, so it is looked up.
void amend_refused(struct trade *t, const Report *r, const struct trade_env *env,
                   struct effects *out) {
    const char *reason = r->reason ? r->reason : "the broker gives no reason";
    if (r->kind == REPORT__KIND__cancel_rejected && t->s->cancel_wanted)
        refuse_cancel(t, reason, out);
    else if (is_answer(t->s, r))
        drop_change(t, reason, env, out);
    else
        return;
    if (t->s->state != T(unknown)) inquiry_ask(t, env, out);
}
