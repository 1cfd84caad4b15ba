// orders - new orders, and those that wait: recorded first, sent once that is committed.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <utlist.h>

#include "common/clock.h"
#include "common/record.h"
#include "common/testing.h"
#include "gateway.pb-c.h"
#include "services/executor/engine.h"
#include "services/executor/slice.h"

#define T(name) TRADE_STATE__STATE__##name

static bool is_closing(const TradeState *s) { return s->direction == SIGNAL__DIRECTION__close; }

// --- what can never be sent

static const char *unfit(const TradeState *s) {
    bool market = s->order_type == SIGNAL__ORDER_TYPE__market;
    if (s->has_lot_size ? s->lot_size <= 0 : !is_closing(s)) return "no_lot_size";
    if (s->has_close_percent && s->close_percent <= 0) return "no_lot_size";
    if (!market && !is_closing(s) && (!s->has_price || s->price <= 0)) return "no_price";
    if (s->order_type == SIGNAL__ORDER_TYPE__stop_limit && (!s->has_limit_price || s->limit_price <= 0)) return "no_price";
    return NULL;
}

// --- sending

static void fill_submit(const struct executor *x, const TradeState *s, Submit *m) {
    m->epoch = x->context->epoch;
    m->trade_id = s->trade_id;
    m->account_id = s->account_id;
    m->broker_symbol = s->broker_symbol;
    m->order_type = s->order_type;
    m->side = s->side;
    m->lots = s->lot_size;
    m->has_price = s->has_price && s->order_type != SIGNAL__ORDER_TYPE__market;
    m->price = s->price;
    m->has_limit_price = s->has_limit_price && s->order_type == SIGNAL__ORDER_TYPE__stop_limit;
    m->limit_price = s->limit_price;
    m->has_expected_price = s->has_requested_price;
    m->expected_price = s->requested_price;
    m->has_stop_loss = s->has_stop_loss;
    m->stop_loss = s->stop_loss;
    m->has_take_profit = s->has_take_profit;
    m->take_profit = s->take_profit;
    m->has_expiration_time = s->has_expiration_time;
    m->expiration_time = s->expiration_time;
    m->sent_at = batch_now(x->batch);
    m->n_closes = s->n_closes;
    m->closes = s->closes;
}

// Recorded as submitting in this batch; the bytes leave when it is committed (wire.c). Not told on the topic: what comes next is.
void orders_submit(struct executor *x, struct trade *t) {
    struct session *session = t->place->account->session;
    TradeState *s = t->s;
    t->session = session; // counted there from here on
    if (!engine_move(x, t, TRADE_SUBMIT, NULL)) return;
    t->sent_before = t->was_sent;
    t->was_sent = true;
    t->decided_at = batch_mono(x->batch);
    t->unsent = t->asking = t->known_there = false;
    s->has_submitted_at = true;
    s->submitted_at = batch_now(x->batch);
    s->held = false;
    if (!s->instance_id || strcmp(s->instance_id, session->instance_id) != 0) trade_set_text(&s->instance_id, session->instance_id);
    due_clear(x->due, &t->due);
    engine_keep(x, t);
    Submit m = SUBMIT__INIT;
    fill_submit(x, s, &m);
    outbox_submit(x->outbox, session, &m.base, s->trade_id);
}

// --- deciding

enum gate orders_gate(const struct executor *x, const struct trade *t) {
    const struct place *p = t->place;
    const struct gate_view v = {.global = x->global,
                                .account = p->account->mode,
                                .source = halts_source(x->halts, t->s->source),
                                .lock = p->account->lock,
                                .lots = t->s->lot_size,
                                .max_lots = state_limits(x, p->account)->max_lots_order,
                                .unknown = p->unknown + unreadable_here(x, p),
                                .submitting = p->submitting,
                                .closing = is_closing(t->s),
                                .has_positions = is_closing(t->s) && closing_has_positions(t)};
    return gate_pass(&v);
}

const char *orders_refused(const struct executor *x, const struct trade *t) {
    enum gate g = orders_gate(x, t);
    return g == GATE_WAIT ? NULL : gate_reason(g);
}

static bool can_send(const struct executor *x, const struct trade *t) {
    struct session *s = t->place->account->session;
    if (!session_is_ready(s)) return false;
    if (s->in_flight < (unsigned)x->settings->in_flight_max) return true;
    s->blocked = true;
    return false;
}

static struct doubt_context where(const struct executor *x) {
    const struct context *c = x->context;
    return (struct doubt_context){.now = batch_now(x->batch),
                                  .started_at = c->started_at,
                                  .rolled_back_at = c->rolled_back_at,
                                  .skew_margin = (uint64_t)x->settings->skew_margin_ms * NS_PER_MS,
                                  .rollback_quiet = (uint64_t)x->settings->rollback_quiet_ms * NS_PER_MS};
}

void orders_note_origin(struct executor *x, struct trade *t) {
    const struct order_origin origin = {t->s->signal_at, t->s->ordered_at, t->resend};
    const struct doubt_context c = where(x);
    t->first_at = doubt_first_at(&origin, &c);
}

static enum may_send may_send(const struct executor *x, const struct trade *t) {
    const struct order_origin origin = {t->s->signal_at, t->s->ordered_at, t->resend};
    const struct doubt_context c = where(x);
    return doubt_may_send(resolve_checks(t), &origin, &c);
}

static void send_or_ask(struct executor *x, struct trade *t) {
    switch (may_send(x, t)) {
    case MAY_SEND:
        return orders_submit(x, t);
    case ASK_FIRST:
        return resolve_doubt(x, t, "may have been sent before: asked about first");
    case MAY_HOLD:
        return resolve_hold(x, t, "may have been sent before, and its broker can neither check nor be asked");
    }
}

static void pass_close(struct executor *x, struct trade *t) {
    bool both = t->place->long_lots && t->place->short_lots;
    const TradeState *whole = both ? (const TradeState *)record_copy(&t->s->base, batch_arena(x->batch)) : NULL;
    Signal__Direction side;
    switch (closing_choose(x, t, &side)) {
    case CLOSING_NOTHING:
        return engine_end(x, t, TRADE_REJECT, "no_position");
    case CLOSING_TOO_LITTLE:
        engine_end(x, t, TRADE_REJECT, "below_min_lot");
        break;
    case CLOSING_CHOSEN:
        send_or_ask(x, t);
        break;
    }
    if (whole) closing_other_side(x, whole, side);
}

// What the gateway, or the broker behind it, cannot do.
static const char *beyond(const struct executor *x, const struct trade *t) {
    const struct session *s = t->place->account->session;
    if (t->s->order_type == SIGNAL__ORDER_TYPE__stop_limit && !s->can_stop_limit) return "stop_limit_unsupported";
    if (s->can_net || is_closing(t->s)) return NULL;
    const AccountConfig *account = book_account(x->context->book, t->s->account_id);
    return account && account->netting ? "netting_unsupported" : NULL;
}

static void pass(struct executor *x, struct trade *t) {
    const char *why = beyond(x, t);
    if (why) return engine_end(x, t, TRADE_REJECT, why);
    if (is_closing(t->s) && !t->s->n_closes)
        pass_close(x, t);
    else
        send_or_ask(x, t);
}

// Decides about a pending trade: sent, asked about, refused, or (false) it still waits.
bool orders_dispatch(struct executor *x, struct trade *t) {
    if (engine_too_old(x, t->s)) return engine_end(x, t, TRADE_EXPIRE, "too old when it could have been sent"), true;
    const char *why = orders_refused(x, t);
    if (why) return engine_end(x, t, TRADE_REJECT, why), true;
    if (orders_gate(x, t) == GATE_WAIT || !can_send(x, t)) return false;
    pass(x, t);
    return true;
}

// --- taking on

// Something was in doubt here and what is open is to be closed: the close goes first, and what waited to open is not opened after it.
static bool overtakes(struct executor *x, struct trade *t) {
    if (!is_closing(t->s) || !t->place->unknown || orders_gate(x, t) != GATE_OPEN) return false;
    struct trade *waiting, *next;
    DL_FOREACH_SAFE(t->place->waiting, waiting, next) {
        if (!is_closing(waiting->s)) engine_end(x, waiting, TRADE_CANCEL, "overtaken by a close");
    }
    return true;
}

static void wait_here(struct executor *x, struct trade *t) {
    place_wait(x->accounts, t->place, t);
    engine_keep(x, t);
    engine_due(x, t);
}

static struct trade *add_trade(struct executor *x, const TradeState *s) {
    struct trade *t = trades_add(x->trades, s);
    t->sequence = ++x->sequence;
    t->place = engine_place(x, t->s);
    engine_count(x, t, 1);
    return t;
}

// Its broker has reported it before its order came (again): not sent, whatever else there is to say.
static void take_reported(struct executor *x, struct trade *t) {
    Signal__Direction side;
    if (is_closing(t->s) && !t->s->n_closes) (void)closing_choose(x, t, &side);
    reports_apply_kept(x, t);
}

// It did not leave: nothing is in doubt that was not before, and what had never left waits for its gateway again.
void orders_again(struct executor *x, struct trade *t) {
    t->unsent = false;
    t->was_sent = t->sent_before;
    if (t->was_sent) return resolve_doubt(x, t, "it could not be sent again");
    if (!engine_move(x, t, TRADE_UNSENT, NULL)) return;
    bool later = t->place->waiting && t->place->waiting->sequence < t->sequence;
    if (later || !orders_dispatch(x, t)) wait_here(x, t);
}

void orders_take(struct executor *x, const TradeState *s, bool resend) {
    bool guarded = guard_put(x->guard, x->batch, digest_text(s->trade_id), s->signal_at);
    struct trade *t = add_trade(x, s);
    t->resend = resend;
    orders_note_origin(x, t);
    const char *why = guarded ? unfit(t->s) : "guard_full"; // what could not be known again is not sent
    if (why) return engine_end(x, t, TRADE_REJECT, why);
    if (aside_count(x->aside) && aside_find(x->aside, s->trade_id)) return take_reported(x, t);
    if (t->place->waiting && !overtakes(x, t)) return wait_here(x, t); // what came first goes first
    if (!orders_dispatch(x, t)) wait_here(x, t);
}

static void set_number(protobuf_c_boolean *has, int64_t *field, protobuf_c_boolean given, int64_t value) {
    *has = given;
    *field = value;
}

// What comes with the later actions. A trailing stop that begins at once is there from the start, where the price is known.
static void from_order_more(const Order *o, TradeState *s) {
    set_number(&s->has_limit_price, &s->limit_price, o->has_limit_price, o->limit_price);
    set_number(&s->has_close_percent, &s->close_percent, o->has_close_percent, o->close_percent);
    set_number(&s->has_trail_distance, &s->trail_distance, o->has_trail_distance, o->trail_distance);
    set_number(&s->has_trail_trigger, &s->trail_trigger, o->has_trail_trigger, o->trail_trigger);
    set_number(&s->has_trail_step, &s->trail_step, o->has_trail_step, o->trail_step);
    set_number(&s->has_break_even_trigger, &s->break_even_trigger, o->has_break_even_trigger, o->break_even_trigger);
    set_number(&s->has_break_even_offset, &s->break_even_offset, o->has_break_even_offset, o->break_even_offset);
    s->has_close_side = o->has_close_side;
    s->close_side = o->close_side;
    s->close_trade_id = o->close_trade_id;
    int64_t behind = s->side == SIGNAL__DIRECTION__sell ? -s->trail_distance : s->trail_distance;
    if (s->trail_distance <= 0 || s->trail_trigger || s->has_stop_loss || s->requested_price <= behind) return;
    s->has_stop_loss = true;
    s->stop_loss = s->requested_price - behind;
}

static void from_order(const Order *o, uint64_t now, TradeState *s) {
    s->trade_id = o->trade_id;
    s->signal_id = o->signal_id;
    s->account_id = o->account_id;
    s->broker_id = o->broker_id;
    s->symbol = o->symbol;
    s->broker_symbol = o->broker_symbol;
    s->order_type = o->order_type;
    s->direction = o->direction;
    s->has_side = o->direction != SIGNAL__DIRECTION__close;
    s->side = s->has_side ? o->direction : SIGNAL__DIRECTION__buy;
    s->has_lot_size = o->has_lot_size;
    s->lot_size = o->lot_size;
    s->has_price = o->has_price;
    s->price = o->price;
    s->has_requested_price = o->has_requested_price || o->has_price;
    s->requested_price = o->has_requested_price ? o->requested_price : o->price;
    s->has_stop_loss = o->has_stop_loss;
    s->stop_loss = o->stop_loss;
    s->has_take_profit = o->has_take_profit;
    s->take_profit = o->take_profit;
    s->has_expiration_time = o->has_expiration_time;
    s->expiration_time = o->expiration_time;
    s->has_valid_until = o->has_valid_until;
    s->valid_until = o->valid_until;
    from_order_more(o, s);
    s->source = o->source;
    s->signal_at = o->signal_at;
    s->ordered_at = o->ordered_at;
    s->updated_at = now;
    s->state = T(pending);
}

static bool is_readable(const Order *o) {
    return protobuf_c_enum_descriptor_get_value(&signal__order_type__descriptor, (int)o->order_type) &&
           o->direction >= SIGNAL__DIRECTION__buy && o->direction <= SIGNAL__DIRECTION__close && strlen(o->trade_id) <= 64;
}

err_t orders_handle(void *self, batch_t *batch, const ProtobufCMessage *body) {
    struct executor *x = self;
    const Order *o = (const Order *)body;
    if (!is_readable(o)) return ERR_INPUT;
    engine_begin(x, batch);
    struct trade *known = trades_find(x->trades, o->trade_id);
    if (!MUTATED("no_guards") && (known || guard_find(x->guard, digest_text(o->trade_id), NULL)))
        return ERR_OK;                // decided again after a rollback
    if (known) engine_drop(x, known); // the mutation: it is taken for a new one
    TradeState s = TRADE_STATE__INIT;
    from_order(o, batch_now(batch), &s);
    orders_take(x, &s, o->has_resend && o->resend);
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
        from_order(o, batch_now(batch), &s);
        (void)!guard_put(x->guard, batch, digest_text(o->trade_id), o->signal_at);
        t = add_trade(x, &s);
    }
    if (t && t->s->state == T(pending)) engine_end(x, t, TRADE_REJECT, reason);
}

// --- those that wait

// In order at each place, until one must go on waiting.
static void wake_place(struct executor *x, struct place *p) {
    for (struct trade *t; (t = p->waiting) != NULL;) {
        if (!orders_dispatch(x, t)) return;
        place_leave(x->accounts, p, t);
    }
}

void orders_wake(struct executor *x) {
    if (!x->awake) return;
    x->awake = false;
    for (struct session *s = sessions_first(x->sessions); s; s = s->next) s->blocked = false;
    struct place *p = accounts_waiting(x->accounts), *next;
    for (; p; p = next) {
        next = p->next;
        wake_place(x, p);
    }
}
