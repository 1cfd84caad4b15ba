// wishes - changes to what is at the broker (cancel, stop loss, take profit, price): kept with the trade, sent when the broker has it, and
// sent again until they are answered. They are absolute, so that twice is as once.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/clock.h"
#include "gateway.pb-c.h"
#include "services/executor/engine.h"
#include "services/executor/slice.h"

#define T(name) TRADE_STATE__STATE__##name

// The four values that can be wished for, as the places of their fields: what is there, what is wanted, and the latter's name in Redis.
struct wish {
    size_t has, value, has_wanted, wanted;
    const char *name;
};
#define WISH(field)                                                                                                                        \
    {                                                                                                                                      \
        offsetof(TradeState, has_##field), offsetof(TradeState, field), offsetof(TradeState, has_##field##_wanted),                        \
            offsetof(TradeState, field##_wanted), #field "_wanted"                                                                         \
    }
enum { STOP_LOSS, TAKE_PROFIT, PRICE, LIMIT_PRICE, WISHES };
static const struct wish wishes[WISHES] = {WISH(stop_loss), WISH(take_profit), WISH(price), WISH(limit_price)};

static protobuf_c_boolean *flag_at(TradeState *s, size_t place) { return (protobuf_c_boolean *)((char *)s + place); }
static int64_t *number_at(TradeState *s, size_t place) { return (int64_t *)(void *)((char *)s + place); }

static bool change_is_open(const TradeState *s) {
    return s->has_stop_loss_wanted || s->has_take_profit_wanted || s->has_price_wanted || s->has_limit_price_wanted;
}

bool wishes_are_open(const TradeState *s) { return s->cancel_wanted || change_is_open(s); }

// --- keeping

static void want(TradeState *s, int which, int64_t value) {
    *flag_at(s, wishes[which].has_wanted) = true;
    *number_at(s, wishes[which].wanted) = value;
}

static void set(struct trade *t, int which, int64_t value) {
    TradeState *s = t->s;
    *flag_at(s, wishes[which].has) = true;
    *number_at(s, wishes[which].value) = value;
    if (which != PRICE || s->order_type == SIGNAL__ORDER_TYPE__market) return;
    s->has_requested_price = true; // what it is measured against from now on
    s->requested_price = value;
    t->kept = false; // that is written with the first state only
}

static void drop(struct executor *x, struct trade *t, int which) {
    protobuf_c_boolean *has = flag_at(t->s, wishes[which].has_wanted);
    if (*has) slice_trade_without(x->batch, t->s->trade_id, wishes[which].name);
    *has = false;
}

static void drop_all(struct executor *x, struct trade *t) {
    for (int i = 0; i < WISHES; i++) drop(x, t, i);
}

// A change has an identity, so that the answer to an older one is not taken for its own.
static void stamp(struct executor *x, struct trade *t) {
    TradeState *s = t->s;
    uint64_t now = batch_now(x->batch);
    s->wanted_at = s->has_wanted_at && s->wanted_at >= now ? s->wanted_at + 1 : now;
    s->has_wanted_at = true;
    if (!s->modify_rejected) return;
    trade_set_text(&s->modify_rejected, NULL);
    slice_trade_without(x->batch, s->trade_id, "modify_rejected");
}

// What was wanted is dropped visibly: on record with the trade, and as an alert.
static void refuse(struct executor *x, struct trade *t, const char *reason) {
    batch_alert(x->batch, ALERT__SEVERITY__warning, "modify_rejected", t->s->trade_id, "%s; what was to be changed is as it was", reason);
    trade_set_text(&t->s->modify_rejected, reason);
    t->s->updated_at = batch_now(x->batch);
    t->refused_at = batch_mono(x->batch);
}

// --- sending

static void send_cancel(struct executor *x, struct trade *t, struct session *s) {
    CancelOrder m = CANCEL_ORDER__INIT;
    m.epoch = x->context->epoch;
    m.trade_id = t->s->trade_id;
    m.account_id = t->s->account_id;
    outbox_put(x->outbox, s, &m.base);
}

static void send_change(struct executor *x, struct trade *t, struct session *s) {
    ModifyOrder m = MODIFY_ORDER__INIT;
    m.epoch = x->context->epoch;
    m.trade_id = t->s->trade_id;
    m.account_id = t->s->account_id;
    m.has_stop_loss = t->s->has_stop_loss_wanted;
    m.stop_loss = t->s->stop_loss_wanted;
    m.has_take_profit = t->s->has_take_profit_wanted;
    m.take_profit = t->s->take_profit_wanted;
    m.has_price = t->s->has_price_wanted;
    m.price = t->s->price_wanted;
    m.has_limit_price = t->s->has_limit_price_wanted;
    m.limit_price = t->s->limit_price_wanted;
    m.has_wanted_at = t->s->has_wanted_at;
    m.wanted_at = t->s->wanted_at;
    outbox_put(x->outbox, s, &m.base);
}

// Why the gateway that serves it will not be asked.
static const char *beyond(const struct session *s, const TradeState *t) {
    bool price = t->has_price_wanted || t->has_limit_price_wanted;
    if (!s->can_modify) return "its gateway cannot change orders";
    return price && !s->can_modify_price ? "its gateway cannot move prices" : NULL;
}

// Filled meanwhile: there is no price to be moved any more.
static void drop_price(struct executor *x, struct trade *t) {
    if (!t->s->has_price_wanted && !t->s->has_limit_price_wanted) return;
    drop(x, t, PRICE);
    drop(x, t, LIMIT_PRICE);
    refuse(x, t, "it was filled before its price could be moved");
    engine_changed(x, t, NULL, NULL);
}

static void send_or_refuse(struct executor *x, struct trade *t, struct session *s) {
    const char *why = beyond(s, t->s);
    if (!why) return send_change(x, t, s);
    drop_all(x, t);
    refuse(x, t, why);
    engine_changed(x, t, NULL, NULL);
}

void wishes_send(struct executor *x, struct trade *t) {
    struct session *s = t->place->account->session;
    bool works = t->s->state == T(working) || t->s->state == T(partially_filled), holds = t->s->state == T(filled);
    if (!session_is_ready(s)) return;
    if (holds && !trade_is_final(t->s)) drop_price(x, t);
    if (t->s->cancel_wanted && works) send_cancel(x, t, s);
    if (change_is_open(t->s) && (works || (holds && !trade_is_final(t->s)))) send_or_refuse(x, t, s);
}

static void keep_and_send(struct executor *x, struct trade *t) {
    engine_keep(x, t);
    bool there = t->s->state == T(working) || t->s->state == T(partially_filled) || t->s->state == T(filled);
    if (there) engine_due(x, t);
    wishes_send(x, t);
}

// --- wishing

void wishes_cancel(struct executor *x, struct trade *t, const char *reason) {
    if (t->s->state == T(pending)) return engine_end(x, t, TRADE_CANCEL, reason); // never sent
    if (!trade_is_live(t->s)) return;
    t->s->has_cancel_wanted = t->s->cancel_wanted = true;
    keep_and_send(x, t);
}

void wishes_stop(struct executor *x, struct trade *t, int64_t stop_loss) {
    stamp(x, t);
    want(t->s, STOP_LOSS, stop_loss);
    keep_and_send(x, t);
}

static bool set_trailing(TradeState *s, const OrderCommand *c) {
    if (c->has_trail_distance) s->has_trail_distance = true, s->trail_distance = c->trail_distance;
    if (c->has_trail_trigger) s->has_trail_trigger = true, s->trail_trigger = c->trail_trigger;
    if (c->has_trail_step) s->has_trail_step = true, s->trail_step = c->trail_step;
    if (c->has_break_even_trigger) s->has_break_even_trigger = true, s->break_even_trigger = c->break_even_trigger;
    if (c->has_break_even_offset) s->has_break_even_offset = true, s->break_even_offset = c->break_even_offset;
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
static void change_pending(struct executor *x, struct trade *t, const OrderCommand *c) {
    stamp(x, t);
    if (c->has_stop_loss) set(t, STOP_LOSS, c->stop_loss);
    if (c->has_take_profit) set(t, TAKE_PROFIT, c->take_profit);
    if (c->has_price) set(t, PRICE, c->price);
    if (c->has_limit_price) set(t, LIMIT_PRICE, c->limit_price);
    t->s->updated_at = batch_now(x->batch);
    engine_changed(x, t, NULL, NULL);
}

static void change_sent(struct executor *x, struct trade *t, const OrderCommand *c) {
    bool price = c->trade_id || t->s->state != T(filled); // a command for many moves the prices of orders only
    stamp(x, t);
    if (c->has_stop_loss) want(t->s, STOP_LOSS, c->stop_loss);
    if (c->has_take_profit) want(t->s, TAKE_PROFIT, c->take_profit);
    if (c->has_price && price) want(t->s, PRICE, c->price);
    if (c->has_limit_price && price) want(t->s, LIMIT_PRICE, c->limit_price);
    keep_and_send(x, t);
}

void wishes_modify(struct executor *x, struct trade *t, const OrderCommand *c) {
    if (trade_is_final(t->s) || t->s->direction == SIGNAL__DIRECTION__close) return;
    bool trails = set_trailing(t->s, c);
    if (c->has_stop_loss || c->has_trail_distance) trail_anew(t);
    if (t->s->state == T(pending)) return change_pending(x, t, c);
    if (c->has_stop_loss || c->has_take_profit || c->has_price || c->has_limit_price)
        change_sent(x, t, c);
    else if (trails)
        engine_changed(x, t, NULL, NULL);
    positions_follow(t);
    follow_trade(x, t);
}

// --- answers

static bool is_answer(const TradeState *s, const Report *r) {
    return change_is_open(s) && (!r->has_wanted_at || !s->has_wanted_at || r->wanted_at == s->wanted_at);
}

// On a netting account the stops are those of the one position, whichever of its trades was named.
static void share_stops(struct executor *x, const struct trade *t) {
    const AccountConfig *account = x->context->book ? book_account(x->context->book, t->s->account_id) : NULL;
    if (!account || !account->netting || !t->holds) return;
    for (struct trade *p = t->place->positions; p; p = p->newer) {
        if (p == t) continue;
        if (t->s->has_stop_loss) set(p, STOP_LOSS, t->s->stop_loss);
        if (t->s->has_take_profit) set(p, TAKE_PROFIT, t->s->take_profit);
        engine_changed(x, p, NULL, NULL);
    }
}

void wishes_done(struct executor *x, struct trade *t, const Report *r) {
    if (!is_answer(t->s, r)) return; // of an older change: the newer one is on its way
    bool stops = t->s->has_stop_loss_wanted || t->s->has_take_profit_wanted;
    for (int i = 0; i < WISHES; i++) {
        if (*flag_at(t->s, wishes[i].has_wanted)) set(t, i, *number_at(t->s, wishes[i].wanted));
    }
    drop_all(x, t);
    t->s->updated_at = batch_now(x->batch);
    t->refused_at = 0;
    engine_changed(x, t, NULL, NULL);
    if (stops) share_stops(x, t);
    follow_trade(x, t); // the price has gone on meanwhile
}

static void cancel_refused(struct executor *x, struct trade *t, const char *reason) {
    batch_alert(x->batch, ALERT__SEVERITY__warning, "cancel_rejected", t->s->trade_id, "%s", reason);
    t->s->cancel_wanted = false;
    engine_keep(x, t);
}

static void change_refused(struct executor *x, struct trade *t, const char *reason) {
    drop_all(x, t);
    if (trade_is_final(t->s)) return engine_keep(x, t); // it was over before
    refuse(x, t, reason);
    engine_changed(x, t, NULL, NULL);
}

// The order may just have been executed, so it is looked up.
void wishes_refused(struct executor *x, struct trade *t, const Report *r) {
    const char *reason = r->reason ? r->reason : "the broker gives no reason";
    if (r->kind == REPORT__KIND__cancel_rejected && t->s->cancel_wanted)
        cancel_refused(x, t, reason);
    else if (is_answer(t->s, r))
        change_refused(x, t, reason);
    else
        return;
    if (t->s->state != T(unknown)) resolve_ask(x, t);
    follow_trade(x, t);
}
