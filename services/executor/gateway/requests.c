// requests - what goes to its gateway about a trade: its Submit, a question, a cancel, a change.
// After the commit, by the outbox.
// SPDX-License-Identifier: MIT
#include "services/executor/executor.h"

static void fill_origin(const TradeState *t, Origin *o) {
    *o = (Origin)ORIGIN__INIT;
    o->signal_id = t->signal_id;
    o->symbol = t->symbol;
    o->source = t->source;
    o->signal_at = t->signal_at;
    o->ordered_at = t->ordered_at;
    o->direction = t->direction;
    o->has_cause = t->has_cause;
    o->cause = t->cause;
    o->cause_id = t->cause_id;
    o->has_valid_until = t->has_valid_until;
    o->valid_until = t->valid_until;
}

static void send_submit(const struct step *step, struct session *to) {
    const TradeState *s = step->t->s;
    Submit m = SUBMIT__INIT;
    Origin origin;
    Terms terms = *s->terms;
    fill_origin(s, &origin);
    m.origin = &origin;
    m.terms = &terms;
    m.epoch = step->executor->context->epoch;
    m.trade_id = s->trade_id;
    m.account_id = s->account_id;
    m.broker_symbol = s->broker_symbol;
    m.side = s->side;
    m.lots = s->terms->lot_size;
    terms.has_price &= terms.order_type != SIGNAL__ORDER_TYPE__market;
    terms.has_limit_price &= terms.order_type == SIGNAL__ORDER_TYPE__stop_limit;
    m.sent_at = step->env.now;
    m.n_closes = s->n_closes;
    m.closes = s->closes;
    outbox_submit(step->executor->outbox, to, &m.base, s->trade_id);
}

static void send_question(const struct step *step, struct session *to) {
    QueryOrder m = QUERY_ORDER__INIT;
    m.epoch = step->executor->context->epoch;
    m.trade_id = step->t->s->trade_id;
    m.account_id = step->t->s->account_id;
    outbox_put(step->executor->outbox, to, &m.base);
}

static void send_cancel(const struct step *step, struct session *to) {
    CancelOrder m = CANCEL_ORDER__INIT;
    m.epoch = step->executor->context->epoch;
    m.trade_id = step->t->s->trade_id;
    m.account_id = step->t->s->account_id;
    outbox_put(step->executor->outbox, to, &m.base);
}

static void send_modify(const struct step *step, struct session *to) {
    const TradeState *s = step->t->s;
    ModifyOrder m = MODIFY_ORDER__INIT;
    m.epoch = step->executor->context->epoch;
    m.trade_id = s->trade_id;
    m.account_id = s->account_id;
    m.amendment = s->wanted;
    m.has_wanted_at = s->has_wanted_at;
    m.wanted_at = s->wanted_at;
    outbox_put(step->executor->outbox, to, &m.base);
}

typedef void send_effect_fn(const struct step *step, struct session *to);
static send_effect_fn *const senders[] = {[EFFECT_SUBMIT] = send_submit,
                                          [EFFECT_ASK] = send_question,
                                          [EFFECT_CANCEL] = send_cancel,
                                          [EFFECT_MODIFY] = send_modify};

void requests_send(const struct step *step, enum effect_kind kind) {
    struct session *to = step->t->holding->account->session;
    if (to) senders[kind](step, to);
}
