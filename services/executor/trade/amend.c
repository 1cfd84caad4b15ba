// amend - changes to what is at the broker.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/amend.h"

#include "common/clock.h"
#include "services/executor/trade/inquiry.h"

#define T(name) TRADE_STATE__STATE__##name

// The four values that can be amended, as the places of their fields: what is there, what is wanted, and the latter's name in Redis.
struct amendable {
    size_t has, value, has_wanted, wanted;
    const char *name;
};
#define AMENDABLE(field)                                                                           \
    {                                                                                              \
        offsetof(Terms, has_##field), offsetof(Terms, field),                                      \
            offsetof(TradeState, has_##field##_wanted), offsetof(TradeState, field##_wanted),      \
            #field "_wanted"                                                                       \
    }
enum { STOP_LOSS, TAKE_PROFIT, PRICE, LIMIT_PRICE, AMENDABLES };
static const struct amendable amendables[AMENDABLES] = {AMENDABLE(stop_loss), AMENDABLE(take_profit), AMENDABLE(price),
                                                        AMENDABLE(limit_price)};

static protobuf_c_boolean *flag_at(void *m, size_t place) {
    return (protobuf_c_boolean *)((char *)m + place);
}
static int64_t *number_at(void *m, size_t place) { return (int64_t *)(void *)((char *)m + place); }

bool amend_change_is_open(const TradeState *s) {
    return s->has_stop_loss_wanted || s->has_take_profit_wanted || s->has_price_wanted || s->has_limit_price_wanted;
}

bool amend_is_open(const TradeState *s) { return s->cancel_wanted || amend_change_is_open(s); }

static bool is_position(const TradeState *s) { return s->state == T(filled) && !trade_is_closing(s); }

// --- what is wanted

static void want_value(TradeState *s, int which, int64_t value) {
    *flag_at(s, amendables[which].has_wanted) = true;
    *number_at(s, amendables[which].wanted) = value;
}

// True: what is otherwise written with the first state only has changed, too.
static bool set_value(TradeState *s, int which, int64_t value) {
    *flag_at(s->terms, amendables[which].has) = true;
    *number_at(s->terms, amendables[which].value) = value;
    if (which != PRICE || s->terms->order_type == SIGNAL__ORDER_TYPE__market) return false;
    s->terms->has_requested_price = true; // what it is measured against from now on
    s->terms->requested_price = value;
    return true;
}

static void keep_whole(struct effects *out) { effects_add(out, EFFECT_KEEP)->whole = true; }

static void drop_wanted(struct trade *t, int which, struct effects *out) {
    protobuf_c_boolean *has = flag_at(t->s, amendables[which].has_wanted);
    if (*has) effects_add(out, EFFECT_UNSET)->name = amendables[which].name;
    *has = false;
}

static void drop_all_wanted(struct trade *t, struct effects *out) {
    for (int i = 0; i < AMENDABLES; i++) drop_wanted(t, i, out);
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
static void refuse_change(struct trade *t, const char *reason, const struct trade_env *env, struct effects *out) {
    effects_alert(out, ALERT__SEVERITY__warning, "modify_rejected", "%s; nothing was changed", reason);
    trade_set_text(&t->s->modify_rejected, reason);
    t->s->updated_at = env->now;
    t->refused_at = env->mono;
}

// --- sending

// Why the gateway that serves it will not be asked.
static const char *beyond_gateway(const struct gateway_abilities *g, const TradeState *s) {
    bool price = s->has_price_wanted || s->has_limit_price_wanted;
    if (!g->can_modify) return "its gateway cannot change orders";
    return price && !g->can_modify_price ? "its gateway cannot move prices" : NULL;
}

// Filled meanwhile: there is no price to be moved any more.
static void drop_price(struct trade *t, const struct trade_env *env, struct effects *out) {
    if (!t->s->has_price_wanted && !t->s->has_limit_price_wanted) return;
    drop_wanted(t, PRICE, out);
    drop_wanted(t, LIMIT_PRICE, out);
    refuse_change(t, "it was filled before its price could be moved", env, out);
    effects_publish(out, NULL, NULL);
}

static void send_change(struct trade *t, const struct trade_env *env, struct effects *out) {
    const char *why = beyond_gateway(env->gateway, t->s);
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
    if (amend_change_is_open(t->s) && (trade_is_working(t->s) || is_position(t->s))) send_change(t, env, out);
}

static void keep_and_send(struct trade *t, const struct trade_env *env, struct effects *out) {
    effects_add(out, EFFECT_KEEP);
    amend_send(t, env, out);
}

// --- asking for it

void amend_cancel(struct trade *t, const char *reason, const struct trade_env *env, struct effects *out) {
    bool waits = t->s->state == T(pending);
    if (waits && trade_is_unsent(t)) return trade_end(t, TRADE_CANCEL, reason, env, out);
    if (!waits && !trade_is_live(t->s)) return;
    t->s->has_cancel_wanted = t->s->cancel_wanted = true;
    if (waits) inquiry_open(t, "it is to be cancelled, and may have been sent before: asked about first", env, out);
    keep_and_send(t, env, out);
}

void amend_stop(struct trade *t, int64_t stop_loss, const struct trade_env *env, struct effects *out) {
    stamp_change(t, env, out);
    want_value(t->s, STOP_LOSS, stop_loss);
    keep_and_send(t, env, out);
}

static bool set_trailing(TradeState *s, const OrderCommand *c) {
    if (c->has_trail_distance)
        s->terms->has_trail_distance = true, s->terms->trail_distance = c->trail_distance;
    if (c->has_trail_trigger)
        s->terms->has_trail_trigger = true, s->terms->trail_trigger = c->trail_trigger;
    if (c->has_trail_step) s->terms->has_trail_step = true, s->terms->trail_step = c->trail_step;
    if (c->has_break_even_trigger)
        s->terms->has_break_even_trigger = true,
        s->terms->break_even_trigger = c->break_even_trigger;
    if (c->has_break_even_offset)
        s->terms->has_break_even_offset = true, s->terms->break_even_offset = c->break_even_offset;
    return c->has_trail_distance || c->has_trail_trigger || c->has_trail_step || c->has_break_even_trigger || c->has_break_even_offset;
}

// A stop that a command sets is taken as it is; trailing goes on from the price as it is now.
static void trail_anew(struct trade *t) {
    TradeState *s = t->s;
    t->high = 0;
    if (s->has_trail_stop) s->trail_stop = 0;
    if (s->has_trail_high) s->trail_high = 0;
}

// Not at the broker yet: it goes there as it is wanted.
static void change_pending(struct trade *t, const OrderCommand *c, const struct trade_env *env, struct effects *out) {
    bool whole = false;
    stamp_change(t, env, out);
    if (c->has_stop_loss) whole |= set_value(t->s, STOP_LOSS, c->stop_loss);
    if (c->has_take_profit) whole |= set_value(t->s, TAKE_PROFIT, c->take_profit);
    if (c->has_price) whole |= set_value(t->s, PRICE, c->price);
    if (c->has_limit_price) whole |= set_value(t->s, LIMIT_PRICE, c->limit_price);
    t->s->updated_at = env->now;
    if (whole) keep_whole(out);
    effects_publish(out, NULL, NULL);
}

static void change_sent(struct trade *t, const OrderCommand *c, const struct trade_env *env, struct effects *out) {
    bool price = c->trade_id || t->s->state != T(filled); // a command for many moves the prices of orders only
    stamp_change(t, env, out);
    if (c->has_stop_loss) want_value(t->s, STOP_LOSS, c->stop_loss);
    if (c->has_take_profit) want_value(t->s, TAKE_PROFIT, c->take_profit);
    if (c->has_price && price) want_value(t->s, PRICE, c->price);
    if (c->has_limit_price && price) want_value(t->s, LIMIT_PRICE, c->limit_price);
    keep_and_send(t, env, out);
}

void amend_by_command(struct trade *t, const OrderCommand *c, const struct trade_env *env, struct effects *out) {
    if (trade_is_final(t->s) || trade_is_closing(t->s)) return;
    bool trails = set_trailing(t->s, c);
    if (c->has_stop_loss || c->has_trail_distance) trail_anew(t);
    if (t->s->state == T(pending)) return change_pending(t, c, env, out);
    if (c->has_stop_loss || c->has_take_profit || c->has_price || c->has_limit_price)
        change_sent(t, c, env, out);
    else if (trails)
        effects_publish(out, NULL, NULL);
}

// --- answers

static bool is_answer(const TradeState *s, const Report *r) {
    return amend_change_is_open(s) && (!r->has_wanted_at || !s->has_wanted_at || r->wanted_at == s->wanted_at);
}

void amend_take_stops(struct trade *t, const TradeState *from, struct effects *out) {
    if (from->terms->has_stop_loss) (void)set_value(t->s, STOP_LOSS, from->terms->stop_loss);
    if (from->terms->has_take_profit) (void)set_value(t->s, TAKE_PROFIT, from->terms->take_profit);
    effects_publish(out, NULL, NULL);
}

void amend_done(struct trade *t, const Report *r, const struct trade_env *env, struct effects *out) {
    if (!is_answer(t->s, r)) return; // of an older change: the newer one is on its way
    bool stops = t->s->has_stop_loss_wanted || t->s->has_take_profit_wanted, whole = false;
    for (int i = 0; i < AMENDABLES; i++) {
        if (*flag_at(t->s, amendables[i].has_wanted)) whole |= set_value(t->s, i, *number_at(t->s, amendables[i].wanted));
    }
    drop_all_wanted(t, out);
    t->s->updated_at = env->now;
    t->refused_at = 0;
    if (whole) keep_whole(out);
    effects_publish(out, NULL, NULL);
    if (stops) effects_add(out, EFFECT_SHARE_STOPS);
}

static void refuse_cancel(struct trade *t, const char *reason, struct effects *out) {
    effects_alert(out, ALERT__SEVERITY__warning, "cancel_rejected", "%s", reason);
    t->s->cancel_wanted = false;
    effects_add(out, EFFECT_KEEP);
}

static void drop_change(struct trade *t, const char *reason, const struct trade_env *env, struct effects *out) {
    drop_all_wanted(t, out);
    if (trade_is_final(t->s)) {
        effects_add(out, EFFECT_KEEP); // it was over before
        return;
    }
    refuse_change(t, reason, env, out);
    effects_publish(out, NULL, NULL);
}

// The order may just have been executed, so it is looked up.
void amend_refused(struct trade *t, const Report *r, const struct trade_env *env, struct effects *out) {
    const char *reason = r->reason ? r->reason : "the broker gives no reason";
    if (r->kind == REPORT__KIND__cancel_rejected && t->s->cancel_wanted)
        refuse_cancel(t, reason, out);
    else if (is_answer(t->s, r))
        drop_change(t, reason, env, out);
    else
        return;
    if (t->s->state != T(unknown)) inquiry_ask(t, env, out);
}
