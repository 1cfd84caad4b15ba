// router - decides, for every account, what a signal becomes.
// SPDX-License-Identifier: MIT
#include "services/router/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/domain/last_prices.h"
#include "services/router/accounts/locks.h"
#include "services/router/slice.h"

#define CHORES_EVERY NS_PER_S
#define DAY          INT64_C(86400000) // ms

static const struct option options[] = {
    {"guard_max", OPTION_INTEGER, offsetof(struct router_settings, guard_max), "8000000",
     "Most signals remembered (for 48 h) so that none is routed twice; beyond, no more are "
     "accepted.",
     1000, INT32_MAX, NULL},
    {"price_age_max", OPTION_DURATION, offsetof(struct router_settings, price_age_max_ms), "1m",
     "A price of the feed that is older is not used as a symbol's price.", 1, 30 * DAY, NULL},
    {"rate_age_max", OPTION_DURATION, offsetof(struct router_settings, rate_age_max_ms), "96h",
     "A price of the feed that is older is not used to convert currencies.", 1, 365 * DAY, NULL},
    {0},
};

static void *router_new(const struct context *context, const void *settings) {
    struct router *self = alloc_zeroed(1, sizeof *self);
    self->context = context;
    self->settings = settings;
    desk_open(&self->desk, context->book, context->shards);
    self->desk.price_age_max = (uint64_t)self->settings->price_age_max_ms * NS_PER_MS;
    self->desk.rate_age_max = (uint64_t)self->settings->rate_age_max_ms * NS_PER_MS;
    self->routed = guard_new(ROUTED_GUARD, (size_t)self->settings->guard_max);
    self->ended = guard_new(ENDED_GUARD, (size_t)self->settings->guard_max);
    return self;
}

static void router_destroy(void **arg) {
    struct router *self = *arg;
    if (!self) return;
    port_destroy(&self->prices);
    desk_close(&self->desk);
    guard_destroy(&self->routed);
    guard_destroy(&self->ended);
    free(self);
    *arg = NULL;
}

static void know_account(void *arg, const AccountConfig *account) {
    (void)router_accounts_get(((struct router *)arg)->desk.accounts, account->account_id);
}

static void know_last_price(void *arg, const Price *price) { router_price(arg, price); }

static err_t router_load(void *arg, store_t *store) {
    struct router *self = arg;
    err_t e = guard_load(self->routed, store);
    if (!e) e = guard_load(self->ended, store);
    if (!e) e = router_slice_load(store, &self->desk, self->context->shards);
    if (self->context->book) book_each_account(self->context->book, know_account, self);
    for (struct account *a = router_accounts_first(self->desk.accounts); !e && a; a = a->next)
        e = slice_load_money(store, a);
    return e ? e : last_prices_load(store, know_last_price, self);
}

// --- signals

struct fan_out {
    struct router *router;
    batch_t *batch;
    Routing *routing;
    size_t room; // for decisions
};

static void decision_add(struct fan_out *f, Decision *d) {
    Routing *routing = f->routing;
    if (routing->n_decisions == f->room) {
        Decision **more = arena_take(batch_arena(f->batch),
                                     (f->room = f->room ? 2 * f->room : 64) * sizeof(Decision *));
        if (routing->n_decisions)
            memcpy(more, routing->decisions, routing->n_decisions * sizeof(Decision *));
        routing->decisions = more;
    }
    routing->decisions[routing->n_decisions++] = d;
}

static void emit_order_command(struct fan_out *f, const struct turn *turn) {
    OrderCommand command;
    turn_command(turn, batch_arena(f->batch), &command);
    batch_emit(f->batch, TOPIC_orders, turn->seat->shard, &command.base);
    f->routing->has_commands = true;
    f->routing->commands++;
}

static void take_turn(void *arg, const struct turn *turn) {
    struct fan_out *f = arg;
    Decision *d = turn_decision(turn, batch_arena(f->batch));
    decision_add(f, d);
    if (d->reason == REASON__CODE__commanded) return emit_order_command(f, turn);
    if (d->reason != REASON__CODE__ordered) return;
    Order order;
    turn_order(turn, batch_arena(f->batch), &order);
    d->trade_id = order.trade_id;
    batch_emit(f->batch, TOPIC_orders, turn->seat->shard, &order.base);
    follow_order(f->router, f->batch, &order, turn->seat->held);
    if (order.direction != SIGNAL__DIRECTION__close)
        locks_ordered(f->router, f->batch, turn->seat->account, turn->seat->held);
    f->routing->orders++;
}

static bool is_known_kind(const Signal *s) {
    return protobuf_c_enum_descriptor_get_value(&signal__direction__descriptor,
                                                (int)s->direction) &&
           protobuf_c_enum_descriptor_get_value(&signal__order_type__descriptor,
                                                (int)s->order_type);
}

static Routing routing_of(batch_t *batch, const Signal *signal) {
    Routing routing = ROUTING__INIT;
    routing.signal_id = signal->signal_id;
    routing.source = signal->source;
    routing.signal_at = signal->created_at;
    routing.routed_at = batch_now(batch);
    routing.content = signal->content;
    return routing;
}

// Why nobody's turn comes; `why` is for reading.
static void set_whole_reason(struct router *self, Routing *routing, Reason__Code reason,
                             const char *why) {
    self->desk.decided[reason]++;
    routing->has_reason = true;
    routing->reason = reason;
    routing->refused = (char *)(uintptr_t)why;
}

static const char *format_refusal(const Signal *s, arena_t *arena) {
    return arena_format(arena, "approval_refused: by %s%s%s",
                        s->decided_by ? s->decided_by : "an operator", s->decision_note ? ": " : "",
                        s->decision_note ? s->decision_note : "");
}

// No account is asked about a signal that an operator has refused, or not approved.
static bool is_disapproved(struct router *self, const Signal *s, Routing *routing, arena_t *arena) {
    if (!s->has_approval || s->approval == SIGNAL__APPROVAL__approved) return false;
    if (s->approval == SIGNAL__APPROVAL__refused)
        set_whole_reason(self, routing, REASON__CODE__approval_refused, format_refusal(s, arena));
    else if (s->approval == SIGNAL__APPROVAL__expired)
        set_whole_reason(self, routing, REASON__CODE__approval_expired,
                         "approval_expired: no operator approved it in time");
    else
        set_whole_reason(self, routing, REASON__CODE__auto_execute_off,
                         "auto_execute_off: its source is not auto_execute");
    return true;
}

static void fan_out_signal(struct router *self, batch_t *batch, const Signal *signal,
                           Routing *routing) {
    size_t seats =
        desk_fan_out(&self->desk, signal, batch_now(batch), take_turn,
                     &(struct fan_out){.router = self, .batch = batch, .routing = routing});
    if (seats) return;
    if (signal->part_only)
        return set_whole_reason(self, routing, REASON__CODE__part_only,
                                "part_only: the source only votes in a consensus");
    set_whole_reason(self, routing, REASON__CODE__no_subscriber,
                     "no_subscriber: no account subscribes to this source");
    // others have it, too: its end here is no failure
    if (!self->context->cells && !signal->cell) return;
    routing->has_elsewhere = routing->elsewhere = true;
    routing->refused = (char *)"no account of this cell; other cells decide for theirs";
}

// A signal already routed is not routed again; another one under its id goes to the dead letters,
// where somebody sees it.
static err_t router_handle_signal(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct router *self = arg;
    const Signal *signal = (const Signal *)body;
    uint64_t content;
    if (!is_known_kind(signal)) return ERR_INPUT;
    // it comes again, with what an operator decided
    if (signal->has_approval && signal->approval == SIGNAL__APPROVAL__awaited) return ERR_OK;
    if (guard_find(self->routed, digest_text(signal->signal_id), &content))
        return content == signal->content ? ERR_OK : ERR_RULE;
    if (!guard_put(self->routed, batch, digest_text(signal->signal_id), signal->content))
        return ERR_BUSY;
    Routing routing = routing_of(batch, signal);
    if (!is_disapproved(self, signal, &routing, batch_arena(batch)))
        fan_out_signal(self, batch, signal, &routing);
    batch_emit(batch, TOPIC_routings, 0, &routing.base);
    slice_routed(batch, &routing);
    return ERR_OK;
}

// A signal that cannot be handled ends all the same: routed to nobody, and why.
static void router_buried(void *arg, batch_t *batch, const ProtobufCMessage *body,
                          const char *reason) {
    struct router *self = arg;
    const Signal *signal = (const Signal *)body;
    if (body->descriptor != &signal__descriptor ||
        guard_find(self->routed, digest_text(signal->signal_id), NULL))
        return;
    if (!guard_put(self->routed, batch, digest_text(signal->signal_id), signal->content)) return;
    Routing routing = routing_of(batch, signal);
    routing.refused = (char *)reason;
    batch_emit(batch, TOPIC_routings, 0, &routing.base);
    slice_routed(batch, &routing);
}

// --- chores

static void router_unreadable(void *self, const struct unreadable *what) {
    slice_unreadable(&((struct router *)self)->desk, what);
}

static err_t router_tick(void *arg, batch_t *batch) {
    struct router *self = arg;
    if (!self->renewed) slice_renew(batch, self->desk.accounts);
    self->renewed = true;
    if (batch_mono(batch) - self->chores_at < CHORES_EVERY) return ERR_OK;
    self->chores_at = batch_mono(batch);
    locks_tick(self, batch);
    uint64_t now = batch_now(batch), before = now > GUARD_FOR ? now - GUARD_FOR : 0;
    if (self->context->consumed_until < before) before = self->context->consumed_until;
    guard_retire(self->routed, batch, before);
    guard_retire(self->ended, batch, before);
    size_t count = guard_count(self->routed), most = (size_t)self->settings->guard_max;
    if (count > most / 10 * 9)
        batch_alert(batch, ALERT__SEVERITY__critical, "guard_nearly_full", ROUTED_GUARD,
                    "the router remembers %zu of at most %zu signals: raise GUARD_MAX", count,
                    most);
    return ERR_OK;
}

static void router_beat(void *arg, Heartbeat *out, arena_t *arena) {
    const struct router *self = arg;
    const ProtobufCEnumDescriptor *codes = &reason__code__descriptor;
    out->decisions = arena_take(arena, codes->n_values * sizeof *out->decisions);
    for (unsigned i = 0; i < codes->n_values; i++) {
        uint64_t count = self->desk.decided[codes->values[i].value];
        if (!count) continue;
        DecisionCount *d = out->decisions[out->n_decisions++] = arena_take(arena, sizeof *d);
        decision_count__init(d);
        d->reason = (Reason__Code)codes->values[i].value;
        d->count = count;
    }
}

static void router_again(void *self, again_fn *say, void *arg) {
    (void)say, (void)arg;
    ((struct router *)self)->chores_at = 0;
}

static const struct route routes[] = {
    {TOPIC_signals, &signal__descriptor, router_handle_signal, true},
    {TOPIC_executions, &execution__descriptor, router_handle_execution, false},
    {TOPIC_executions, &account_state__descriptor, router_handle_account, false},
    {TOPIC_commands, &command__descriptor, router_handle_command, false},
    {0},
};

const struct service router_service = {
    .role = ROUTER,
    .purpose = "Decides, for every account, what a signal becomes: one order, or one stated reason "
               "why not.",
    .options = options,
    .settings_size = sizeof(struct router_settings),
    .routes = routes,
    .slice = router_slice,
    .traced = true,
    .again = router_again,
    .new = router_new,
    .destroy = router_destroy,
    .load = router_load,
    .open = follow_open,
    .tick = router_tick,
    .buried = router_buried,
    .unreadable = router_unreadable,
    .beat = router_beat,
};
