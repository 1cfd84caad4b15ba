// commands - changes to orders and positions at the broker, and the operator's commands.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/clock.h"
#include "gateway.pb-c.h"
#include "outcome.pb-c.h"
#include "services/executor/executor.h"
#include "services/executor/trade/amend.h"

#define T(name) TRADE_STATE__STATE__##name

static void amend_trade(struct executor *self, batch_t *batch, struct trade *t,
                        const OrderCommand *c) {
    struct step s = step_begin(self, batch, t);
    amend_by_command(t, c, &s.env, &s.out);
    step_end(&s);
    follow_trade(self, batch, t);
}

static void on_trade(struct executor *self, batch_t *batch, struct trade *t,
                     const OrderCommand *c) {
    switch (c->action) {
    case ORDER_COMMAND__ACTION__cancel:
        return engine_cancel(self, batch, t, c->reason ? c->reason : "cancelled by command");
    case ORDER_COMMAND__ACTION__modify:
        return amend_trade(self, batch, t, c);
    case ORDER_COMMAND__ACTION__close:
        return closing_trade(self, batch, t, c);
    case ORDER_COMMAND__ACTION__set_lock: // of an account, not of its trades
    case _ORDER_COMMAND__ACTION_IS_INT_SIZE:
        return;
    }
}

static bool matches_filter(const char *wanted, const char *is) {
    return !wanted || strcmp(wanted, is) == 0;
}

// A command for many concerns entries only: a close that is on its way is not cancelled with them.
static bool matches_command(const OrderCommand *c, const TradeState *s) {
    if (strcmp(s->account_id, c->account_id) != 0 || trade_is_final(s) || trade_is_closing(s))
        return false;
    return matches_filter(c->symbol, s->symbol) && matches_filter(c->signal_id, s->signal_id) &&
           (!c->has_side || s->side == c->side);
}

// They are listed first: what is done to one may make and forget others.
static void on_many(struct executor *self, batch_t *batch, const OrderCommand *c) {
    struct trade **list =
        arena_take(batch_arena(batch), (trades_count(self->trades) + 1) * sizeof(struct trade *));
    size_t cursor = 0, n = 0;
    for (struct trade *t; (t = trades_next(self->trades, &cursor)) != NULL;) {
        if (matches_command(c, t->s)) list[n++] = t;
    }
    for (size_t i = 0; i < n; i++) on_trade(self, batch, list[i], c);
}

static void on_account(struct executor *self, batch_t *batch, const OrderCommand *c) {
    if (c->action == ORDER_COMMAND__ACTION__close && !c->signal_id)
        closing_close_holdings(self, batch, c);
    else
        on_many(self, batch, c);
}

// A command is done once, however often it is decided: a change made again later would undo what
// came after it.
static bool claim_command(struct executor *self, batch_t *batch, const OrderCommand *c) {
    char id[ID_TEXT];
    const char *const parts[] = {
        "command", c->command_id, c->account_id, c->trade_id ? c->trade_id : "",
        record_enum_name(&order_command__action__descriptor, (int)c->action)};
    id_derive(id, c->command_id, 5, parts);
    if (guard_find(self->guard, digest_text(id), NULL)) return false;
    // full: closing and cancelling twice does no harm
    (void)!guard_put(self->guard, batch, digest_text(id), c->created_at);
    return true;
}

static bool makes_sense(batch_t *batch, const OrderCommand *c) {
    bool known =
        protobuf_c_enum_descriptor_get_value(&order_command__action__descriptor, (int)c->action);
    bool all_symbols = c->has_lots && !c->trade_id && !c->symbol;
    if (known && !all_symbols && (!c->has_lots || c->lots > 0) &&
        (!c->has_percent || c->percent > 0))
        return true;
    batch_alert(
        batch, ALERT__SEVERITY__warning, "bad_command", c->command_id,
        "the command is refused: lots need a trade or a symbol; lots and percent must be above 0");
    return false;
}

err_t executor_handle_order_command(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *self = arg;
    const OrderCommand *c = (const OrderCommand *)body;
    engine_begin(self, batch);
    if (c->action == ORDER_COMMAND__ACTION__set_lock) return halts_lock(self, batch, c), ERR_OK;
    if (!makes_sense(batch, c) || !claim_command(self, batch, c)) return ERR_OK;
    if (!c->trade_id) return on_account(self, batch, c), ERR_OK;
    struct trade *t = trades_find(self->trades, c->trade_id);
    if (t)
        on_trade(self, batch, t, c);
    else
        batch_alert(
            batch, ALERT__SEVERITY__info, "no_such_trade", c->trade_id,
            "the command changes nothing: the trade is over, or this executor never had it");
    return ERR_OK;
}

// --- the operator

// The operator has looked at the broker and takes it upon himself that the order is not there.
static void release_held_order(struct executor *self, batch_t *batch, struct trade *t) {
    if (t->s->state != T(unknown) || !t->s->held) {
        batch_alert(batch, ALERT__SEVERITY__info, "not_held", t->s->trade_id,
                    "the command releases nothing: the trade is not held");
        return;
    }
    if (trade_is_too_old(t->s, batch_now(batch)))
        return engine_end(self, batch, t, TRADE_EXPIRE,
                          "released by the operator, too old to be sent");
    if (session_is_ready(t->holding->account->session)) return orders_resend(self, batch, t);
    batch_alert(batch, ALERT__SEVERITY__warning, "no_gateway", t->s->trade_id,
                "the trade is not released: its gateway is not connected");
}

err_t executor_handle_command(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *self = arg;
    const Command *c = (const Command *)body;
    engine_begin(self, batch);
    struct trade *t = c->trade_id ? trades_find(self->trades, c->trade_id) : NULL;
    switch (c->action) {
    case COMMAND__ACTION__halt:
        halts_operator(self, batch, c, RISK_STATE__MODE__halted);
        break;
    case COMMAND__ACTION__resume:
        halts_operator(self, batch, c, RISK_STATE__MODE__trading);
        break;
    case COMMAND__ACTION__reduce_only:
        halts_operator(self, batch, c, RISK_STATE__MODE__reduce_only);
        break;
    case COMMAND__ACTION__release:
        if (t) release_held_order(self, batch, t);
        break;
    case COMMAND__ACTION__cancel: // these come from the router, as OrderCommands
    case COMMAND__ACTION__close:
    case COMMAND__ACTION__unlock:
    case COMMAND__ACTION__approve: // these two are ingest's
    case COMMAND__ACTION__refuse:
        break;
    case _COMMAND__ACTION_IS_INT_SIZE:
        return ERR_INPUT;
    }
    return ERR_OK;
}

// --- the reconciler misses an answer

// It may have forgotten with Redis what was published of one that has come to its end.
static void publish_again(struct executor *self, batch_t *batch, struct trade *t) {
    if (!trade_is_final(t->s) && t->s->state != T(filled)) return;
    struct step s = step_begin(self, batch, t);
    effects_publish(&s.out, NULL, NULL);
    step_end(&s);
}

static void answer_status_query(struct executor *self, batch_t *batch, struct trade *t) {
    bool asks_anyway = t->s->state == T(pending) || t->s->state == T(unknown);
    publish_again(self, batch, t);
    if (!asks_anyway && batch_mono(batch) - t->inquiry.asked_at >= self->patience.interval)
        engine_ask(self, batch, t);
}

static void answer_unknown(struct executor *self, batch_t *batch, const StatusQuery *q) {
    TradeUnknown m = TRADE_UNKNOWN__INIT;
    if (!engine_is_ours(self, q->account_id)) return;
    m.trade_id = q->trade_id;
    m.account_id = q->account_id;
    batch_emit(batch, TOPIC_executions, self->context->shard, &m.base);
}

err_t executor_handle_query(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *self = arg;
    const StatusQuery *q = (const StatusQuery *)body;
    engine_begin(self, batch);
    struct trade *t = trades_find(self->trades, q->trade_id);
    if (t)
        answer_status_query(self, batch, t);
    else if (!guard_find(self->guard, digest_text(q->trade_id),
                         NULL)) // else it is over and forgotten: the archive answers
        answer_unknown(self, batch, q);
    return ERR_OK;
}
