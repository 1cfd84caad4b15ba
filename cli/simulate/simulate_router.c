// simulate_router - what the router makes of a signal: its own handlers, told what they would have
// heard.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/simulate/simulate.h"
#include "common/base/alloc.h"
#include "common/base/id.h"
#include "common/base/own.h"
#include "common/batch/batch_commit.h"
#include "execution.pb-c.h"
#include "services/router/router.h"

struct simulated_router {
    struct outlet *outlets;
    struct context context;
    void *settings;
    void *router;
    batch_t *batch;
    unsigned told; // makes ids
};

static struct outlet *outlets_new(unsigned shards) {
    struct outlet *all = alloc_zeroed(shards + 2, sizeof *all);
    all[0] = (struct outlet){.name = "routings", .topic = TOPIC_routings};
    all[1] = (struct outlet){.name = "incidents.router", .topic = TOPIC_incidents};
    for (unsigned i = 0; i < shards; i++) {
        all[i + 2] = (struct outlet){.topic = TOPIC_orders, .shard = i};
        (void)snprintf(all[i + 2].name, sizeof all[i + 2].name, "orders.%u", i);
    }
    return all;
}

simulated_router_t *simulated_router_new(const book_t *book, unsigned shards,
                                         char why[static 256]) {
    simulated_router_t *self = alloc_zeroed(1, sizeof *self);
    self->outlets = outlets_new(shards);
    self->context =
        (struct context){.name = "router", .shards = shards, .book = book, .caught_up = true};
    self->batch = batch_new("router", router_service.slice, self->outlets, shards + 2);
    self->settings = alloc_zeroed(1, router_service.settings_size);
    if (!options_read(router_service.options, "router", self->settings, why))
        self->router = router_service.new(&self->context, self->settings);
    if (!self->router) simulated_router_destroy(&self);
    return self;
}

void simulated_router_destroy(simulated_router_t **self) {
    if (!*self) return;
    if ((*self)->router) router_service.destroy(&(*self)->router);
    batch_destroy(&(*self)->batch);
    free((*self)->outlets);
    free((*self)->settings);
    free(*self);
    *self = NULL;
}

static err_t handle_routed_message(simulated_router_t *self, enum topic topic,
                                   const ProtobufCMessage *m) {
    for (const struct route *r = router_service.routes; r->handle; r++) {
        if (r->topic == topic && r->type == m->descriptor)
            return r->handle(self->router, self->batch, m);
    }
    return ERR_MISSING;
}

// --- how things are: as messages that the router would have heard

static err_t command_account_mode(simulated_router_t *self, RiskState__Mode mode,
                                  char *account_id) {
    Command c = COMMAND__INIT;
    if (mode == RISK_STATE__MODE__trading) return ERR_OK;
    c.command_id = (char *)"simulate";
    c.action =
        mode == RISK_STATE__MODE__halted ? COMMAND__ACTION__halt : COMMAND__ACTION__reduce_only;
    c.account_id = account_id;
    c.created_at = batch_now(self->batch);
    return handle_routed_message(self, TOPIC_commands, &c.base);
}

static err_t send_account_state(simulated_router_t *self, const AccountConfig *account,
                                const Situation__Account *a) {
    AccountState s = ACCOUNT_STATE__INIT;
    bool said = a && a->has_balance;
    s.account_id = account->account_id;
    s.broker_id = account->broker_id;
    s.state = ACCOUNT_STATE__STATE__ready;
    s.currency = account->currency;
    s.has_leverage = true;
    s.leverage = account->leverage;
    s.has_balance = said || account->has_balance;
    s.balance = said ? a->balance : account->balance;
    s.has_equity = s.has_balance || (a && a->has_equity);
    s.equity = a && a->has_equity ? a->equity : s.balance;
    s.has_margin = a && a->has_margin;
    s.margin = a ? a->margin : 0;
    s.has_free_margin = a && a->has_free_margin;
    s.free_margin = a ? a->free_margin : 0;
    s.has_margin_level = a && a->has_margin_level;
    s.margin_level = a ? a->margin_level : 0;
    s.has_open_positions = true;
    s.open_positions = a ? (uint32_t)a->n_positions : 0;
    s.updated_at = batch_now(self->batch);
    return s.has_equity ? handle_routed_message(self, TOPIC_executions, &s.base) : ERR_OK;
}

static err_t send_position_state(simulated_router_t *self, const AccountConfig *account,
                                 const Situation__Position *p) {
    char trade_id[ID_TEXT], number[24];
    (void)snprintf(number, sizeof number, "%u", self->told++);
    const char *const parts[] = {"position", account->account_id, p->symbol, number};
    id_derive(trade_id, "", 4, parts);
    TradeState t = TRADE_STATE__INIT;
    Terms terms = TERMS__INIT;
    t.terms = &terms;
    t.trade_id = trade_id;
    t.signal_id = p->signal_id ? p->signal_id : trade_id;
    t.account_id = account->account_id;
    t.broker_id = account->broker_id;
    t.symbol = t.broker_symbol = p->symbol;
    t.terms->order_type = SIGNAL__ORDER_TYPE__market;
    t.direction = t.side = p->direction;
    t.has_side = t.terms->has_lot_size = t.has_filled_lots = true;
    t.terms->lot_size = t.filled_lots = p->lots;
    t.has_average_price = p->has_price;
    t.average_price = p->price;
    t.state = TRADE_STATE__STATE__filled;
    t.signal_at = t.ordered_at = t.updated_at = batch_now(self->batch);
    Execution e = EXECUTION__INIT;
    e.trade = &t;
    return handle_routed_message(self, TOPIC_executions, &e.base);
}

static void send_quote_price(simulated_router_t *self, const Situation__Quote *q) {
    Price p = PRICE__INIT;
    p.symbol = q->symbol;
    p.has_bid = q->has_bid;
    p.bid = q->bid;
    p.has_ask = q->has_ask;
    p.ask = q->ask;
    p.last = q->has_last ? q->last : q->has_bid ? q->bid : q->ask;
    p.timestamp = batch_now(self->batch);
    router_price(self->router, &p);
}

static const Situation__Account *find_situation_account(const Situation *s,
                                                        const char *account_id) {
    for (size_t i = 0; i < s->n_accounts; i++) {
        if (strcmp(s->accounts[i]->account_id, account_id) == 0) return s->accounts[i];
    }
    return NULL;
}

struct telling {
    simulated_router_t *self;
    const Situation *situation;
    err_t failed;
};

static void tell_account(void *arg, const AccountConfig *account) {
    struct telling *t = arg;
    const Situation__Account *a = find_situation_account(t->situation, account->account_id);
    err_t e = send_account_state(t->self, account, a);
    if (a && !e) e = command_account_mode(t->self, a->mode, account->account_id);
    for (size_t i = 0; a && i < a->n_positions && !e; i++)
        e = send_position_state(t->self, account, a->positions[i]);
    if (e) t->failed = e;
}

static bool is_situation_valid(const simulated_router_t *self, const Situation *s,
                               char why[static 256]) {
    for (size_t i = 0; i < s->n_accounts; i++) {
        const Situation__Account *a = s->accounts[i];
        if (!book_account(self->context.book, a->account_id)) {
            (void)snprintf(why, 256, "accounts[%zu].account_id: %.64s is not in the configuration",
                           i, a->account_id);
            return false;
        }
        for (size_t k = 0; k < a->n_positions; k++) {
            if (a->positions[k]->direction <= SIGNAL__DIRECTION__sell && a->positions[k]->lots > 0)
                continue;
            (void)snprintf(why, 256,
                           "accounts[%zu].positions[%zu]: must be buy or sell, of more than 0 lots",
                           i, k);
            return false;
        }
    }
    return true;
}

bool simulated_begin(simulated_router_t *self, const Situation *situation, uint64_t now,
                     char why[static 256]) {
    struct telling t = {self, situation, ERR_OK};
    if (!is_situation_valid(self, situation, why)) return false;
    batch_begin(self->batch, 1, now, now);
    for (size_t i = 0; i < situation->n_prices; i++) send_quote_price(self, situation->prices[i]);
    book_each_account(self->context.book, tell_account, &t);
    if (!t.failed) t.failed = command_account_mode(self, situation->mode, NULL);
    (void)snprintf(why, 256, "the state cannot be taken in: %s", error_words(t.failed));
    return !t.failed;
}

// --- a signal

static void add_routed_message(struct routed *out, const ProtobufCMessage *m) {
    if (m->descriptor == &routing__descriptor)
        out->routing = (const Routing *)m;
    else if (m->descriptor == &order__descriptor)
        out->orders[out->n_orders++] = (const Order *)m;
    else if (m->descriptor == &order_command__descriptor)
        out->commands[out->n_commands++] = (const OrderCommand *)m;
}

struct routed simulated_route(simulated_router_t *self, const Signal *signal, uint64_t now) {
    struct routed out = {0};
    batch_begin(self->batch, 1, now, now);
    if (handle_routed_message(self, TOPIC_signals, &signal->base)) return out;
    const struct outgoing *all;
    size_t n = batch_outgoing(self->batch, &all);
    out.orders = arena_take(batch_arena(self->batch), (n + 1) * sizeof *out.orders);
    out.commands = arena_take(batch_arena(self->batch), (n + 1) * sizeof *out.commands);
    for (size_t i = 0; i < n; i++) add_routed_message(&out, batch_opened(self->batch, &all[i]));
    return out;
}
