// world - an executor with a book, a batch, and a gateway that is a list: what handlers' tests
// share.
// SPDX-License-Identifier: MIT
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/batch/batch_commit.h"
#include "common/delivery/envelope.h"
#include "common/program/options.h"
#include "outcome.pb-c.h"
#include "services/executor/executor.h"
#include "tests/unit/terms.h"

// Every test uses its part of this.
#pragma GCC diagnostic ignored "-Wunused-function"

#define START       (UINT64_C(1742638530) * NS_PER_S)
#define LOT         DECIMAL_SCALE
#define MS          NS_PER_MS
#define LETTERS_MAX 4096
#define T(name)     TRADE_STATE__STATE__##name

struct world {
    book_t *book;
    struct context context;
    void *settings;
    struct executor *x;
    batch_t *batch;
    struct outlet outlets[2];
    uint64_t now, mono;
    bool wire_full;          // sends fail
    char committed[1 << 16]; // Redis commands of the last batch that was committed, zeroes as dots
    arena_t *arena;
    ProtobufCMessage *letters[LETTERS_MAX]; // what has gone to the gateway
    size_t n_letters;
    ProtobufCMessage *told[LETTERS_MAX]; // what was told on topics
    size_t n_told;
    uint64_t report; // the gateway's last
};

static bool world_send(void *arg, const struct session *to, struct span frame) {
    struct world *w = arg;
    struct envelope e;
    assert_string_equal(to->instance_id, "g1");
    if (w->wire_full) return false;
    assert_int_equal(envelope_read(GATEWAY_TOPIC, frame, &e), ERR_OK);
    assert_true(w->n_letters < LETTERS_MAX);
    w->letters[w->n_letters++] = envelope_open(&e, w->arena);
    return true;
}

static void world_apply(struct world *w, ConfigChange *change) {
    change->version = book_version(w->book) + 1;
    change->changed_at = START;
    assert_int_equal(book_apply(w->book, change), ERR_OK);
}

static void world_book(struct world *w) {
    SymbolConfig eur = SYMBOL_CONFIG__INIT, gbp = SYMBOL_CONFIG__INIT, *symbols[] = {&eur, &gbp};
    eur.symbol = (char *)"EURUSD";
    gbp.symbol = (char *)"GBPUSD";
    BrokerConfig broker = BROKER_CONFIG__INIT;
    broker.broker_id = (char *)"b1";
    broker.symbol_suffix = (char *)".m";
    broker.symbols = symbols;
    broker.n_symbols = 2;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__broker_config;
    change.id = broker.broker_id;
    change.broker = &broker;
    world_apply(w, &change);
    for (int i = 1; i <= 2; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "a%d", i);
        AccountConfig account = ACCOUNT_CONFIG__INIT;
        account.account_id = id;
        account.broker_id = (char *)"b1";
        ConfigChange row = CONFIG_CHANGE__INIT;
        row.kind = CONFIG_CHANGE__KIND__account_config;
        row.id = id;
        row.account = &account;
        world_apply(w, &row);
    }
    char *accounts[] = {(char *)"a1", (char *)"a2"};
    InstanceConfig instance = INSTANCE_CONFIG__INIT;
    instance.instance_id = (char *)"g1";
    instance.broker_id = (char *)"b1";
    instance.accounts = accounts;
    instance.n_accounts = 2;
    ConfigChange row = CONFIG_CHANGE__INIT;
    row.kind = CONFIG_CHANGE__KIND__instance_config;
    row.id = instance.instance_id;
    row.instance = &instance;
    world_apply(w, &row);
}

static void world_begin(struct world *w) {
    batch_begin(w->batch, 1, w->now, w->mono);
    batch_look_for(w->batch, 600 * NS_PER_S);
}

static struct executor *world_executor(struct world *w) {
    struct executor *x = executor_service.new(&w->context, w->settings);
    x->send = world_send;
    x->send_arg = w;
    return x;
}

static int world_setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    char wrong[256];
    w->now = START + NS_PER_S;
    static uint64_t worlds; // the same alert is raised once a minute: each world has its own time
    w->mono = ++worlds * 10000 * NS_PER_S;
    w->arena = arena_new(0);
    w->book = book_new();
    world_book(w);
    w->context = (struct context){
        .name = "executor.0", .shards = 1, .book = w->book, .epoch = 3, .started_at = START};
    w->settings = calloc(1, executor_service.settings_size);
    assert_int_equal(options_read(executor_service.options, "executor", w->settings, wrong),
                     ERR_OK);
    w->outlets[0] = (struct outlet){.name = "executions.0", .topic = TOPIC_executions};
    w->outlets[1] = (struct outlet){.name = "incidents.executor.0", .topic = TOPIC_incidents};
    w->batch = batch_new("executor.0", executor_service.slice, w->outlets, 2);
    w->x = world_executor(w);
    world_begin(w);
    *state = w;
    return 0;
}

static int world_teardown(void **state) {
    struct world *w = *state;
    executor_service.destroy((void **)&w->x);
    batch_destroy(&w->batch);
    book_destroy(&w->book);
    arena_destroy(&w->arena);
    free(w->settings);
    free(w);
    return 0;
}

// --- time and commits

static void world_keep_text(struct world *w) {
    struct span bytes = batch_bytes(w->batch);
    size_t n = bytes.length < sizeof w->committed - 1 ? bytes.length : sizeof w->committed - 1;
    for (size_t i = 0; i < n; i++) {
        char c = ((const char *)bytes.data)[i];
        w->committed[i] = c ? c : '.';
    }
    w->committed[n] = 0;
}

// Commits the open batch, lets letters out, and opens the next one.
static void world_commit(struct world *w) {
    char why[160];
    assert_int_equal(batch_fault(w->batch, why), ERR_OK);
    world_keep_text(w);
    const struct outgoing *out;
    size_t n = batch_outgoing(w->batch, &out);
    for (size_t i = 0; i < n; i++) {
        struct envelope e;
        assert_int_equal(
            envelope_read(out[i].outlet ? out[i].outlet->name : out[i].feed, out[i].envelope, &e),
            ERR_OK);
        w->told[w->n_told++] = envelope_open(&e, w->arena);
    }
    w->context.committed_at = w->now;
    w->context.committed_mono = w->mono;
    executor_service.committed(w->x);
    world_begin(w);
}

static void world_tick(struct world *w) {
    assert_int_equal(executor_service.tick(w->x, w->batch), ERR_OK);
    world_commit(w);
}

static void world_pass(struct world *w, uint64_t ns) {
    w->now += ns;
    w->mono += ns;
    world_begin(w);
}

// Time goes by in steps of a second, with a heartbeat and a tick in each.
static void world_live(struct world *w, unsigned seconds);

// --- the gateway

static void gateway_says(struct world *w, const ProtobufCMessage *m) {
    buffer_t frame = {0};
    envelope_write(&frame, GATEWAY_TOPIC, ENTRY_ID_NONE, ENTRY_ID_NONE, m);
    engine_begin(w->x, w->batch);
    wire_take(w->x, w->batch, span_of("g1"), (struct span){frame.data, frame.length});
    wire_done(w->x, w->batch);
    buffer_destroy(&frame);
}

static void gateway_hello(struct world *w, Hello__DuplicateCheck check, bool can_query) {
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g1";
    h.broker_id = (char *)"b1";
    h.kind = (char *)"paper";
    h.duplicate_check = check;
    h.can_query = can_query;
    h.books = 77;
    gateway_says(w, &h.base);
    world_commit(w);
}

static void gateway_beat(struct world *w) {
    GatewayHeartbeat h = GATEWAY_HEARTBEAT__INIT;
    h.uptime_s = w->mono / NS_PER_S;
    gateway_says(w, &h.base);
}

static void world_live(struct world *w, unsigned seconds) {
    for (unsigned i = 0; i < seconds; i++) {
        world_pass(w, NS_PER_S);
        gateway_beat(w);
        world_tick(w);
    }
}

static Report report_of(struct world *w, Report__Kind kind, const char *trade_id) {
    Report r = REPORT__INIT;
    r.report = ++w->report;
    r.kind = kind;
    r.trade_id = (char *)(uintptr_t)trade_id;
    r.account_id = (char *)"a1";
    r.broker_order_id = (char *)"o1";
    r.reported_at = w->now;
    return r;
}

static void gateway_reports(struct world *w, Report__Kind kind, const char *trade_id) {
    Report r = report_of(w, kind, trade_id);
    gateway_says(w, &r.base);
}

static Fill fill_of(struct world *w, const char *execution_id, int64_t lots, int64_t price) {
    Fill f = FILL__INIT;
    f.execution_id = (char *)(uintptr_t)execution_id;
    f.lots = lots;
    f.price = price;
    f.executed_at = w->now;
    return f;
}

static void gateway_fills(struct world *w, const char *trade_id, const char *execution_id,
                          int64_t lots) {
    Fill f = fill_of(w, execution_id, lots, LOT + LOT / 10);
    Report r = report_of(w, REPORT__KIND__filled, trade_id);
    r.fill = &f;
    gateway_says(w, &r.base);
}

static void gateway_does_not_know(struct world *w, const char *trade_id) {
    OrderStatus s = ORDER_STATUS__INIT;
    s.trade_id = (char *)(uintptr_t)trade_id;
    s.account_id = (char *)"a1";
    gateway_says(w, &s.base);
}

static void gateway_knows(struct world *w, const char *trade_id, TradeState__State state,
                          Fill *fill) {
    OrderStatus s = ORDER_STATUS__INIT;
    s.trade_id = (char *)(uintptr_t)trade_id;
    s.account_id = (char *)"a1";
    s.found = s.has_state = true;
    s.state = state;
    s.broker_order_id = (char *)"o1";
    s.fills = &fill;
    s.n_fills = fill != NULL;
    gateway_says(w, &s.base);
}

// How many messages of a type, about a trade if one is named, have gone to the gateway.
static size_t letters_of(const struct world *w, const ProtobufCMessageDescriptor *d,
                         const char *trade_id) {
    size_t n = 0;
    for (size_t i = 0; i < w->n_letters; i++) {
        const ProtobufCMessage *m = w->letters[i];
        if (m->descriptor != d) continue;
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(d, "trade_id");
        if (!trade_id || strcmp(*(char *const *)((const char *)m + f->offset), trade_id) == 0) n++;
    }
    return n;
}

static size_t submits(const struct world *w, const char *trade_id) {
    return letters_of(w, &submit__descriptor, trade_id);
}
static size_t questions(const struct world *w, const char *trade_id) {
    return letters_of(w, &query_order__descriptor, trade_id);
}

static const Submit *last_submit(const struct world *w) {
    for (size_t i = w->n_letters; i > 0; i--) {
        if (w->letters[i - 1]->descriptor == &submit__descriptor)
            return (const Submit *)w->letters[i - 1];
    }
    fail_msg("nothing was submitted");
    return NULL;
}

// --- what was told

static size_t alerts(const struct world *w, const char *code) {
    size_t n = 0;
    for (size_t i = 0; i < w->n_told; i++) {
        n += w->told[i]->descriptor == &alert__descriptor &&
             strcmp(((const Alert *)w->told[i])->code, code) == 0;
    }
    return n;
}

static size_t results(const struct world *w, const char *trade_id) {
    size_t n = 0;
    for (size_t i = 0; i < w->n_told; i++) {
        const Execution *e = (const Execution *)w->told[i];
        n += w->told[i]->descriptor == &execution__descriptor && e->result &&
             strcmp(e->trade->trade_id, trade_id) == 0;
    }
    return n;
}

static const TradeState *last_told(const struct world *w, const char *trade_id) {
    for (size_t i = w->n_told; i > 0; i--) {
        const Execution *e = (const Execution *)w->told[i - 1];
        if (w->told[i - 1]->descriptor == &execution__descriptor &&
            strcmp(e->trade->trade_id, trade_id) == 0)
            return e->trade;
    }
    return NULL;
}

static void gateway_degrade(struct world *w, bool degraded) {
    GatewayHeartbeat h = GATEWAY_HEARTBEAT__INIT;
    h.uptime_s = w->mono / NS_PER_S;
    h.has_degraded = true;
    h.degraded = degraded;
    gateway_says(w, &h.base);
    world_commit(w);
}

// --- orders

static err_t handle(struct world *w, enum topic topic, const ProtobufCMessage *m) {
    for (const struct route *r = executor_service.routes; r->handle; r++) {
        if (r->topic == topic && r->type == m->descriptor) return r->handle(w->x, w->batch, m);
    }
    fail_msg("no route for %s", m->descriptor->name);
    return ERR_MISSING;
}

static Order order_of(const struct world *w, const char *trade_id) {
    Order o = ORDER__INIT;
    o.terms = new_terms();
    o.trade_id = (char *)(uintptr_t)trade_id;
    o.signal_id = (char *)"s1";
    o.account_id = (char *)"a1";
    o.broker_id = (char *)"b1";
    o.symbol = (char *)"EURUSD";
    o.broker_symbol = (char *)"EURUSD.m";
    o.terms->order_type = SIGNAL__ORDER_TYPE__market;
    o.direction = SIGNAL__DIRECTION__buy;
    o.terms->has_lot_size = true;
    o.terms->lot_size = LOT;
    o.terms->has_requested_price = true;
    o.terms->requested_price = LOT + LOT / 10;
    o.signal_at = o.ordered_at = w->now;
    o.has_valid_until = true;
    o.valid_until = w->now + 60 * NS_PER_S;
    return o;
}

static void give(struct world *w, const Order *o) {
    assert_int_equal(handle(w, TOPIC_orders, &o->base), ERR_OK);
}

static void give_market(struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    give(w, &o);
}

static void give_close(struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    o.direction = SIGNAL__DIRECTION__close;
    o.terms->has_lot_size = false;
    give(w, &o);
}

static void operator_says(struct world *w, Command__Action action, const char *account_id,
                          const char *trade_id) {
    Command c = COMMAND__INIT;
    c.command_id = (char *)"c1";
    c.action = action;
    c.account_id = (char *)(uintptr_t)account_id;
    c.trade_id = (char *)(uintptr_t)trade_id;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_commands, &c.base), ERR_OK);
}

static TradeState__State state_of(const struct world *w, const char *trade_id) {
    const struct trade *t = trades_find(w->x->trades, trade_id);
    assert_non_null(t);
    return t->s->state;
}

#define assert_state(w, trade_id, name) assert_int_equal(state_of(w, trade_id), T(name))

// A filled buy of one lot.
static void have_position(struct world *w, const char *trade_id) {
    char execution[80];
    (void)snprintf(execution, sizeof execution, "e-%s", trade_id);
    give_market(w, trade_id);
    world_commit(w);
    gateway_fills(w, trade_id, execution, LOT);
    world_commit(w);
    assert_state(w, trade_id, filled);
}

// A new life: the executor that takes over has what Redis holds (here: what is in the index) and
// nothing else.
static void world_restart(struct world *w) {
    struct executor *old = w->x;
    world_pass(w, NS_PER_S);
    w->context.started_at = w->now;
    w->context.epoch++;
    w->x = world_executor(w);
    size_t cursor = 0;
    for (struct trade *t; (t = trades_next(old->trades, &cursor)) != NULL;) {
        if (t->record != RECORD_OPEN && t->record != RECORD_WATCHED) continue;
        struct trade *again = trades_add(w->x->trades, t->s);
        again->record = t->record;
        again->sending = t->s->has_submitted_at ? SENDING_EARLIER : SENDING_NEVER;
    }
    for (struct session *s = sessions_first(old->sessions); s; s = s->next) {
        struct session *again = sessions_get(w->x->sessions, s->instance_id);
        again->books = s->books;
        again->report = s->report;
    }
    for (struct account *a = accounts_first(old->accounts); a; a = a->next)
        accounts_get(w->x->accounts, a->id)->mode = a->mode;
    for (const struct orphan *o = orphans_first(old->orphans); o; o = o->next)
        (void)orphans_add(w->x->orphans, o->trade_id, o->account_id, 0);
    w->x->global = old->global;
    executor_service.destroy((void **)&old);
    world_begin(w);
}
