// commands - changes to what is at the broker, and the operator's word.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/clock.h"
#include "common/record.h"
#include "gateway.pb-c.h"
#include "outcome.pb-c.h"
#include "services/executor/engine.h"
#include "services/executor/slice.h"

#define T(name) TRADE_STATE__STATE__##name

// --- wishes: kept with the trade, sent when the broker has it, and sent again until they are answered

static void send_cancel(struct executor *x, struct trade *t, struct session *s) {
    CancelOrder m = CANCEL_ORDER__INIT;
    m.epoch = x->context->epoch;
    m.trade_id = t->s->trade_id;
    m.account_id = t->s->account_id;
    outbox_put(x->outbox, s, &m.base);
}

static void send_modify(struct executor *x, struct trade *t, struct session *s) {
    ModifyOrder m = MODIFY_ORDER__INIT;
    m.epoch = x->context->epoch;
    m.trade_id = t->s->trade_id;
    m.account_id = t->s->account_id;
    m.has_stop_loss = t->s->has_stop_loss_wanted;
    m.stop_loss = t->s->stop_loss_wanted;
    m.has_take_profit = t->s->has_take_profit_wanted;
    m.take_profit = t->s->take_profit_wanted;
    outbox_put(x->outbox, s, &m.base);
}

void commands_send_wishes(struct executor *x, struct trade *t) {
    struct session *s = t->place->account->session;
    bool works = t->s->state == T(working) || t->s->state == T(partially_filled);
    if (!session_is_ready(s)) return;
    if (t->s->cancel_wanted && works) send_cancel(x, t, s);
    if ((t->s->has_stop_loss_wanted || t->s->has_take_profit_wanted) && (works || t->s->state == T(filled))) send_modify(x, t, s);
}

void commands_cancel(struct executor *x, struct trade *t, const char *reason) {
    if (t->s->state == T(pending)) return engine_end(x, t, TRADE_CANCEL, reason); // never sent
    if (!trade_is_live(t->s)) return;
    t->s->has_cancel_wanted = t->s->cancel_wanted = true;
    engine_keep(x, t);
    if (t->s->state == T(working) || t->s->state == T(partially_filled)) engine_due(x, t);
    commands_send_wishes(x, t);
}

static void modify(struct executor *x, struct trade *t, const OrderCommand *c) {
    if (trade_is_final(t->s)) return;
    if (c->has_stop_loss) t->s->has_stop_loss_wanted = true, t->s->stop_loss_wanted = c->stop_loss;
    if (c->has_take_profit) t->s->has_take_profit_wanted = true, t->s->take_profit_wanted = c->take_profit;
    engine_keep(x, t);
    commands_send_wishes(x, t);
}

// --- closing on command: an order of its own for each position or place, with an id that is decided once

static void closing_of(const struct executor *x, const struct place *p, const OrderCommand *c, TradeState *s) {
    const TradeState *one = p->positions->s;
    s->signal_id = c->command_id;
    s->account_id = p->account->id;
    s->broker_id = one->broker_id;
    s->symbol = one->symbol;
    s->broker_symbol = p->broker_symbol;
    s->order_type = SIGNAL__ORDER_TYPE__market;
    s->direction = SIGNAL__DIRECTION__close;
    s->side = SIGNAL__DIRECTION__buy;
    s->signal_at = s->ordered_at = c->created_at;
    s->updated_at = batch_now(x->batch);
    s->state = T(pending);
}

static void close_place(struct executor *x, struct place *p, const OrderCommand *c) {
    char id[ID_TEXT];
    if (!p->positions) return;
    TradeState s = TRADE_STATE__INIT;
    closing_of(x, p, c, &s);
    const char *const parts[] = {"trade", c->command_id, p->account->id, p->broker_symbol};
    id_derive(id, c->command_id, 4, parts);
    s.trade_id = id;
    if (!guard_find(x->guard, digest_text(id), NULL)) orders_take(x, &s, false);
}

// One position: named in `closes` from the start.
static void close_one(struct executor *x, struct trade *t, const OrderCommand *c) {
    char id[ID_TEXT];
    int64_t lots = positions_free_lots(t);
    if (lots <= 0) return;
    TradeState s = TRADE_STATE__INIT;
    closing_of(x, t->place, c, &s);
    Closing closing = CLOSING__INIT, *list[1] = {&closing};
    closing.trade_id = t->s->trade_id;
    closing.lots = lots;
    s.closes = list;
    s.n_closes = 1;
    s.has_side = s.has_lot_size = true;
    s.side = t->s->side == SIGNAL__DIRECTION__sell ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
    s.lot_size = lots;
    const char *const parts[] = {"trade", c->command_id, t->s->trade_id};
    id_derive(id, c->command_id, 3, parts);
    s.trade_id = id;
    if (!guard_find(x->guard, digest_text(id), NULL)) orders_take(x, &s, false);
}

static void on_trade(struct executor *x, struct trade *t, const OrderCommand *c) {
    switch (c->action) {
    case ORDER_COMMAND__ACTION__cancel:
        return commands_cancel(x, t, c->reason ? c->reason : "cancelled by command");
    case ORDER_COMMAND__ACTION__modify:
        return modify(x, t, c);
    case ORDER_COMMAND__ACTION__close:
        return close_one(x, t, c);
    case ORDER_COMMAND__ACTION__set_lock: // concerns an account
    case _ORDER_COMMAND__ACTION_IS_INT_SIZE:
        return;
    }
}

// All trades of an account. They are listed first: what is done to one may make and forget others.
static void on_account(struct executor *x, const OrderCommand *c) {
    if (c->action == ORDER_COMMAND__ACTION__close) {
        size_t cursor = 0;
        for (struct place *p; (p = accounts_next_place(x->accounts, &cursor)) != NULL;) {
            if (strcmp(p->account->id, c->account_id) == 0) close_place(x, p, c);
        }
        return;
    }
    struct trade **list = arena_take(batch_arena(x->batch), trades_count(x->trades) * sizeof(struct trade *));
    size_t cursor = 0, n = 0;
    for (struct trade *t; (t = trades_next(x->trades, &cursor)) != NULL;) {
        bool concerns = strcmp(t->s->account_id, c->account_id) == 0 && !trade_is_final(t->s);
        if (concerns) list[n++] = t;
    }
    for (size_t i = 0; i < n; i++) on_trade(x, list[i], c);
}

err_t commands_order(void *self, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *x = self;
    const OrderCommand *c = (const OrderCommand *)body;
    engine_begin(x, batch);
    if (!c->trade_id) return on_account(x, c), ERR_OK;
    struct trade *t = trades_find(x->trades, c->trade_id);
    if (t)
        on_trade(x, t, c);
    else
        batch_alert(batch, ALERT__SEVERITY__info, "no_such_trade", c->trade_id, "nothing to change: the trade is over, or was never here");
    return ERR_OK;
}

// --- the operator

static void set_mode(struct executor *x, const Command *c, RiskState__Mode mode) {
    struct account *a = c->account_id ? accounts_get(x->accounts, c->account_id) : NULL;
    *(a ? &a->mode : &x->global) = mode;
    if (a) a->dirty = true;
    for (struct account *each = a ? NULL : accounts_first(x->accounts); each; each = each->next) each->dirty = true;
    slice_risk(x->batch, x->context->shard, a ? a->id : "global", record_enum_name(&risk_state__mode__descriptor, (int)mode));
}

err_t commands_operator(void *self, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *x = self;
    const Command *c = (const Command *)body;
    engine_begin(x, batch);
    struct trade *t = c->trade_id ? trades_find(x->trades, c->trade_id) : NULL;
    switch (c->action) {
    case COMMAND__ACTION__halt:
        set_mode(x, c, RISK_STATE__MODE__halted);
        break;
    case COMMAND__ACTION__resume:
        set_mode(x, c, RISK_STATE__MODE__trading);
        break;
    case COMMAND__ACTION__reduce_only:
        set_mode(x, c, RISK_STATE__MODE__reduce_only);
        break;
    case COMMAND__ACTION__release:
        if (t) resolve_release(x, t);
        break;
    case COMMAND__ACTION__cancel: // these come from the router, as OrderCommands
    case COMMAND__ACTION__close:
    case COMMAND__ACTION__unlock:
        break;
    case _COMMAND__ACTION_IS_INT_SIZE:
        return ERR_INPUT;
    }
    return ERR_OK;
}

// --- the reconciler misses an answer

err_t commands_query(void *self, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *x = self;
    const StatusQuery *q = (const StatusQuery *)body;
    engine_begin(x, batch);
    struct trade *t = trades_find(x->trades, q->trade_id);
    bool asks_anyway = t && (t->s->state == T(pending) || t->s->state == T(unknown));
    if (t && !asks_anyway && batch_mono(batch) - t->asked_at >= x->patience.interval) resolve_ask(x, t);
    return ERR_OK;
}
