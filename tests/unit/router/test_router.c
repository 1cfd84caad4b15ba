// test_router - the router's handlers on a batch: fan-out, guard, halts, open trades.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
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
#include "common/program/options.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "services/router/router.h"
#include "tests/unit/terms.h"

#define NOW (UINT64_C(1742638530) * NS_PER_S)
#define LOT DECIMAL_SCALE

static struct outlet outlets[] = {
    {.name = "orders.0", .topic = TOPIC_orders, .shard = 0},
    {.name = "orders.1", .topic = TOPIC_orders, .shard = 1},
    {.name = "routings", .topic = TOPIC_routings},
    {.name = "incidents.router", .topic = TOPIC_incidents},
};

// A router with a book, and the batch that its handlers write into.
struct world {
    book_t *book;
    struct context context;
    void *settings, *router;
    batch_t *batch;
    uint64_t now;
};

static void begin(struct world *w) {
    batch_begin(w->batch, 1, w->now, w->now);
    batch_look_for(w->batch, 600 * NS_PER_S);
}

static void apply(struct world *w, ConfigChange *change) {
    change->version = book_version(w->book) + 1;
    change->changed_at = NOW;
    assert_int_equal(book_apply(w->book, change), ERR_OK);
}

static void add_broker(struct world *w, const char *id, const char *suffix) {
    SymbolConfig symbol = SYMBOL_CONFIG__INIT;
    symbol.symbol = (char *)"EURUSD";
    SymbolConfig *symbols[] = {&symbol};
    BrokerConfig broker = BROKER_CONFIG__INIT;
    broker.broker_id = (char *)id;
    broker.symbol_suffix = (char *)suffix;
    broker.symbols = symbols;
    broker.n_symbols = 1;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__broker_config;
    change.id = broker.broker_id;
    change.broker = &broker;
    apply(w, &change);
}

static void add_account(struct world *w, const char *id, const char *broker_id, unsigned shard) {
    Subscription subscription = SUBSCRIPTION__INIT;
    subscription.source = (char *)"tv";
    subscription.has_multiplier = true;
    subscription.multiplier = LOT;
    Subscription *subscriptions[] = {&subscription};
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.account_id = (char *)id;
    account.broker_id = (char *)broker_id;
    account.has_shard = true;
    account.shard = shard;
    account.has_max_open_trades = true;
    account.max_open_trades = 2;
    account.subscriptions = subscriptions;
    account.n_subscriptions = 1;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = account.account_id;
    change.account = &account;
    apply(w, &change);
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    char wrong[256];
    w->now = NOW;
    w->book = book_new();
    add_broker(w, "b1", NULL);
    add_broker(w, "b2", ".m");
    add_account(w, "a1", "b1", 0);
    add_account(w, "a2", "b2", 1);
    add_account(w, "a3", "b9", 0); // no such broker
    w->context = (struct context){.name = "router", .shards = 2, .book = w->book};
    w->settings = calloc(1, router_service.settings_size);
    assert_int_equal(options_read(router_service.options, "router", w->settings, wrong), ERR_OK);
    w->router = router_service.new(&w->context, w->settings);
    w->batch = batch_new("router", router_service.slice, outlets, sizeof outlets / sizeof *outlets);
    begin(w);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    router_service.destroy(&w->router);
    batch_destroy(&w->batch);
    book_destroy(&w->book);
    free(w->settings);
    free(w);
    return 0;
}

static err_t handle(struct world *w, enum topic topic, const ProtobufCMessage *m) {
    for (const struct route *r = router_service.routes; r->handle; r++) {
        if (r->topic == topic && r->type == m->descriptor) return r->handle(w->router, w->batch, m);
    }
    fail_msg("no route for %s", m->descriptor->name);
    return ERR_MISSING;
}

static Signal signal_of(const char *id) {
    Signal s = SIGNAL__INIT;
    s.signal_id = (char *)id;
    s.source = (char *)"tv";
    s.symbol = (char *)"EURUSD";
    s.order_type = SIGNAL__ORDER_TYPE__market;
    s.direction = SIGNAL__DIRECTION__buy;
    s.has_lot_size = true;
    s.lot_size = LOT;
    s.has_price = true;
    s.price = LOT + LOT / 10;
    s.created_at = NOW;
    s.content = 77;
    return s;
}

static err_t send_signal(struct world *w, const char *id) {
    Signal s = signal_of(id);
    return handle(w, TOPIC_signals, &s.base);
}

static err_t send_command(struct world *w, Command__Action action, const char *account_id,
                          const char *trade_id) {
    Command c = COMMAND__INIT;
    c.command_id = (char *)"c1";
    c.action = action;
    c.account_id = (char *)account_id;
    c.trade_id = (char *)trade_id;
    c.created_at = NOW;
    return handle(w, TOPIC_commands, &c.base);
}

static err_t send_state(struct world *w, const char *trade_id, TradeState__State state) {
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.trade_id = (char *)trade_id;
    t.signal_id = (char *)"s1";
    t.account_id = (char *)"a1";
    t.broker_id = (char *)"b1";
    t.symbol = (char *)"EURUSD";
    t.direction = SIGNAL__DIRECTION__buy;
    t.state = state;
    t.signal_at = NOW;
    Execution e = EXECUTION__INIT;
    e.trade = &t;
    return handle(w, TOPIC_executions, &e.base);
}

// The n-th message of a type in the batch; NULL: there are fewer.
static const ProtobufCMessage *nth(struct world *w, const ProtobufCMessageDescriptor *type,
                                   unsigned n) {
    const struct outgoing *out;
    size_t count = batch_outgoing(w->batch, &out);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(out[i].type, type->name) == 0 && n-- == 0)
            return batch_opened(w->batch, &out[i]);
    }
    return NULL;
}

static const Order *order(struct world *w, unsigned n) {
    return (const Order *)nth(w, &order__descriptor, n);
}
static const Routing *routing(struct world *w, unsigned n) {
    return (const Routing *)nth(w, &routing__descriptor, n);
}

static const Decision *decision_for(const Routing *r, const char *account_id) {
    for (size_t i = 0; i < r->n_decisions; i++) {
        if (strcmp(r->decisions[i]->account_id, account_id) == 0) return r->decisions[i];
    }
    fail_msg("no decision for %s", account_id);
    return NULL;
}

static Reason__Code reason_for(struct world *w, unsigned n, const char *account_id) {
    return decision_for(routing(w, n), account_id)->reason;
}

static bool wrote(struct world *w, const char *text) {
    struct span bytes = batch_bytes(w->batch);
    return memmem(bytes.data, bytes.length, text, strlen(text)) != NULL;
}

static const char *topic_of(struct world *w, unsigned n) {
    const struct outgoing *out;
    assert_true(n < batch_outgoing(w->batch, &out));
    return out[n].outlet->name;
}

// --- fan-out

static void every_subscribed_account_gets_an_order_or_a_reason(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    const Routing *r = routing(w, 0);
    assert_int_equal(r->n_decisions, 3);
    assert_int_equal(r->orders, 2);
    assert_int_equal(reason_for(w, 0, "a1"), REASON__CODE__ordered);
    assert_int_equal(reason_for(w, 0, "a2"), REASON__CODE__ordered);
    assert_int_equal(reason_for(w, 0, "a3"), REASON__CODE__unknown_broker);
    assert_null(decision_for(r, "a3")->trade_id);
    assert_int_equal(r->content, 77);
    assert_int_equal(r->signal_at, NOW);
    assert_null(order(w, 2));
}

static void an_order_carries_the_brokers_symbol_and_goes_to_its_shard(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_string_equal(order(w, 0)->broker_symbol, "EURUSD");
    assert_string_equal(order(w, 1)->broker_symbol, "EURUSD.m");
    assert_string_equal(topic_of(w, 0), "orders.0");
    assert_string_equal(topic_of(w, 1), "orders.1");
    assert_string_equal(topic_of(w, 2), "routings");
    assert_string_equal(decision_for(routing(w, 0), "a2")->trade_id, order(w, 1)->trade_id);
}

static void a_market_order_has_a_requested_price_and_no_price(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_false(order(w, 0)->terms->has_price);
    assert_int_equal(order(w, 0)->terms->requested_price, LOT + LOT / 10);
    assert_int_equal(order(w, 0)->valid_until, NOW + 60 * NS_PER_S);
    assert_int_equal(order(w, 0)->signal_at, NOW);
}

static void a_limit_order_has_its_price(void **state) {
    struct world *w = *state;
    Signal s = signal_of("s1");
    s.order_type = SIGNAL__ORDER_TYPE__limit;
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_true(order(w, 0)->terms->has_price);
    assert_int_equal(order(w, 0)->terms->price, LOT + LOT / 10);
}

static void a_trade_id_is_the_same_when_decided_again(void **state) {
    struct world *w = *state;
    char first[40];
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    (void)snprintf(first, sizeof first, "%s", order(w, 0)->trade_id);
    router_service.destroy(&w->router); // what a rollback of Redis and a crash leave
    w->router = router_service.new(&w->context, w->settings);
    w->now += NS_PER_S;
    begin(w);
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_string_equal(order(w, 0)->trade_id, first);
    assert_string_not_equal(order(w, 1)->trade_id, first);
}

static void decisions_are_counted_by_reason(void **state) {
    struct world *w = *state;
    arena_t *arena = arena_new(0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send_signal(w, (const char *[]){"s1", "s2", "s3"}[i]), ERR_OK);
    Heartbeat beat = HEARTBEAT__INIT;
    router_service.beat(w->router, &beat, arena);
    uint64_t ordered = 0, unknown = 0, full = 0;
    for (size_t i = 0; i < beat.n_decisions; i++) {
        const DecisionCount *d = beat.decisions[i];
        *(d->reason == REASON__CODE__ordered          ? &ordered
          : d->reason == REASON__CODE__unknown_broker ? &unknown
                                                      : &full) = d->count;
    }
    assert_int_equal(ordered, 4); // a1 and a2 may have two trades each
    assert_int_equal(full, 2);
    assert_int_equal(unknown, 3);
    arena_destroy(&arena);
}

static void numbers_stand_beside_the_words(void **state) {
    struct world *w = *state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send_signal(w, (const char *[]){"s1", "s2", "s3"}[i]), ERR_OK);
    const Decision *d = decision_for(routing(w, 2), "a1");
    assert_int_equal(d->n_numbers, 2);
    assert_string_equal(d->numbers[0]->name, "open_trades");
    assert_int_equal(d->numbers[0]->value, 2 * LOT);
    assert_string_equal(d->numbers[1]->name, "max_open_trades");
}

static void a_source_without_subscribers_is_routed_to_nobody(void **state) {
    struct world *w = *state;
    Signal s = signal_of("s1");
    s.source = (char *)"other";
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_int_equal(routing(w, 0)->n_decisions, 0);
    assert_int_equal(routing(w, 0)->orders, 0);
    assert_int_equal(routing(w, 0)->reason, REASON__CODE__no_subscriber);
}

static void state_for_looking_expires_and_live_state_does_not(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_true(wrote(w, "PEXPIREAT\r\n$10\r\nrouting:s1"));
    assert_false(wrote(w, "PEXPIREAT\r\n$14\r\nrisk:trades:a1"));
    assert_true(wrote(w, "HSET\r\n$14\r\nrisk:trades:a1"));
}

static void nothing_is_written_outside_the_slice(void **state) {
    struct world *w = *state;
    char why[160];
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_int_equal(send_command(w, COMMAND__ACTION__halt, "a1", NULL), ERR_OK);
    assert_int_equal(batch_fault(w->batch, why), ERR_OK);
}

static void an_order_costs_at_most_five_commands(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s0"), ERR_OK); // the first writes indexes, too
    begin(w);
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_true(batch_commands(w->batch) <= 2 * 5 + 4);
}

// --- guard

static void a_signal_already_routed_is_not_routed_again(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    begin(w);
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_true(batch_is_empty(w->batch));
}

static void another_signal_under_a_routed_id_is_refused(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    begin(w);
    Signal s = signal_of("s1");
    s.content = 78;
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_RULE);
    assert_true(batch_is_empty(w->batch));
}

// --- approval

static Signal decided_signal(Signal__Approval approval) {
    Signal s = signal_of("s1");
    s.has_approval = true;
    s.approval = approval;
    s.has_decided_at = approval != SIGNAL__APPROVAL__awaited;
    s.decided_at = NOW;
    return s;
}

static void a_signal_that_waits_for_approval_is_routed_once_it_is_decided(void **state) {
    struct world *w = *state;
    Signal s = decided_signal(SIGNAL__APPROVAL__awaited);
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_true(batch_is_empty(w->batch));
    s = decided_signal(SIGNAL__APPROVAL__approved);
    s.created_at = NOW - 3600 * NS_PER_S; // older than the accounts take
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_int_equal(routing(w, 0)->orders, 2);
    assert_int_equal(routing(w, 0)->signal_at, s.created_at);
    assert_int_equal(order(w, 0)->signal_at, s.created_at);
    assert_int_equal(order(w, 0)->valid_until, NOW + 60 * NS_PER_S);
}

static void what_is_not_approved_is_routed_to_nobody_and_says_why(void **state) {
    static const struct {
        Signal__Approval approval;
        Reason__Code reason;
    } rows[] = {{SIGNAL__APPROVAL__refused, REASON__CODE__approval_refused},
                {SIGNAL__APPROVAL__expired, REASON__CODE__approval_expired},
                {SIGNAL__APPROVAL__off, REASON__CODE__auto_execute_off}};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[8];
        Signal s = decided_signal(rows[i].approval);
        (void)snprintf(id, sizeof id, "n%zu", i);
        s.signal_id = id;
        assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
        const Routing *r = routing(w, (unsigned)i);
        assert_int_equal(r->orders + r->n_decisions, 0);
        assert_true(r->has_reason && r->reason == rows[i].reason);
    }
    Signal s = decided_signal(SIGNAL__APPROVAL__approved); // the first word counts
    s.signal_id = (char *)"n0";
    begin(w);
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_true(batch_is_empty(w->batch));
}

static void an_unknown_direction_is_refused(void **state) {
    struct world *w = *state;
    Signal s = signal_of("s1");
    s.direction = (Signal__Direction)99;
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_INPUT);
    assert_true(batch_is_empty(w->batch));
}

static void a_dead_signal_ends_as_routed_to_nobody(void **state) {
    struct world *w = *state;
    Signal s = signal_of("s1");
    router_service.buried(w->router, w->batch, &s.base, "killed this service three times");
    assert_int_equal(routing(w, 0)->orders, 0);
    assert_string_equal(routing(w, 0)->refused, "killed this service three times");
    begin(w);
    router_service.buried(w->router, w->batch, &s.base, "again");
    assert_true(batch_is_empty(w->batch));
}

static void an_id_like_the_guards_keys_writes_no_key_of_the_guard(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "guard:hours"), ERR_OK);
    assert_false(wrote(w, "HSET\r\n$19\r\nrouting:guard:hours"));
    assert_non_null(routing(w, 0));
}

// --- halts

static void a_global_halt_stops_everybody_until_resumed(void **state) {
    struct world *w = *state;
    assert_int_equal(send_command(w, COMMAND__ACTION__halt, NULL, NULL), ERR_OK);
    assert_true(wrote(w, "HSET\r\n$11\r\nrisk:global"));
    begin(w);
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_int_equal(routing(w, 0)->orders, 0);
    assert_int_equal(reason_for(w, 0, "a1"), REASON__CODE__halted_global);
    assert_int_equal(reason_for(w, 0, "a2"), REASON__CODE__halted_global);
    begin(w);
    assert_int_equal(send_command(w, COMMAND__ACTION__resume, NULL, NULL), ERR_OK);
    assert_int_equal(send_signal(w, "s2"), ERR_OK);
    assert_int_equal(routing(w, 0)->orders, 2);
}

static void halting_one_account_leaves_the_others_trading(void **state) {
    struct world *w = *state;
    assert_int_equal(send_command(w, COMMAND__ACTION__halt, "a1", NULL), ERR_OK);
    assert_true(wrote(w, "HSET\r\n$7\r\nrisk:a1"));
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_int_equal(reason_for(w, 0, "a1"), REASON__CODE__halted_account);
    assert_int_equal(reason_for(w, 0, "a2"), REASON__CODE__ordered);
}

static void reducing_only_lets_closing_through(void **state) {
    struct world *w = *state;
    assert_int_equal(send_command(w, COMMAND__ACTION__reduce_only, NULL, NULL), ERR_OK);
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    Signal close = signal_of("s2");
    close.direction = SIGNAL__DIRECTION__close;
    close.has_lot_size = false;
    assert_int_equal(handle(w, TOPIC_signals, &close.base), ERR_OK);
    assert_int_equal(reason_for(w, 0, "a1"), REASON__CODE__reduce_only);
    assert_int_equal(reason_for(w, 1, "a1"), REASON__CODE__ordered);
    assert_false(order(w, 0)->terms->has_lot_size);
}

static void an_unknown_account_cannot_be_halted(void **state) {
    struct world *w = *state;
    assert_int_equal(send_command(w, COMMAND__ACTION__halt, "nobody", NULL), ERR_MISSING);
    assert_int_equal(send_command(w, COMMAND__ACTION__halt, "global", NULL), ERR_RULE);
    assert_true(batch_is_empty(w->batch));
}

// --- open trades

static void entries_are_refused_beyond_the_most_open_trades(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_int_equal(send_signal(w, "s2"), ERR_OK);
    assert_int_equal(send_signal(w, "s3"), ERR_OK);
    assert_int_equal(reason_for(w, 1, "a1"), REASON__CODE__ordered);
    assert_int_equal(reason_for(w, 2, "a1"), REASON__CODE__max_open_trades);
}

static void a_trade_that_is_over_makes_room(void **state) {
    static const TradeState__State over[] = {
        TRADE_STATE__STATE__rejected, TRADE_STATE__STATE__cancelled, TRADE_STATE__STATE__expired,
        TRADE_STATE__STATE__closed};
    struct world *w = *state;
    char trade_id[40];
    for (unsigned i = 0; i < sizeof over / sizeof *over; i++) {
        char first[8], second[8], third[8];
        (void)snprintf(first, sizeof first, "x%u", i);
        (void)snprintf(second, sizeof second, "y%u", i);
        (void)snprintf(third, sizeof third, "z%u", i);
        teardown(state);
        setup(state);
        w = *state;
        assert_int_equal(send_signal(w, first), ERR_OK);
        assert_int_equal(send_signal(w, second), ERR_OK);
        (void)snprintf(trade_id, sizeof trade_id, "%s", order(w, 0)->trade_id);
        assert_int_equal(send_state(w, trade_id, over[i]), ERR_OK);
        assert_true(wrote(w, "HDEL\r\n$14\r\nrisk:trades:a1"));
        begin(w);
        assert_int_equal(send_signal(w, third), ERR_OK);
        assert_int_equal(reason_for(w, 0, "a1"), REASON__CODE__ordered);
        assert_int_equal(reason_for(w, 0, "a2"), REASON__CODE__max_open_trades);
    }
}

static void a_filled_trade_stays_open_and_a_filled_close_never_was(void **state) {
    struct world *w = *state;
    Signal close = signal_of("s1");
    close.direction = SIGNAL__DIRECTION__close;
    close.has_lot_size = false;
    assert_int_equal(handle(w, TOPIC_signals, &close.base), ERR_OK);
    assert_false(wrote(w, "risk:trades:"));
    assert_int_equal(send_signal(w, "s2"), ERR_OK);
    assert_int_equal(send_signal(w, "s3"), ERR_OK);
    assert_int_equal(send_state(w, order(w, 2)->trade_id, TRADE_STATE__STATE__filled), ERR_OK);
    assert_false(wrote(w, "HDEL"));
    assert_int_equal(send_signal(w, "s4"), ERR_OK);
    assert_int_equal(reason_for(w, 3, "a1"), REASON__CODE__max_open_trades);
}

static void a_trade_heard_of_only_by_its_execution_counts(void **state) {
    struct world *w = *state;
    assert_int_equal(send_state(w, "t8", TRADE_STATE__STATE__working), ERR_OK);
    assert_int_equal(send_state(w, "t9", TRADE_STATE__STATE__filled), ERR_OK);
    assert_true(wrote(w, "HSET\r\n$14\r\nrisk:trades:a1"));
    assert_int_equal(send_signal(w, "s2"), ERR_OK);
    assert_int_equal(reason_for(w, 0, "a1"), REASON__CODE__max_open_trades);
}

// Redis and the router went back; the executor did not.
static void a_trade_that_ended_before_its_order_came_again_does_not_count(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    char trade_id[40];
    (void)snprintf(trade_id, sizeof trade_id, "%s", order(w, 0)->trade_id);
    router_service.destroy(&w->router);
    w->router = router_service.new(&w->context, w->settings);
    begin(w);
    assert_int_equal(send_state(w, trade_id, TRADE_STATE__STATE__closed), ERR_OK);
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    assert_string_equal(order(w, 0)->trade_id, trade_id);
    assert_int_equal(send_signal(w, "s2"), ERR_OK);
    assert_int_equal(send_signal(w, "s3"), ERR_OK);
    assert_int_equal(reason_for(w, 2, "a1"), REASON__CODE__ordered);
}

// --- legs

static void hold_long(struct world *w, const char *account_id) {
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.trade_id = (char *)"t1", t.signal_id = (char *)"s0", t.account_id = (char *)account_id,
    t.broker_id = (char *)"b1";
    t.symbol = (char *)"EURUSD";
    t.direction = SIGNAL__DIRECTION__buy;
    t.state = TRADE_STATE__STATE__filled;
    t.terms->has_lot_size = t.has_filled_lots = true;
    t.terms->lot_size = t.filled_lots = LOT;
    t.signal_at = NOW;
    Execution e = EXECUTION__INIT;
    e.trade = &t;
    assert_int_equal(handle(w, TOPIC_executions, &e.base), ERR_OK);
}

static void a_leg_has_the_same_id_whatever_else_was_decided_with_it(void **state) {
    struct world *w = *state;
    char entry[40];
    Signal s = signal_of("s1");
    s.direction = SIGNAL__DIRECTION__reverse;
    hold_long(w, "a1");
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_int_equal(routing(w, 0)->orders, 2);
    assert_int_equal(order(w, 0)->direction, SIGNAL__DIRECTION__close);
    assert_int_equal(order(w, 1)->direction, SIGNAL__DIRECTION__sell);
    assert_string_not_equal(order(w, 0)->trade_id, order(w, 1)->trade_id);
    assert_int_equal(reason_for(w, 0, "a2"), REASON__CODE__no_position);
    (void)snprintf(entry, sizeof entry, "%s", order(w, 1)->trade_id);
    router_service.destroy(&w->router);
    w->router = router_service.new(&w->context, w->settings);
    begin(w);
    s.direction = SIGNAL__DIRECTION__sell; // as if nothing had to be closed
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_string_equal(order(w, 0)->trade_id, entry);
}

static void a_cancel_is_a_command_for_the_symbol_and_no_order(void **state) {
    struct world *w = *state;
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    Signal s = signal_of("s2");
    s.direction = SIGNAL__DIRECTION__cancel;
    s.has_lot_size = false;
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    const OrderCommand *c = (const OrderCommand *)nth(w, &order_command__descriptor, 0);
    assert_int_equal(c->action, ORDER_COMMAND__ACTION__cancel);
    assert_string_equal(c->symbol, "EURUSD");
    assert_null(c->trade_id);
    assert_int_equal(routing(w, 1)->orders, 0);
    assert_int_equal(routing(w, 1)->commands, 2);
    assert_int_equal(reason_for(w, 1, "a1"), REASON__CODE__commanded);
}

static void flat_without_a_symbol_closes_each_that_is_open(void **state) {
    struct world *w = *state;
    hold_long(w, "a1");
    Signal s = signal_of("s1");
    s.direction = SIGNAL__DIRECTION__flat;
    s.symbol = (char *)"*";
    s.has_lot_size = false;
    assert_int_equal(handle(w, TOPIC_signals, &s.base), ERR_OK);
    assert_int_equal(routing(w, 0)->orders, 1);
    assert_string_equal(order(w, 0)->symbol, "EURUSD");
    assert_string_equal(order(w, 0)->broker_symbol, "EURUSD");
    assert_int_equal(reason_for(w, 0, "a2"), REASON__CODE__no_position);
}

// --- the operator's orders

static void a_cancel_goes_to_the_account_that_holds_the_trade(void **state) {
    struct world *w = *state;
    char trade_id[40];
    assert_int_equal(send_signal(w, "s1"), ERR_OK);
    (void)snprintf(trade_id, sizeof trade_id, "%s", order(w, 1)->trade_id);
    begin(w);
    assert_int_equal(send_command(w, COMMAND__ACTION__cancel, NULL, trade_id), ERR_OK);
    const OrderCommand *c = (const OrderCommand *)nth(w, &order_command__descriptor, 0);
    assert_string_equal(c->account_id, "a2");
    assert_string_equal(c->trade_id, trade_id);
    assert_string_equal(c->command_id, "c1");
    assert_int_equal(c->action, ORDER_COMMAND__ACTION__cancel);
    assert_string_equal(topic_of(w, 0), "orders.1");
    assert_int_equal(send_command(w, COMMAND__ACTION__cancel, NULL, "unheard-of"), ERR_MISSING);
}

static void a_close_of_everything_reaches_each_account_under_its_own_id(void **state) {
    struct world *w = *state;
    assert_int_equal(send_command(w, COMMAND__ACTION__close, NULL, NULL), ERR_OK);
    const OrderCommand *first = (const OrderCommand *)nth(w, &order_command__descriptor, 0);
    const OrderCommand *second = (const OrderCommand *)nth(w, &order_command__descriptor, 1);
    assert_non_null(nth(w, &order_command__descriptor, 2));
    assert_null(nth(w, &order_command__descriptor, 3));
    assert_string_not_equal(first->command_id, second->command_id);
    assert_null(first->trade_id);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(every_subscribed_account_gets_an_order_or_a_reason),
        CASE(an_order_carries_the_brokers_symbol_and_goes_to_its_shard),
        CASE(a_market_order_has_a_requested_price_and_no_price),
        CASE(a_limit_order_has_its_price),
        CASE(a_trade_id_is_the_same_when_decided_again),
        CASE(decisions_are_counted_by_reason),
        CASE(numbers_stand_beside_the_words),
        CASE(a_source_without_subscribers_is_routed_to_nobody),
        CASE(state_for_looking_expires_and_live_state_does_not),
        CASE(nothing_is_written_outside_the_slice),
        CASE(an_order_costs_at_most_five_commands),
        CASE(a_signal_already_routed_is_not_routed_again),
        CASE(another_signal_under_a_routed_id_is_refused),
        CASE(a_signal_that_waits_for_approval_is_routed_once_it_is_decided),
        CASE(what_is_not_approved_is_routed_to_nobody_and_says_why),
        CASE(an_unknown_direction_is_refused),
        CASE(a_dead_signal_ends_as_routed_to_nobody),
        CASE(an_id_like_the_guards_keys_writes_no_key_of_the_guard),
        CASE(a_global_halt_stops_everybody_until_resumed),
        CASE(halting_one_account_leaves_the_others_trading),
        CASE(reducing_only_lets_closing_through),
        CASE(an_unknown_account_cannot_be_halted),
        CASE(entries_are_refused_beyond_the_most_open_trades),
        CASE(a_trade_that_is_over_makes_room),
        CASE(a_filled_trade_stays_open_and_a_filled_close_never_was),
        CASE(a_trade_heard_of_only_by_its_execution_counts),
        CASE(a_trade_that_ended_before_its_order_came_again_does_not_count),
        CASE(a_leg_has_the_same_id_whatever_else_was_decided_with_it),
        CASE(a_cancel_is_a_command_for_the_symbol_and_no_order),
        CASE(flat_without_a_symbol_closes_each_that_is_open),
        CASE(a_cancel_goes_to_the_account_that_holds_the_trade),
        CASE(a_close_of_everything_reaches_each_account_under_its_own_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
