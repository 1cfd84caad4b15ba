// router - decides, for every account, what a signal becomes.
// SPDX-License-Identifier: MIT
#include "services/router/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "services/router/decide.h"
#include "services/router/slice.h"

#define GUARD_FOR    (48 * UINT64_C(3600) * NS_PER_S) // how long what was done is remembered at least
#define CHORES_EVERY NS_PER_S

struct settings {
    int64_t guard_max;
};

static const struct option options[] = {
    {"guard_max", OPTION_INTEGER, offsetof(struct settings, guard_max), "8000000",
     "Signals remembered (48 h of them) so that none is routed twice; no more are taken beyond.", 1000, INT32_MAX, NULL},
    {0},
};

struct router {
    const struct context *context;
    const struct settings *settings;
    accounts_t *accounts;
    guard_t *routed; // signal_id -> Signal.content
    guard_t *ended;  // trade_id: over before it was known here
    RiskState__Mode global;
    uint64_t chores_at; // monotonic ns
};

static void *router_new(const struct context *context, const void *settings) {
    struct router *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->context = context;
    r->settings = settings;
    r->accounts = accounts_new();
    r->routed = guard_new(ROUTED_GUARD, (size_t)r->settings->guard_max);
    r->ended = guard_new(ENDED_GUARD, (size_t)r->settings->guard_max);
    r->global = RISK_STATE__MODE__trading;
    return r;
}

static void router_destroy(void **self) {
    struct router *r = *self;
    if (!r) return;
    accounts_destroy(&r->accounts);
    guard_destroy(&r->routed);
    guard_destroy(&r->ended);
    free(r);
    *self = NULL;
}

static err_t router_load(void *self, store_t *store) {
    struct router *r = self;
    err_t e = guard_load(r->routed, store);
    if (!e) e = guard_load(r->ended, store);
    if (!e) e = slice_load(store, r->accounts, &r->global);
    return e;
}

// --- signals

// One account's turn in the fan-out.
struct turn {
    const struct subscriber *to;
    const BrokerConfig *broker;
    unsigned leg; // an account that subscribes twice to a source may get two orders
    struct decide_result result;
};

static void order_fill(Order *o, const Signal *s, const struct turn *t) {
    o->signal_id = s->signal_id;
    o->account_id = t->to->account->account_id;
    o->broker_id = t->to->account->broker_id;
    o->symbol = s->symbol;
    o->order_type = s->order_type;
    o->direction = s->direction;
    o->has_lot_size = t->result.has_lots;
    o->lot_size = t->result.has_lots ? t->result.lots.e8 : 0;
    o->has_price = s->has_price && s->order_type != SIGNAL__ORDER_TYPE__market;
    o->price = o->has_price ? s->price : 0;
    o->has_requested_price = s->has_price;
    o->requested_price = s->price;
    o->has_stop_loss = s->has_stop_loss;
    o->stop_loss = s->stop_loss;
    o->has_take_profit = s->has_take_profit;
    o->take_profit = s->take_profit;
    o->has_expiration_time = s->has_expiration_time;
    o->expiration_time = s->expiration_time;
    o->signal_at = s->created_at;
    o->has_valid_until = true;
    o->valid_until = t->result.valid_until;
}

// A trade that ended before its order was decided again (after a rollback) is not open any more. Closing trades never count.
static void count_open(struct router *r, batch_t *batch, const Order *o) {
    if (o->direction == SIGNAL__DIRECTION__close || guard_find(r->ended, digest_text(o->trade_id), NULL)) return;
    struct account *account = accounts_get(r->accounts, o->account_id);
    if (accounts_open(r->accounts, account, o->trade_id)) slice_opened(batch, account, o->trade_id);
}

static char *give_order(struct router *r, batch_t *batch, const Signal *signal, const struct turn *t) {
    char leg[12], broker_symbol[64], *trade_id = arena_take(batch_arena(batch), ID_TEXT);
    (void)book_broker_symbol(t->broker, signal->symbol, broker_symbol); // decide has seen that it is listed
    (void)snprintf(leg, sizeof leg, "%u", t->leg);
    const char *const parts[] = {"trade", signal->signal_id, t->to->account->account_id, leg};
    id_derive(trade_id, signal->signal_id, 4, parts);
    Order order = ORDER__INIT;
    order.trade_id = trade_id;
    order.broker_symbol = broker_symbol;
    order.ordered_at = batch_now(batch);
    order_fill(&order, signal, t);
    batch_emit(batch, TOPIC_orders, book_shard(t->to->account, r->context->shards), &order.base);
    count_open(r, batch, &order);
    return trade_id;
}

static void numbers_fill(Decision *d, const struct decide_result *result, arena_t *arena) {
    Number *all = arena_take(arena, result->n_numbers * sizeof *all);
    d->numbers = arena_take(arena, result->n_numbers * sizeof *d->numbers);
    for (; d->n_numbers < result->n_numbers; d->n_numbers++) {
        Number *n = d->numbers[d->n_numbers] = &all[d->n_numbers];
        number__init(n);
        n->name = (char *)result->numbers[d->n_numbers].name;
        n->value = result->numbers[d->n_numbers].value.e8;
    }
}

static Decision *decide_for(struct router *r, batch_t *batch, const Signal *signal, struct turn *t) {
    const AccountConfig *account = t->to->account;
    const struct account *held = accounts_get(r->accounts, account->account_id);
    t->broker = book_broker(r->context->book, account->broker_id);
    const struct decide_input in = {
        .signal = signal,
        .account = account,
        .subscription = t->to->subscription,
        .broker = t->broker,
        .symbol = t->broker ? book_symbol(t->broker, signal->symbol) : NULL,
        .global = r->global,
        .mode = held->mode,
        .open_trades = held->open,
        .now = batch_now(batch),
    };
    decide(&in, &t->result);
    Decision *d = arena_take(batch_arena(batch), sizeof *d);
    decision__init(d);
    d->account_id = account->account_id;
    d->reason = t->result.reason;
    if (t->result.detail[0]) d->detail = arena_text(batch_arena(batch), t->result.detail);
    if (t->result.n_numbers) numbers_fill(d, &t->result, batch_arena(batch));
    return d;
}

static void fan_out(struct router *r, batch_t *batch, const Signal *signal, Routing *routing) {
    const struct subscriber *subscribers = NULL;
    size_t n = book_subscribers(r->context->book, signal->source, &subscribers);
    struct turn t = {0};
    routing->decisions = arena_take(batch_arena(batch), n * sizeof *routing->decisions);
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && strcmp(subscribers[i].account->account_id, subscribers[i - 1].account->account_id) == 0;
        t.leg = again ? t.leg + 1 : 0;
        t.to = &subscribers[i];
        Decision *d = decide_for(r, batch, signal, &t);
        if (d->reason == REASON__CODE__ordered) {
            d->trade_id = give_order(r, batch, signal, &t);
            routing->orders++;
        }
        routing->decisions[routing->n_decisions++] = d;
    }
}

static bool is_known_kind(const Signal *s) {
    return s->direction >= SIGNAL__DIRECTION__buy && s->direction <= SIGNAL__DIRECTION__close &&
           s->order_type >= SIGNAL__ORDER_TYPE__market && s->order_type <= SIGNAL__ORDER_TYPE__stop;
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

// A signal already routed is not routed again; another one under its id goes to the dead letters, where somebody sees it.
static err_t handle_signal(void *self, batch_t *batch, const ProtobufCMessage *body) {
    struct router *r = self;
    const Signal *signal = (const Signal *)body;
    uint64_t content;
    if (!is_known_kind(signal)) return ERR_INPUT;
    if (guard_find(r->routed, digest_text(signal->signal_id), &content)) return content == signal->content ? ERR_OK : ERR_RULE;
    if (!guard_put(r->routed, batch, digest_text(signal->signal_id), signal->content)) return ERR_BUSY;
    Routing routing = routing_of(batch, signal);
    fan_out(r, batch, signal, &routing);
    batch_emit(batch, TOPIC_routings, 0, &routing.base);
    slice_routed(batch, &routing);
    return ERR_OK;
}

// A signal that cannot be handled ends all the same: routed to nobody, and why.
static void router_buried(void *self, batch_t *batch, const ProtobufCMessage *body, const char *reason) {
    struct router *r = self;
    const Signal *signal = (const Signal *)body;
    if (body->descriptor != &signal__descriptor || guard_find(r->routed, digest_text(signal->signal_id), NULL)) return;
    if (!guard_put(r->routed, batch, digest_text(signal->signal_id), signal->content)) return;
    Routing routing = routing_of(batch, signal);
    routing.refused = (char *)reason;
    batch_emit(batch, TOPIC_routings, 0, &routing.base);
    slice_routed(batch, &routing);
}

// --- what became of the orders

// Evidence counts, not memory: after a rollback of Redis a trade may be heard of whose order is decided again later, or never.
static err_t handle_execution(void *self, batch_t *batch, const ProtobufCMessage *body) {
    struct router *r = self;
    const TradeState *t = ((const Execution *)body)->trade;
    if (t->direction == SIGNAL__DIRECTION__close) return ERR_OK;
    if (trade_is_open(t)) {
        struct account *account = accounts_get(r->accounts, t->account_id);
        if (accounts_open(r->accounts, account, t->trade_id)) slice_opened(batch, account, t->trade_id);
        return ERR_OK;
    }
    if (accounts_close(r->accounts, t->trade_id)) {
        slice_over(batch, t->account_id, t->trade_id);
    } else if (t->signal_at + GUARD_FOR > batch_now(batch) && !guard_find(r->routed, digest_text(t->signal_id), NULL)) {
        if (!guard_put(r->ended, batch, digest_text(t->trade_id), 0)) return ERR_BUSY;
    }
    return ERR_OK;
}

// --- the operator's word

// One code for each mode: a resume right after a halt is told, too.
static void tell_mode(batch_t *batch, const RiskState *risk, const Command *c) {
    bool open = risk->mode == RISK_STATE__MODE__trading;
    const char *code = open ? "trading_resumed" : risk->mode == RISK_STATE__MODE__halted ? "trading_halted" : "trading_reduce_only";
    batch_alert(batch, open ? ALERT__SEVERITY__info : ALERT__SEVERITY__warning, code, risk->scope, "%s, by %s",
                c->reason ? c->reason : "no reason given", c->operator_ ? c->operator_ : "an operator");
}

static err_t set_mode(struct router *r, batch_t *batch, const Command *c, RiskState__Mode mode) {
    struct account *account = NULL;
    if (c->account_id) {
        if (scope_is_reserved(c->account_id)) return ERR_RULE;
        if (!book_account(r->context->book, c->account_id)) return ERR_MISSING;
        account = accounts_get(r->accounts, c->account_id);
    }
    RiskState risk = RISK_STATE__INIT;
    risk.scope = account ? account->id : (char *)"global";
    risk.mode = mode;
    risk.reason = c->reason;
    risk.changed_at = c->created_at;
    *(account ? &account->mode : &r->global) = mode;
    slice_risk(batch, &risk, account);
    tell_mode(batch, &risk, c);
    return ERR_OK;
}

struct forwarding {
    struct router *router;
    batch_t *batch;
    const Command *command;
    OrderCommand__Action action;
};

static void forward(const struct forwarding *f, const AccountConfig *account, char *command_id) {
    OrderCommand order = ORDER_COMMAND__INIT;
    order.command_id = command_id;
    order.account_id = account->account_id;
    order.action = f->action;
    order.trade_id = f->command->trade_id;
    order.reason = f->command->reason;
    order.created_at = f->command->created_at;
    batch_emit(f->batch, TOPIC_orders, book_shard(account, f->router->context->shards), &order.base);
}

// For everything: each account's command has an id of its own.
static void forward_each(void *arg, const AccountConfig *account) {
    const struct forwarding *f = arg;
    char id[ID_TEXT];
    const char *const parts[] = {"command", f->command->command_id, account->account_id};
    id_derive(id, f->command->command_id, 3, parts);
    forward(f, account, id);
}

// To the account named, else the one whose open trade is named, else (no trade named) to all.
static err_t pass_on(struct router *r, batch_t *batch, const Command *c, OrderCommand__Action action) {
    struct forwarding f = {r, batch, c, action};
    const char *account_id = c->account_id;
    if (!account_id && !c->trade_id) {
        book_each_account(r->context->book, forward_each, &f);
        return ERR_OK;
    }
    if (!account_id) {
        const struct account *owner = accounts_of(r->accounts, c->trade_id);
        account_id = owner ? owner->id : NULL;
    }
    const AccountConfig *account = account_id ? book_account(r->context->book, account_id) : NULL;
    if (!account) return ERR_MISSING;
    forward(&f, account, c->command_id);
    return ERR_OK;
}

static err_t handle_command(void *self, batch_t *batch, const ProtobufCMessage *body) {
    const Command *c = (const Command *)body;
    switch (c->action) {
    case COMMAND__ACTION__halt:
        return set_mode(self, batch, c, RISK_STATE__MODE__halted);
    case COMMAND__ACTION__resume:
        return set_mode(self, batch, c, RISK_STATE__MODE__trading);
    case COMMAND__ACTION__reduce_only:
        return set_mode(self, batch, c, RISK_STATE__MODE__reduce_only);
    case COMMAND__ACTION__cancel:
        return pass_on(self, batch, c, ORDER_COMMAND__ACTION__cancel);
    case COMMAND__ACTION__close:
        return pass_on(self, batch, c, ORDER_COMMAND__ACTION__close);
    case COMMAND__ACTION__release:
        return ERR_OK; // a held trade: the executor hears it itself
    case _COMMAND__ACTION_IS_INT_SIZE:
        break;
    }
    return ERR_INPUT;
}

// --- chores

static err_t router_tick(void *self, batch_t *batch) {
    struct router *r = self;
    if (batch_mono(batch) - r->chores_at < CHORES_EVERY) return ERR_OK;
    r->chores_at = batch_mono(batch);
    uint64_t now = batch_now(batch), before = now > GUARD_FOR ? now - GUARD_FOR : 0;
    if (r->context->consumed_until < before) before = r->context->consumed_until;
    guard_retire(r->routed, batch, before);
    guard_retire(r->ended, batch, before);
    size_t count = guard_count(r->routed), most = (size_t)r->settings->guard_max;
    if (count > most / 10 * 9)
        batch_alert(batch, ALERT__SEVERITY__critical, "guard_nearly_full", ROUTED_GUARD, "%zu of %zu signals remembered", count, most);
    return ERR_OK;
}

static const struct route routes[] = {
    {TOPIC_signals, &signal__descriptor, handle_signal, true},
    {TOPIC_executions, &execution__descriptor, handle_execution, false},
    {TOPIC_commands, &command__descriptor, handle_command, false},
    {0},
};

const struct service router_service = {
    .role = ROUTER,
    .purpose = "Decides, for every account, what a signal becomes: one order, or one stated reason why not.",
    .options = options,
    .settings_size = sizeof(struct settings),
    .routes = routes,
    .slice = router_slice,
    .new = router_new,
    .destroy = router_destroy,
    .load = router_load,
    .tick = router_tick,
    .buried = router_buried,
};
