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

static void submit_order(struct executor *x, batch_t *batch, struct trade *t) {
    struct session *session = t->holding->account->session;
    struct step s = step_begin(x, batch, t);
    if (!t->s->instance_id || strcmp(t->s->instance_id, session->instance_id) != 0)
        trade_set_text(&t->s->instance_id, session->instance_id);
    t->session = session; // counted there from here on
    due_clear(x->due, &t->due);
    trade_submit(t, &s.env, &s.out);
    step_end(&s);
}

// --- deciding

static enum gate orders_gate(const struct executor *x, const struct trade *t) {
    const struct holding *p = t->holding;
    const struct gate_view v = {.global = x->global,
                                .account = p->account->mode,
                                .source = halts_source(x->halts, t->s->source),
                                .lock = p->account->lock,
                                .lots = t->s->terms->lot_size,
                                .max_lots = state_limits(x, p->account)->max_lots_order,
                                .unknown = p->unknown + unreadable_here(x, p),
                                .submitting = p->submitting,
                                .closing = trade_is_closing(t->s),
                                .has_positions =
                                    trade_is_closing(t->s) && closing_has_positions(t)};
    return gate_pass(&v);
}

const char *orders_refused(const struct executor *x, const struct trade *t) {
    enum gate g = orders_gate(x, t);
    return g == GATE_WAIT ? NULL : gate_reason(g);
}

static bool can_send(const struct executor *x, const struct trade *t) {
    struct session *s = t->holding->account->session;
    if (!session_is_ready(s)) return false;
    if (s->in_flight < (unsigned)x->settings->in_flight_max) return true;
    s->blocked = true;
    return false;
}

static struct doubt_context get_doubt_context(const struct executor *x, batch_t *batch) {
    const struct context *c = x->context;
    return (struct doubt_context){.now = batch_now(batch),
                                  .started_at = c->started_at,
                                  .rolled_back_at = c->rolled_back_at,
                                  .skew_margin = x->patience.skew_margin,
                                  .rollback_quiet =
                                      (uint64_t)x->settings->rollback_quiet_ms * NS_PER_MS};
}

static struct order_origin origin_of(const struct trade *t) {
    return (struct order_origin){.signal_at = t->s->signal_at,
                                 .ordered_at = t->s->ordered_at,
                                 .resend = t->resend,
                                 .planless = trade_is_closing(t->s) && !t->s->n_closes};
}

// Of one that is on record only a rollback can have taken what was recorded of its sending; of one
// that comes in, any life before.
void orders_note_origin(struct executor *x, batch_t *batch, struct trade *t, bool on_record) {
    const struct order_origin origin = origin_of(t);
    const struct doubt_context c = get_doubt_context(x, batch);
    t->first_at = doubt_first_at(&origin, &c);
    t->unsure = on_record ? !t->first_at : !doubt_is_fresh(&origin, &c);
}

static enum may_send may_send(struct executor *x, batch_t *batch, const struct trade *t) {
    const struct order_origin origin = origin_of(t);
    const struct doubt_context c = get_doubt_context(x, batch);
    const struct trade_env env = step_env(x, batch, t);
    return t->sending == SENDING_CLEARED ? MAY_SEND
                                         : doubt_may_send(&env.gateway->checks, &origin, &c);
}

static void hold_order(struct executor *x, batch_t *batch, struct trade *t, const char *reason) {
    struct step s = step_begin(x, batch, t);
    inquiry_hold(t, reason, &s.env, &s.out);
    step_end(&s);
}

static void submit_close(struct executor *x, batch_t *batch, struct trade *t) {
    bool both = t->holding->long_lots && t->holding->short_lots;
    const TradeState *whole =
        both ? (const TradeState *)record_copy(&t->s->base, batch_arena(batch)) : NULL;
    Signal__Direction side;
    switch (closing_plan(x, batch, t, &side)) {
    case PLAN_NOTHING_OPEN:
        return engine_end(x, batch, t, TRADE_REJECT, "no_position");
    case PLAN_TOO_LITTLE:
        engine_end(x, batch, t, TRADE_REJECT, "below_min_lot");
        break;
    case PLAN_CHOSEN:
        submit_order(x, batch, t);
        break;
    }
    if (whole) closing_other_side(x, batch, whole, side);
}

// What the gateway, or the broker behind it, cannot do.
static const char *find_order_obstacle(const struct executor *x, const struct trade *t) {
    const struct session *s = t->holding->account->session;
    if (t->s->terms->order_type == SIGNAL__ORDER_TYPE__stop_limit && !s->can.can_stop_limit)
        return "stop_limit_unsupported";
    if (s->can.can_net || trade_is_closing(t->s)) return NULL;
    const AccountConfig *account = book_account(x->context->book, t->s->account_id);
    return account && account->netting ? "netting_unsupported" : NULL;
}

static void send_pending_order(struct executor *x, batch_t *batch, struct trade *t) {
    if (trade_is_closing(t->s) && !t->s->n_closes)
        submit_close(x, batch, t);
    else
        submit_order(x, batch, t);
}

void orders_give_up(struct executor *x, batch_t *batch, struct trade *t, enum trade_event event,
                    const char *reason) {
    if (trade_is_unsent(t))
        engine_end(x, batch, t, event, reason);
    else
        engine_doubt(x, batch, t, "may have been sent before: asked about first");
}

// Decides about a pending trade: sent, asked about, refused, or (false) it still waits. What must
// be asked about first does not wait for its turn: all of a backlog is asked about at once.
static bool dispatch_order(struct executor *x, batch_t *batch, struct trade *t, bool is_first) {
    const char *why;
    if (trade_is_too_old(t->s, batch_now(batch)))
        return orders_give_up(x, batch, t, TRADE_EXPIRE, "too old when it could have been sent"),
               true;
    if ((why = orders_refused(x, t))) return orders_give_up(x, batch, t, TRADE_REJECT, why), true;
    if (!session_is_ready(t->holding->account->session)) return false;
    if ((why = find_order_obstacle(x, t)))
        return orders_give_up(x, batch, t, TRADE_REJECT, why), true;
    enum may_send may = may_send(x, batch, t);
    if (may == ASK_FIRST)
        return engine_doubt(x, batch, t, "may have been sent before: asked about first"), true;
    if (!is_first || orders_gate(x, t) == GATE_WAIT || !can_send(x, t)) return false;
    if (may == MAY_HOLD)
        hold_order(x, batch, t,
                   "may have been sent before, and its broker can neither check nor be asked");
    else
        send_pending_order(x, batch, t);
    return true;
}

// It is not there, and a second one would be refused if it were. The last look is the same as for
// any order, but for the quarantine, which it is itself.
void orders_resend(struct executor *x, batch_t *batch, struct trade *t) {
    enum gate g = orders_gate(x, t);
    if (t->s->cancel_wanted)
        return engine_end(x, batch, t, TRADE_CANCEL,
                          "it was to be cancelled, and is not at the broker");
    if (g != GATE_OPEN && g != GATE_WAIT)
        return engine_end(x, batch, t, TRADE_REJECT, gate_reason(g));
    if (session_is_ready(t->holding->account->session)) send_pending_order(x, batch, t);
}

void orders_look(struct executor *x, batch_t *batch, struct trade *t) {
    struct step s = step_begin(x, batch, t);
    bool resend = inquiry_due(t, &s.env, &s.out);
    step_end(&s);
    if (resend) orders_resend(x, batch, t);
}

// --- taking on

// Something was in doubt here and what is open is to be closed: the close goes first, and what
// waited to open is not opened after it.
static bool overtake_waiting(struct executor *x, batch_t *batch, struct trade *t) {
    if (!trade_is_closing(t->s) || !t->holding->unknown || orders_gate(x, t) != GATE_OPEN)
        return false;
    struct trade *waiting, *next;
    DL_FOREACH_SAFE(t->holding->waiting, waiting, next) {
        if (!trade_is_closing(waiting->s) && trade_is_unsent(waiting))
            engine_end(x, batch, waiting, TRADE_CANCEL, "overtaken by a close");
    }
    return true;
}

static void wait_here(struct executor *x, batch_t *batch, struct trade *t) {
    holding_add_waiting(x->accounts, t->holding, t);
    struct step s = step_begin(x, batch, t);
    effects_add(&s.out, EFFECT_KEEP);
    step_end(&s);
}

// Its broker has named it before its order came (again): not sent, whatever else there is to say;
// asked about.
static void take_orphan(struct executor *x, batch_t *batch, struct trade *t, struct orphan *o) {
    slice_orphan(batch, x->context->shard, o->trade_id, NULL);
    orphans_drop(x->orphans, o);
    t->sending = SENDING_EARLIER;
    engine_doubt(x, batch, t, "its broker reported it before it was known here");
}

// It did not leave: nothing is in doubt that was not before, and what had never left waits for its
// gateway again.
void orders_reconsider(struct executor *x, batch_t *batch, struct trade *t) {
    (void)sending_step(&t->sending, SENDING_RECONSIDER);
    if (trade_was_sent(t)) return engine_doubt(x, batch, t, "it could not be sent again");
    struct step s = step_begin(x, batch, t);
    bool waits = trade_move(t, TRADE_UNSENT, NULL, &s.env, &s.out);
    step_end(&s);
    if (!waits) return;
    bool later = t->holding->waiting && t->holding->waiting->sequence < t->sequence;
    if (!dispatch_order(x, batch, t, !later)) wait_here(x, batch, t);
}

static void publish_own(struct executor *x, batch_t *batch, struct trade *t) {
    struct step s = step_begin(x, batch, t);
    effects_publish(&s.out, NULL, NULL);
    step_end(&s);
}

void orders_take(struct executor *x, batch_t *batch, const TradeState *s, bool resend) {
    bool guarded = guard_put(x->guard, batch, digest_text(s->trade_id), s->signal_at);
    struct orphan *orphan = orphans_find(x->orphans, s->trade_id);
    struct trade *t = engine_add(x, batch, s);
    t->resend = resend;
    orders_note_origin(x, batch, t, false);
    // what could not be known again is not sent
    const char *why = guarded ? find_order_defect(t->s) : "guard_full";
    if (t->s->has_cause) publish_own(x, batch, t); // no other topic has it
    if (orphan) return take_orphan(x, batch, t, orphan);
    if (why) return engine_end(x, batch, t, TRADE_REJECT, why);
    // what came first goes first
    bool is_first = !t->holding->waiting || overtake_waiting(x, batch, t);
    if (!dispatch_order(x, batch, t, is_first)) wait_here(x, batch, t);
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

err_t orders_handle(void *self, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *x = self;
    const Order *o = (const Order *)body;
    if (!is_readable(o)) return ERR_INPUT;
    engine_begin(x, batch);
    struct trade *known = trades_find(x->trades, o->trade_id);
    if (!MUTATED("no_guards") && (known || guard_find(x->guard, digest_text(o->trade_id), NULL)))
        return ERR_OK;                       // decided again after a rollback
    if (known) engine_drop(x, batch, known); // the mutation: it is taken for a new one
    TradeState s = TRADE_STATE__INIT;
    from_order(o, batch, &s);
    orders_take(x, batch, &s, o->has_resend && o->resend);
    return ERR_OK;
}

// An order that could not be handled ends as a visible rejection.
void orders_buried(void *self, batch_t *batch, const ProtobufCMessage *body, const char *reason) {
    struct executor *x = self;
    if (body->descriptor != &order__descriptor) return;
    const Order *o = (const Order *)body;
    if (!is_readable(o)) return; // it has its alert
    engine_begin(x, batch);
    struct trade *t = trades_find(x->trades, o->trade_id);
    if (!t && !guard_find(x->guard, digest_text(o->trade_id), NULL)) {
        TradeState s = TRADE_STATE__INIT;
        from_order(o, batch, &s);
        (void)!guard_put(x->guard, batch, digest_text(o->trade_id), o->signal_at);
        t = engine_add(x, batch, &s);
    }
    if (t && t->s->state == T(pending)) engine_end(x, batch, t, TRADE_REJECT, reason);
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
static void wake_holding(struct executor *x, batch_t *batch, struct holding *p, bool behind) {
    bool is_first = true;
    for (struct trade *t = p->waiting, *next; t && (is_first || behind);
         t = next_waiting(p, next, &is_first)) {
        next = t->next;
        if (dispatch_order(x, batch, t, is_first))
            holding_remove_waiting(x->accounts, p, t);
        else
            is_first = false;
    }
}

void orders_wake(struct executor *x, batch_t *batch) {
    bool behind = x->awake_behind;
    if (!x->awake && !behind) return;
    x->awake = x->awake_behind = false;
    for (struct session *s = sessions_first(x->sessions); s; s = s->next) s->blocked = false;
    struct holding *p = accounts_waiting(x->accounts), *next;
    for (; p; p = next) {
        next = p->next;
        wake_holding(x, batch, p, behind);
    }
}
