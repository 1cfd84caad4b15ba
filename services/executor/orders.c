// orders - new orders, and those that wait: recorded first, sent once that is committed.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/testing.h"
#include "common/schema/record.h"
#include "services/executor/executor.h"
#include "services/executor/slice.h"
#include "services/executor/trade/in_doubt/inquiry.h"

#define T(name) TRADE_STATE__STATE__##name

// --- what can never be sent

static const char *find_order_defect(const TradeState *s) {
    bool market = s->terms->order_type == SIGNAL__ORDER_TYPE__market;
    if (s->terms->has_lot_size ? s->terms->lot_size <= 0 : !trade_is_closing(s))
        return "no_lot_size";
    if (s->terms->has_close_percent && s->terms->close_percent <= 0) return "no_lot_size";
    if (!market && !trade_is_closing(s) && (!s->terms->has_price || s->terms->price <= 0))
        return "no_price";
    if (s->terms->order_type == SIGNAL__ORDER_TYPE__stop_limit &&
        (!s->terms->has_limit_price || s->terms->limit_price <= 0))
        return "no_price";
    return NULL;
}

// --- sending

static void submit_order(struct executor *self, batch_t *batch, struct trade *t) {
    struct session *session = t->holding->account->session;
    struct step s = step_begin(self, batch, t);
    if (!t->s->instance_id || strcmp(t->s->instance_id, session->instance_id) != 0)
        trade_set_text(&t->s->instance_id, session->instance_id);
    t->session = session; // counted there from here on
    due_clear(self->due, &t->due);
    trade_submit(t, &s.env, &s.out);
    step_end(&s);
}

// --- deciding

static enum gate orders_gate(const struct executor *self, const struct trade *t) {
    const struct holding *p = t->holding;
    const struct gate_view v = {.global = self->global,
                                .account = p->account->mode,
                                .source = halts_source(self->halts, t->s->source),
                                .lock = p->account->lock,
                                .lots = t->s->terms->lot_size,
                                .max_lots = state_limits(self, p->account)->max_lots_order,
                                .unknown = p->unknown + unreadable_here(self, p),
                                .submitting = p->submitting,
                                .closing = trade_is_closing(t->s),
                                .has_positions =
                                    trade_is_closing(t->s) && closing_has_positions(t)};
    return gate_pass(&v);
}

const char *orders_refused(const struct executor *self, const struct trade *t) {
    enum gate g = orders_gate(self, t);
    return g == GATE_WAIT ? NULL : gate_reason(g);
}

static bool can_send(const struct executor *self, const struct trade *t) {
    struct session *s = t->holding->account->session;
    if (!session_is_ready(s)) return false;
    if (s->in_flight < (unsigned)self->settings->in_flight_max) return true;
    s->blocked = true;
    return false;
}

static struct doubt_context get_doubt_context(const struct executor *self, batch_t *batch) {
    const struct context *c = self->context;
    return (struct doubt_context){.now = batch_now(batch),
                                  .started_at = c->started_at,
                                  .rolled_back_at = c->rolled_back_at,
                                  .skew_margin = self->patience.skew_margin,
                                  .rollback_quiet =
                                      (uint64_t)self->settings->rollback_quiet_ms * NS_PER_MS};
}

static struct order_origin origin_of(const struct trade *t) {
    return (struct order_origin){.signal_at = t->s->signal_at,
                                 .ordered_at = t->s->ordered_at,
                                 .resend = t->resend,
                                 .planless = trade_is_closing(t->s) && !t->s->n_closes};
}

// Of one that is on record only a rollback can have taken what was recorded of its sending; of one
// that comes in, any life before.
void orders_note_origin(struct executor *self, batch_t *batch, struct trade *t, bool on_record) {
    const struct order_origin origin = origin_of(t);
    const struct doubt_context c = get_doubt_context(self, batch);
    t->first_at = doubt_first_at(&origin, &c);
    t->unsure = on_record ? !t->first_at : !doubt_is_fresh(&origin, &c);
}

static enum may_send may_send(struct executor *self, batch_t *batch, const struct trade *t) {
    const struct order_origin origin = origin_of(t);
    const struct doubt_context c = get_doubt_context(self, batch);
    const struct trade_env env = step_env(self, batch, t);
    return t->sending == SENDING_CLEARED ? MAY_SEND
                                         : doubt_may_send(&env.gateway->checks, &origin, &c);
}

static void hold_order(struct executor *self, batch_t *batch, struct trade *t, const char *reason) {
    struct step s = step_begin(self, batch, t);
    inquiry_hold(t, reason, &s.env, &s.out);
    step_end(&s);
}

static void submit_close(struct executor *self, batch_t *batch, struct trade *t) {
    bool both = t->holding->long_lots && t->holding->short_lots;
    const TradeState *whole =
        both ? (const TradeState *)record_copy(&t->s->base, batch_arena(batch)) : NULL;
    Signal__Direction side;
    switch (closing_plan(self, batch, t, &side)) {
    case PLAN_NOTHING_OPEN:
        return engine_end(self, batch, t, TRADE_REJECT, "no_position");
    case PLAN_TOO_LITTLE:
        engine_end(self, batch, t, TRADE_REJECT, "below_min_lot");
        break;
    case PLAN_CHOSEN:
        submit_order(self, batch, t);
        break;
    }
    if (whole) closing_other_side(self, batch, whole, side);
}

// What the gateway, or the broker behind it, cannot do.
static const char *find_order_obstacle(const struct executor *self, const struct trade *t) {
    const struct session *s = t->holding->account->session;
    if (t->s->terms->order_type == SIGNAL__ORDER_TYPE__stop_limit && !s->can.can_stop_limit)
        return "stop_limit_unsupported";
    if (s->can.can_net || trade_is_closing(t->s)) return NULL;
    const AccountConfig *account = book_account(self->context->book, t->s->account_id);
    return account && account->netting ? "netting_unsupported" : NULL;
}

static void send_pending_order(struct executor *self, batch_t *batch, struct trade *t) {
    if (trade_is_closing(t->s) && !t->s->n_closes)
        submit_close(self, batch, t);
    else
        submit_order(self, batch, t);
}

void orders_give_up(struct executor *self, batch_t *batch, struct trade *t, enum trade_event event,
                    const char *reason) {
    if (trade_is_unsent(t))
        engine_end(self, batch, t, event, reason);
    else
        engine_doubt(self, batch, t, "may have been sent before: asked about first");
}

// Decides about a pending trade: sent, asked about, refused, or (false) it still waits. What must
// be asked about first does not wait for its turn: all of a backlog is asked about at once.
static bool dispatch_order(struct executor *self, batch_t *batch, struct trade *t, bool is_first) {
    const char *why;
    if (trade_is_too_old(t->s, batch_now(batch)))
        return orders_give_up(self, batch, t, TRADE_EXPIRE, "too old when it could have been sent"),
               true;
    if ((why = orders_refused(self, t)))
        return orders_give_up(self, batch, t, TRADE_REJECT, why), true;
    if (!session_is_ready(t->holding->account->session)) return false;
    if ((why = find_order_obstacle(self, t)))
        return orders_give_up(self, batch, t, TRADE_REJECT, why), true;
    enum may_send may = may_send(self, batch, t);
    if (may == ASK_FIRST)
        return engine_doubt(self, batch, t, "may have been sent before: asked about first"), true;
    if (!is_first || orders_gate(self, t) == GATE_WAIT || !can_send(self, t)) return false;
    if (may == MAY_HOLD)
        hold_order(self, batch, t,
                   "may have been sent before, and its broker can neither check nor be asked");
    else
        send_pending_order(self, batch, t);
    return true;
}

// It is not there, and a second one would be refused if it were. The last look is the same as for
// any order, but for the quarantine, which it is itself.
void orders_resend(struct executor *self, batch_t *batch, struct trade *t) {
    enum gate g = orders_gate(self, t);
    if (t->s->cancel_wanted)
        return engine_end(self, batch, t, TRADE_CANCEL,
                          "it was to be cancelled, and is not at the broker");
    if (g != GATE_OPEN && g != GATE_WAIT)
        return engine_end(self, batch, t, TRADE_REJECT, gate_reason(g));
    if (session_is_ready(t->holding->account->session)) send_pending_order(self, batch, t);
}

void orders_look(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = step_begin(self, batch, t);
    bool resend = inquiry_due(t, &s.env, &s.out);
    step_end(&s);
    if (resend) orders_resend(self, batch, t);
}

// --- taking on

// Something was in doubt here and what is open is to be closed: the close goes first, and what
// waited to open is not opened after it.
static bool overtake_waiting(struct executor *self, batch_t *batch, struct trade *t) {
    if (!trade_is_closing(t->s) || !t->holding->unknown || orders_gate(self, t) != GATE_OPEN)
        return false;
    struct trade *waiting, *next;
    DL_FOREACH_SAFE(t->holding->waiting, waiting, next) {
        if (!trade_is_closing(waiting->s) && trade_is_unsent(waiting))
            engine_end(self, batch, waiting, TRADE_CANCEL, "overtaken by a close");
    }
    return true;
}

static void wait_here(struct executor *self, batch_t *batch, struct trade *t) {
    holding_add_waiting(self->accounts, t->holding, t);
    struct step s = step_begin(self, batch, t);
    effects_add(&s.out, EFFECT_KEEP);
    step_end(&s);
}

// Its broker has named it before its order came (again): not sent, whatever else there is to say;
// asked about.
static void take_orphan(struct executor *self, batch_t *batch, struct trade *t, struct orphan *o) {
    slice_orphan(batch, self->context->shard, o->trade_id, NULL);
    orphans_drop(self->orphans, o);
    t->sending = SENDING_EARLIER;
    engine_doubt(self, batch, t, "its broker reported it before it was known here");
}

// It did not leave: nothing is in doubt that was not before, and what had never left waits for its
// gateway again.
void orders_reconsider(struct executor *self, batch_t *batch, struct trade *t) {
    (void)sending_step(&t->sending, SENDING_RECONSIDER);
    if (trade_was_sent(t)) return engine_doubt(self, batch, t, "it could not be sent again");
    struct step s = step_begin(self, batch, t);
    bool waits = trade_move(t, TRADE_UNSENT, NULL, &s.env, &s.out);
    step_end(&s);
    if (!waits) return;
    bool later = t->holding->waiting && t->holding->waiting->sequence < t->sequence;
    if (!dispatch_order(self, batch, t, !later)) wait_here(self, batch, t);
}

static void publish_own(struct executor *self, batch_t *batch, struct trade *t) {
    struct step s = step_begin(self, batch, t);
    effects_publish(&s.out, NULL, NULL);
    step_end(&s);
}

void orders_take(struct executor *self, batch_t *batch, const TradeState *s, bool resend) {
    bool guarded = guard_put(self->guard, batch, digest_text(s->trade_id), s->signal_at);
    struct orphan *orphan = orphans_find(self->orphans, s->trade_id);
    struct trade *t = engine_add(self, batch, s);
    t->resend = resend;
    orders_note_origin(self, batch, t, false);
    // what could not be known again is not sent
    const char *why = guarded ? find_order_defect(t->s) : "guard_full";
    if (t->s->has_cause) publish_own(self, batch, t); // no other topic has it
    if (orphan) return take_orphan(self, batch, t, orphan);
    if (why) return engine_end(self, batch, t, TRADE_REJECT, why);
    // what came first goes first
    bool is_first = !t->holding->waiting || overtake_waiting(self, batch, t);
    if (!dispatch_order(self, batch, t, is_first)) wait_here(self, batch, t);
}

// A trailing stop that begins at once is there from the start, where the price is known.
static void start_trailing(const TradeState *s, Terms *terms) {
    int64_t behind =
        s->side == SIGNAL__DIRECTION__sell ? -terms->trail_distance : terms->trail_distance;
    if (terms->trail_distance <= 0 || terms->trail_trigger || terms->has_stop_loss ||
        terms->requested_price <= behind)
        return;
    terms->has_stop_loss = true;
    terms->stop_loss = terms->requested_price - behind;
}

static void from_order(const Order *o, batch_t *batch, TradeState *s) {
    Terms *terms = s->terms = terms_begin(o->terms, batch_arena(batch));
    s->trade_id = o->trade_id;
    s->signal_id = o->signal_id;
    s->account_id = o->account_id;
    s->broker_id = o->broker_id;
    s->symbol = o->symbol;
    s->broker_symbol = o->broker_symbol;
    s->direction = o->direction;
    s->has_side = o->direction != SIGNAL__DIRECTION__close;
    s->side = s->has_side ? o->direction : SIGNAL__DIRECTION__buy;
    s->has_valid_until = o->has_valid_until;
    s->valid_until = o->valid_until;
    s->source = o->source;
    s->signal_at = o->signal_at;
    s->ordered_at = o->ordered_at;
    s->updated_at = batch_now(batch);
    s->state = T(pending);
    if (!terms->has_requested_price)
        terms->has_requested_price = terms->has_price, terms->requested_price = terms->price;
    start_trailing(s, terms);
}

static bool is_readable(const Order *o) {
    return protobuf_c_enum_descriptor_get_value(&signal__order_type__descriptor,
                                                (int)o->terms->order_type) &&
           o->direction >= SIGNAL__DIRECTION__buy && o->direction <= SIGNAL__DIRECTION__close &&
           strlen(o->trade_id) <= 64;
}

err_t executor_handle_order(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *self = arg;
    const Order *o = (const Order *)body;
    if (!is_readable(o)) return ERR_INPUT;
    engine_begin(self, batch);
    struct trade *known = trades_find(self->trades, o->trade_id);
    if (!MUTATED("no_guards") && (known || guard_find(self->guard, digest_text(o->trade_id), NULL)))
        return ERR_OK;                          // decided again after a rollback
    if (known) engine_drop(self, batch, known); // the mutation: it is taken for a new one
    TradeState s = TRADE_STATE__INIT;
    from_order(o, batch, &s);
    orders_take(self, batch, &s, o->has_resend && o->resend);
    return ERR_OK;
}

// An order that could not be handled ends as a visible rejection.
void orders_buried(void *arg, batch_t *batch, const ProtobufCMessage *body, const char *reason) {
    struct executor *self = arg;
    if (body->descriptor != &order__descriptor) return;
    const Order *o = (const Order *)body;
    if (!is_readable(o)) return; // it has its alert
    engine_begin(self, batch);
    struct trade *t = trades_find(self->trades, o->trade_id);
    if (!t && !guard_find(self->guard, digest_text(o->trade_id), NULL)) {
        TradeState s = TRADE_STATE__INIT;
        from_order(o, batch, &s);
        (void)!guard_put(self->guard, batch, digest_text(o->trade_id), o->signal_at);
        t = engine_add(self, batch, &s);
    }
    if (t && t->s->state == T(pending)) engine_end(self, batch, t, TRADE_REJECT, reason);
}

// --- those that wait

// What is done to one may take others out of the queue (overtake_waiting): then from the front
// again, which has become shorter.
static struct trade *next_waiting(const struct holding *p, struct trade *next, bool *is_first) {
    if (!next || next->queue == QUEUE_WAITS) return next;
    *is_first = true;
    return p->waiting;
}

// In order in each holding; behind one that goes on waiting only what is to be asked about leaves the
// queue: looked for when its gateway may have come, not for each answer.
static void wake_holding(struct executor *self, batch_t *batch, struct holding *p, bool behind) {
    bool is_first = true;
    for (struct trade *t = p->waiting, *next; t && (is_first || behind);
         t = next_waiting(p, next, &is_first)) {
        next = t->next;
        if (dispatch_order(self, batch, t, is_first))
            holding_remove_waiting(self->accounts, p, t);
        else
            is_first = false;
    }
}

void orders_wake(struct executor *self, batch_t *batch) {
    bool behind = self->awake_behind;
    if (!self->awake && !behind) return;
    self->awake = self->awake_behind = false;
    for (struct session *s = sessions_first(self->sessions); s; s = s->next) s->blocked = false;
    struct holding *p = accounts_waiting(self->accounts), *next;
    for (; p; p = next) {
        next = p->next;
        wake_holding(self, batch, p, behind);
    }
}
