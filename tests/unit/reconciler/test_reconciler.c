// test_reconciler - the reconciler's handlers on a batch: completion, order of arrival, rollbacks,
// late evidence, questions.
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
#include "outcome.pb-c.h"
#include "services/reconciler/reconciler.h"
#include "tests/unit/terms.h"

#define NOW   (UINT64_C(1742638530) * NS_PER_S)
#define LOT   DECIMAL_SCALE
#define PRICE INT64_C(112345000)
#define T1    "0195bcd4-0000-8000-8000-000000000001"
#define T2    "0195bcd4-0000-8000-8000-000000000002"
#define T3    "0195bcd4-0000-8000-8000-000000000003"
// an alert about one subject is raised once in a while only: these two have their own
#define T4 "0195bcd4-0000-8000-8000-000000000004"
#define T5 "0195bcd4-0000-8000-8000-000000000005"

#define SUCCESS   TRADE_RECONCILIATION__STATUS__success
#define FAILED    TRADE_RECONCILIATION__STATUS__failed
#define COMPLETED SIGNAL__STATUS__completed

static struct outlet outlets[] = {
    {.name = "outcomes", .topic = TOPIC_outcomes},
    {.name = "incidents.reconciler", .topic = TOPIC_incidents},
};

struct world {
    book_t *book;
    struct context context;
    void *settings, *reconciler;
    batch_t *batch;
    uint64_t now;
    TradeState state;     // what send_state starts from
    Reason__Code refusal; // of accounts that get no order
};

static void begin(struct world *w) {
    batch_begin(w->batch, 1, w->now, w->now);
    batch_look_for(w->batch, 600 * NS_PER_S);
}

static void add_broker(struct world *w) {
    SymbolConfig gold = SYMBOL_CONFIG__INIT, euro = SYMBOL_CONFIG__INIT;
    gold.symbol = (char *)"XAUUSD";
    gold.has_price_tolerance = true;
    gold.price_tolerance = LOT;
    euro.symbol = (char *)"EURUSD";
    SymbolConfig *symbols[] = {&gold, &euro};
    BrokerConfig broker = BROKER_CONFIG__INIT;
    broker.broker_id = (char *)"b1";
    broker.has_price_tolerance = true;
    broker.price_tolerance = 10000; // 0.0001
    broker.symbols = symbols;
    broker.n_symbols = 2;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.version = 1;
    change.kind = CONFIG_CHANGE__KIND__broker_config;
    change.id = broker.broker_id;
    change.broker = &broker;
    assert_int_equal(book_apply(w->book, &change), ERR_OK);
}

static void add_account(struct world *w) {
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.account_id = (char *)"a1";
    account.broker_id = (char *)"b1";
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.version = 2;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = account.account_id;
    change.account = &account;
    assert_int_equal(book_apply(w->book, &change), ERR_OK);
}

static void state_reset(struct world *w) {
    TradeState *t = &w->state;
    trade_state__init(t);
    t->terms = new_terms();
    t->signal_id = (char *)"s1";
    t->account_id = (char *)"a1";
    t->broker_id = (char *)"b1";
    t->symbol = (char *)"EURUSD";
    t->broker_symbol = (char *)"EURUSD";
    t->terms->order_type = SIGNAL__ORDER_TYPE__market;
    t->direction = SIGNAL__DIRECTION__buy;
    t->terms->has_lot_size = t->terms->has_requested_price = true;
    t->terms->lot_size = LOT;
    t->terms->requested_price = PRICE;
    t->signal_at = t->ordered_at = t->updated_at = NOW;
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    char wrong[256];
    w->now = NOW;
    w->book = book_new();
    add_broker(w);
    add_account(w);
    w->context = (struct context){.name = "reconciler", .shards = 1, .book = w->book};
    w->settings = calloc(1, reconciler_service.settings_size);
    assert_int_equal(options_read(reconciler_service.options, "reconciler", w->settings, wrong),
                     ERR_OK);
    w->reconciler = reconciler_service.new(&w->context, w->settings);
    w->batch = batch_new("reconciler", reconciler_service.slice, outlets,
                         sizeof outlets / sizeof *outlets);
    w->refusal = REASON__CODE__signal_too_old;
    state_reset(w);
    begin(w);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    char why[160];
    assert_int_equal(batch_fault(w->batch, why), ERR_OK);
    reconciler_service.destroy(&w->reconciler);
    batch_destroy(&w->batch);
    book_destroy(&w->book);
    free(w->settings);
    free(w);
    return 0;
}

static void handle(struct world *w, enum topic topic, const ProtobufCMessage *m) {
    for (const struct route *r = reconciler_service.routes; r->handle; r++) {
        if (r->topic != topic || r->type != m->descriptor) continue;
        assert_int_equal(r->handle(w->reconciler, w->batch, m), ERR_OK);
        return;
    }
    fail_msg("no route for %s", m->descriptor->name);
}

static void tick(struct world *w, uint64_t later_s) {
    w->now += later_s * NS_PER_S;
    begin(w);
    assert_int_equal(reconciler_service.tick(w->reconciler, w->batch), ERR_OK);
}

static void send_order(struct world *w, const char *trade_id) {
    Order o = ORDER__INIT;
    o.terms = new_terms();
    o.trade_id = (char *)trade_id;
    o.signal_id = (char *)"s1";
    o.account_id = (char *)"a1";
    o.broker_id = (char *)"b1";
    o.symbol = o.broker_symbol = (char *)"EURUSD";
    o.terms->order_type = SIGNAL__ORDER_TYPE__market;
    o.direction = SIGNAL__DIRECTION__buy;
    o.terms->has_lot_size = o.terms->has_requested_price = true;
    o.terms->lot_size = LOT;
    o.terms->requested_price = PRICE;
    o.signal_at = o.ordered_at = NOW;
    handle(w, TOPIC_orders, &o.base);
}

// One decision for each trade_id; NULL: an account that was refused.
static void send_routing_of(struct world *w, const char *signal_id, size_t n,
                            const char *const trade_ids[]) {
    Decision decisions[4], *list[4];
    Routing r = ROUTING__INIT;
    r.signal_id = (char *)signal_id;
    r.source = (char *)"tv";
    r.signal_at = r.routed_at = NOW;
    r.decisions = list;
    for (size_t i = 0; i < n; i++) {
        decision__init(&decisions[i]);
        decisions[i].account_id = (char *)"a1";
        decisions[i].trade_id = (char *)trade_ids[i];
        decisions[i].reason = trade_ids[i] ? REASON__CODE__ordered : w->refusal;
        r.orders += trade_ids[i] != NULL;
        list[r.n_decisions++] = &decisions[i];
    }
    handle(w, TOPIC_routings, &r.base);
}

#define send_routing(w, ...)                                                                       \
    send_routing_of(w, "s1", sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),          \
                    (const char *const[]){__VA_ARGS__})

static void send_state(struct world *w, const char *trade_id, TradeState__State state) {
    Execution e = EXECUTION__INIT;
    e.trade = &w->state;
    w->state.trade_id = (char *)trade_id;
    w->state.state = state;
    handle(w, TOPIC_executions, &e.base);
}

static void send_fill(struct world *w, const char *trade_id, int64_t lots, int64_t price) {
    TradeState *t = &w->state;
    t->has_filled_lots = t->has_average_price = t->has_executed_at = true;
    t->filled_lots = lots;
    t->average_price = price;
    t->executed_at = w->now;
    send_state(w, trade_id, TRADE_STATE__STATE__filled);
    state_reset(w);
}

static void send_rejection(struct world *w, const char *trade_id, const char *reason) {
    w->state.reason = (char *)reason;
    send_state(w, trade_id, TRADE_STATE__STATE__rejected);
    state_reset(w);
}

// A crash of the process whose state in Redis is lost as well; the batch goes on.
static void forget_everything(struct world *w) {
    reconciler_service.destroy(&w->reconciler);
    w->reconciler = reconciler_service.new(&w->context, w->settings);
    begin(w);
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

static const Outcome *outcome(struct world *w, unsigned n) {
    return (const Outcome *)nth(w, &outcome__descriptor, n);
}
static const StatusQuery *query(struct world *w, unsigned n) {
    return (const StatusQuery *)nth(w, &status_query__descriptor, n);
}
static bool alerted(struct world *w, const char *code) {
    for (unsigned n = 0;; n++) {
        const Alert *a = (const Alert *)nth(w, &alert__descriptor, n);
        if (!a) return false;
        if (strcmp(a->code, code) == 0) return true;
    }
}

static bool wrote(struct world *w, const char *text) {
    struct span bytes = batch_bytes(w->batch);
    return memmem(bytes.data, bytes.length, text, strlen(text)) != NULL;
}

#define OPEN_FIELD "HSET\r\n$19\r\nreconciliation:open\r\n$2\r\ns1\r\n"
#define OPEN_DROP  "HDEL\r\n$19\r\nreconciliation:open\r\n$2\r\ns1\r\n"

// --- completion

static void a_filled_trade_completes_its_signal_in_one_message(void **state) {
    struct world *w = *state;
    send_order(w, T1);
    send_routing(w, T1);
    assert_null(outcome(w, 0));
    send_fill(w, T1, LOT, PRICE - 5000);
    const Outcome *o = outcome(w, 0);
    assert_null(outcome(w, 1));
    assert_string_equal(o->trade->trade_id, T1);
    assert_int_equal(o->trade->reconciliation_status, SUCCESS);
    assert_int_equal(o->trade->discrepancy, -5000);
    assert_int_equal(o->signal->status, COMPLETED);
    assert_int_equal(o->signal->execution_price, PRICE - 5000);
    assert_int_equal(o->signal->slippage, -5000);
    assert_int_equal(o->signal->fill_percentage, 100 * LOT);
    assert_int_equal(o->first_executed_at, NOW);
    assert_int_equal(o->routed_at, NOW);
    assert_int_equal(o->signal_at, NOW);
    assert_null(o->signal->rejection_reason);
}

// The door may have lost the signal, and then knows it by this.
static void the_outcome_of_a_trade_says_when_its_signal_came(void **state) {
    struct world *w = *state;
    send_fill(w, T1, LOT, PRICE);
    assert_null(outcome(w, 0)->signal);
    assert_int_equal(outcome(w, 0)->signal_at, NOW);
}

static void a_signal_is_complete_when_its_last_trade_is_final(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2, T3);
    send_fill(w, T1, LOT, PRICE);
    send_rejection(w, T3, "no money");
    assert_null(outcome(w, 0)->signal);
    assert_null(outcome(w, 1)->signal);
    send_state(w, T2, TRADE_STATE__STATE__working);
    assert_null(outcome(w, 2));
    send_fill(w, T2, LOT, PRICE);
    assert_int_equal(outcome(w, 2)->signal->status, COMPLETED);
    assert_string_equal(outcome(w, 2)->signal->rejection_reason, "rejected: no money (1)");
    assert_null(outcome(w, 3));
}

static void a_signal_fails_when_nothing_was_filled(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2, NULL);
    send_rejection(w, T1, "no money");
    send_rejection(w, T2, "no money");
    const Outcome *o = outcome(w, 1);
    assert_int_equal(o->trade->reconciliation_status, FAILED);
    assert_int_equal(o->signal->status, SIGNAL__STATUS__failed);
    assert_string_equal(o->signal->rejection_reason, "rejected: no money (2), signal_too_old (1)");
    assert_false(o->has_first_executed_at);
}

static void a_signal_without_orders_fails_at_once_with_its_reasons(void **state) {
    struct world *w = *state;
    send_routing(w, NULL, NULL);
    assert_int_equal(outcome(w, 0)->signal->status, SIGNAL__STATUS__failed);
    assert_string_equal(outcome(w, 0)->signal->rejection_reason, "signal_too_old (2)");
    assert_null(outcome(w, 0)->trade);
    assert_false(wrote(w, "reconciliation:open"));
    send_routing_of(w, "s2", 0, NULL);
    assert_string_equal(outcome(w, 1)->signal->rejection_reason, "no_subscriber");
}

static void a_signal_that_needs_no_order_is_complete(void **state) {
    static const Reason__Code satisfied[] = {REASON__CODE__in_position, REASON__CODE__commanded};
    struct world *w = *state;
    for (unsigned i = 0; i < 2; i++) {
        w->refusal = satisfied[i];
        send_routing_of(w, i ? "s3" : "s2", 1, (const char *const[]){NULL});
        assert_int_equal(outcome(w, i)->signal->status, SIGNAL__STATUS__completed);
        assert_string_equal(outcome(w, i)->signal->rejection_reason,
                            i ? "commanded (1)" : "in_position (1)");
    }
}

// Also when another account's trade comes to nothing, and over a restart in between.
static void an_account_in_position_completes_the_signal_of_a_rejected_trade(void **state) {
    struct world *w = *state;
    w->refusal = REASON__CODE__in_position;
    send_routing(w, T1, NULL);
    assert_true(wrote(w, "\"satisfied\":true"));
    send_rejection(w, T1, "no money");
    assert_int_equal(outcome(w, 0)->signal->status, SIGNAL__STATUS__completed);
}

static void the_symbols_tolerance_goes_before_the_brokers(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    send_fill(w, T1, LOT, PRICE + 10001);
    assert_int_equal(outcome(w, 0)->trade->reconciliation_status, FAILED);
    w->state.symbol = (char *)"XAUUSD";
    send_fill(w, T2, LOT, PRICE + 10001);
    assert_int_equal(outcome(w, 1)->trade->reconciliation_status, SUCCESS);
    assert_int_equal(outcome(w, 1)->signal->status, COMPLETED);
}

static void live_state_has_no_expiry_until_the_signal_is_complete(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    assert_true(wrote(w, OPEN_FIELD));
    send_fill(w, T1, LOT, PRICE);
    assert_true(wrote(w, "HSET\r\n$51\r\nreconciliation:" T1));
    assert_false(wrote(w, "PEXPIREAT"));
    send_fill(w, T2, LOT, PRICE);
    assert_true(wrote(w, "PEXPIREAT\r\n$51\r\nreconciliation:" T1));
    assert_true(wrote(w, "PEXPIREAT\r\n$51\r\nreconciliation:" T2));
    assert_true(wrote(w, OPEN_DROP));
}

static void three_trades_cost_four_commands_each(void **state) {
    struct world *w = *state;
    send_routing_of(w, "s0", 0, NULL); // the first writes the guard's index, too
    begin(w);
    send_order(w, T1);
    send_order(w, T2);
    send_order(w, T3);
    send_routing(w, T1, T2, T3);
    send_state(w, T1, TRADE_STATE__STATE__submitting);
    send_fill(w, T1, LOT, PRICE);
    send_fill(w, T2, LOT, PRICE);
    send_fill(w, T3, LOT, PRICE);
    assert_true(batch_commands(w->batch) <= 12);
}

// --- order of arrival

static void executions_before_the_routing_are_kept_until_it_comes(void **state) {
    struct world *w = *state;
    send_fill(w, T1, LOT, PRICE);
    assert_null(outcome(w, 0)->signal);
    assert_true(wrote(w, "HSET\r\n$19\r\nreconciliation:open\r\n$39\r\ns1/" T1));
    begin(w);
    send_routing(w, T1, T2);
    assert_null(outcome(w, 0));
    assert_true(wrote(w, "HDEL\r\n$19\r\nreconciliation:open\r\n$39\r\ns1/" T1));
    send_order(w, T1);
    send_fill(w, T2, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    assert_int_equal(outcome(w, 0)->signal->fill_percentage, 100 * LOT);
}

static void the_routing_may_come_last(void **state) {
    struct world *w = *state;
    send_fill(w, T1, LOT, PRICE);
    begin(w);
    send_routing(w, T1);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    assert_null(outcome(w, 0)->trade);
    assert_false(wrote(w, OPEN_FIELD));
}

static void an_order_after_everything_else_changes_nothing(void **state) {
    struct world *w = *state;
    send_routing(w, T1);
    send_fill(w, T1, LOT, PRICE);
    begin(w);
    send_order(w, T1);
    send_routing(w, T1);
    send_state(w, T1, TRADE_STATE__STATE__closed);
    assert_true(batch_is_empty(w->batch));
    tick(w, 3600);
    assert_true(batch_is_empty(w->batch));
}

// --- rollbacks

static void what_is_heard_again_after_everything_was_forgotten_has_the_same_outcome(void **state) {
    struct world *w = *state;
    Outcome *first;
    send_routing(w, T1);
    send_fill(w, T1, LOT, PRICE);
    first = (Outcome *)record_copy(&outcome(w, 0)->base, NULL);
    forget_everything(w);
    send_routing(w, T1);
    send_fill(w, T1, LOT, PRICE);
    const Outcome *again = outcome(w, 0);
    assert_string_equal(again->trade->trade_id, first->trade->trade_id);
    assert_int_equal(again->signal->status, first->signal->status);
    assert_int_equal(again->signal->execution_price, first->signal->execution_price);
    outcome__free_unpacked(first, NULL);
}

static void a_routing_decided_again_takes_the_place_of_the_first(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    send_fill(w, T1, LOT, PRICE);
    begin(w);
    send_routing(w, T1, NULL);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
}

static void
what_the_first_routing_had_executed_counts_although_the_second_refuses_it(void **state) {
    struct world *w = *state;
    send_routing(w, T1);
    send_state(w, T1, TRADE_STATE__STATE__submitting);
    send_routing(w, NULL);
    assert_null(outcome(w, 0));
    send_fill(w, T1, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
}

static void an_executor_that_starts_over_does_not_undo_a_comparison(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    send_fill(w, T1, LOT, PRICE);
    begin(w);
    send_state(w, T1, TRADE_STATE__STATE__submitting);
    send_state(w, T1, TRADE_STATE__STATE__unknown);
    send_fill(w, T2, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->signal->fill_percentage, 100 * LOT);
    assert_null(outcome(w, 1));
}

static void orders_that_a_rollback_took_back_are_forgotten(void **state) {
    struct world *w = *state;
    send_order(w, T1);
    tick(w, 299);
    tick(w, 2);
    assert_true(batch_is_empty(w->batch));
    begin(w);
    send_routing(w, NULL);
    assert_int_equal(outcome(w, 0)->signal->status, SIGNAL__STATUS__failed);
}

static void executions_that_no_routing_explains_complete_their_signal_in_the_end(void **state) {
    struct world *w = *state;
    send_fill(w, T1, LOT, PRICE);
    tick(w, 299);
    assert_null(outcome(w, 0));
    tick(w, 2);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    assert_true(alerted(w, "execution_without_routing"));
    begin(w);
    send_routing(w, T1);
    assert_true(batch_is_empty(w->batch));
}

// --- orders that the executor has made itself

static void send_own(struct world *w, const char *trade_id, TradeState__Cause cause,
                     TradeState__State state) {
    TradeState *t = &w->state;
    t->signal_id = (char *)(cause == TRADE_STATE__CAUSE__other_side ? "s1" : "c1");
    t->has_cause = true;
    t->cause = cause;
    t->cause_id = (char *)(cause == TRADE_STATE__CAUSE__other_side ? T1 : "c1");
    t->direction = SIGNAL__DIRECTION__close;
    t->terms->has_requested_price = false;
    if (state == TRADE_STATE__STATE__filled) {
        t->has_filled_lots = t->has_average_price = t->has_executed_at = true;
        t->filled_lots = LOT;
        t->average_price = PRICE;
        t->executed_at = w->now;
    }
    send_state(w, trade_id, state);
    state_reset(w);
}

static void an_order_of_the_executors_own_waits_for_no_routing(void **state) {
    static const TradeState__Cause causes[] = {
        TRADE_STATE__CAUSE__command, TRADE_STATE__CAUSE__flatten, TRADE_STATE__CAUSE__stop};
    static const char *const trades[] = {T1, T2, T3};
    struct world *w = *state;
    for (unsigned i = 0; i < 3; i++) send_own(w, trades[i], causes[i], TRADE_STATE__STATE__pending);
    assert_true(batch_is_empty(w->batch));
    for (unsigned i = 0; i < 3; i++) send_own(w, trades[i], causes[i], TRADE_STATE__STATE__filled);
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(outcome(w, i)->trade->trade_id, trades[i]);
        assert_int_equal(outcome(w, i)->trade->reconciliation_status, SUCCESS);
        assert_null(outcome(w, i)->signal);
    }
    assert_false(wrote(w, "reconciliation:open"));
    assert_true(wrote(w, "PEXPIREAT\r\n$51\r\nreconciliation:" T1));
    begin(w);
    for (unsigned i = 0; i < 3; i++) send_own(w, trades[i], causes[i], TRADE_STATE__STATE__filled);
    assert_true(batch_is_empty(w->batch));
    tick(w, 301);
    assert_false(alerted(w, "execution_without_routing"));
}

static void an_order_of_the_executors_own_is_asked_about_like_any(void **state) {
    struct world *w = *state;
    send_own(w, T1, TRADE_STATE__CAUSE__flatten, TRADE_STATE__STATE__unknown);
    tick(w, 301);
    assert_string_equal(query(w, 0)->trade_id, T1);
    assert_false(alerted(w, "execution_without_routing"));
}

static void an_order_of_the_executors_own_that_was_refused_may_be_executed_after_all(void **state) {
    struct world *w = *state;
    w->state.reason = (char *)"no_price";
    send_own(w, T4, TRADE_STATE__CAUSE__command, TRADE_STATE__STATE__rejected);
    assert_int_equal(outcome(w, 0)->trade->reconciliation_status, FAILED);
    assert_string_equal(outcome(w, 0)->trade->rejection_reason, "rejected: no_price");
    begin(w);
    send_own(w, T4, TRADE_STATE__CAUSE__command, TRADE_STATE__STATE__filled);
    assert_int_equal(outcome(w, 0)->trade->reconciliation_status, SUCCESS);
    assert_null(outcome(w, 0)->signal);
    assert_true(alerted(w, "late_evidence"));
}

static void the_other_side_of_a_close_belongs_to_its_signal(void **state) {
    static const bool routed_first[] = {true, false};
    struct world *w = *state;
    for (unsigned i = 0; i < 2; i++) {
        forget_everything(w);
        if (routed_first[i]) send_routing(w, T1);
        send_state(w, T1, TRADE_STATE__STATE__submitting);
        send_own(w, T2, TRADE_STATE__CAUSE__other_side, TRADE_STATE__STATE__pending);
        if (!routed_first[i]) send_routing(w, T1);
        assert_true(wrote(w, OPEN_FIELD));
        // so that it is waited for after a restart, too
        assert_true(wrote(w, "\"trade_id\":\"" T2));
        send_fill(w, T1, LOT, PRICE);
        assert_null(outcome(w, 0)->signal);
        send_own(w, T2, TRADE_STATE__CAUSE__other_side, TRADE_STATE__STATE__filled);
        assert_int_equal(outcome(w, 1)->signal->status, COMPLETED);
        assert_int_equal(outcome(w, 1)->signal->fill_percentage, 100 * LOT);
        assert_false(wrote(w, "s1/"));
        begin(w);
        send_own(w, T2, TRADE_STATE__CAUSE__other_side, TRADE_STATE__STATE__filled);
        assert_true(batch_is_empty(w->batch));
    }
}

static void the_other_side_is_no_late_evidence(void **state) {
    static const bool executed[] = {true, false};
    struct world *w = *state;
    for (unsigned i = 0; i < 2; i++) {
        forget_everything(w);
        send_routing(w, T1);
        if (executed[i])
            send_fill(w, T1, LOT, PRICE);
        else
            send_rejection(w, T1, "no money");
        begin(w);
        send_own(w, T2, TRADE_STATE__CAUSE__other_side, TRADE_STATE__STATE__pending);
        assert_true(batch_is_empty(w->batch));
        send_order(w, T1); // comes late
        send_own(w, T2, TRADE_STATE__CAUSE__other_side, TRADE_STATE__STATE__filled);
        assert_int_equal(outcome(w, 0)->trade->reconciliation_status, SUCCESS);
        if (executed[i])
            assert_null(outcome(w, 0)->signal);
        else
            // something was executed after all
            assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
        assert_null(outcome(w, 1));
        assert_false(alerted(w, "late_evidence"));
        tick(w, 301);
        assert_true(batch_is_empty(w->batch));
    }
}

// While the other side is on its way, what else comes late of its signal is late all the same.
static void beside_the_other_side_late_evidence_is_told(void **state) {
    struct world *w = *state;
    send_routing(w, NULL);
    send_own(w, T2, TRADE_STATE__CAUSE__other_side, TRADE_STATE__STATE__pending);
    begin(w);
    send_fill(w, T5, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    assert_true(alerted(w, "late_evidence"));
    send_own(w, T2, TRADE_STATE__CAUSE__other_side, TRADE_STATE__STATE__filled);
    assert_string_equal(outcome(w, 1)->trade->trade_id, T2);
}

// --- late evidence

static void evidence_moves_a_failed_trade_to_success(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    send_rejection(w, T1, "timeout");
    begin(w);
    send_fill(w, T1, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->trade->reconciliation_status, SUCCESS);
    send_fill(w, T2, LOT, PRICE);
    assert_null(outcome(w, 1)->signal->rejection_reason);
    assert_int_equal(outcome(w, 1)->signal->fill_percentage, 100 * LOT);
}

static void a_success_does_not_become_a_failure(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    send_fill(w, T1, LOT, PRICE);
    begin(w);
    send_rejection(w, T1, "changed its mind");
    assert_null(outcome(w, 0));
    assert_true(alerted(w, "reconciliation_move_refused"));
    send_fill(w, T2, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->signal->fill_percentage, 100 * LOT);
}

static void a_failure_of_another_kind_is_told(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    send_rejection(w, T1, "timeout");
    send_fill(w, T1, LOT, 2 * PRICE);
    assert_int_equal(outcome(w, 1)->trade->reconciliation_status, FAILED);
    assert_int_equal(outcome(w, 1)->trade->discrepancy, PRICE);
}

static void an_execution_overrides_a_refusal(void **state) {
    struct world *w = *state;
    send_routing(w, NULL);
    assert_int_equal(outcome(w, 0)->signal->status, SIGNAL__STATUS__failed);
    begin(w);
    send_fill(w, T1, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->trade->reconciliation_status, SUCCESS);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    assert_int_equal(outcome(w, 0)->signal_at, NOW);
    assert_int_equal(outcome(w, 0)->routed_at, NOW);
    assert_true(alerted(w, "late_evidence"));
    begin(w);
    w->state.has_closed_lots = true;
    w->state.closed_lots = LOT;
    w->state.has_filled_lots = true;
    w->state.filled_lots = LOT;
    send_state(w, T1, TRADE_STATE__STATE__closed);
    assert_null(outcome(w, 0));
}

static void an_execution_of_a_trade_given_up_is_told_after_its_signal_is_complete(void **state) {
    struct world *w = *state;
    send_routing(w, T1, T2);
    send_fill(w, T1, LOT, PRICE);
    send_state(w, T2, TRADE_STATE__STATE__expired);
    assert_int_equal(outcome(w, 1)->signal->status, COMPLETED);
    begin(w);
    send_fill(w, T2, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->trade->reconciliation_status, SUCCESS);
    assert_null(outcome(w, 0)->signal);
    assert_true(wrote(w, "PEXPIREAT"));
}

static void closing_what_failed_by_its_price_is_no_evidence(void **state) {
    struct world *w = *state;
    send_routing(w, T1);
    send_fill(w, T1, LOT, 2 * PRICE);
    assert_int_equal(outcome(w, 0)->trade->reconciliation_status, FAILED);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    begin(w);
    w->state.has_filled_lots = w->state.has_closed_lots = w->state.has_average_price = true;
    w->state.filled_lots = w->state.closed_lots = LOT;
    w->state.average_price = 2 * PRICE;
    send_state(w, T1, TRADE_STATE__STATE__closed);
    assert_true(batch_is_empty(w->batch));
}

static void a_trade_of_long_ago_opens_no_signal(void **state) {
    struct world *w = *state;
    w->state.signal_at = NOW - 49 * 3600 * NS_PER_S;
    send_state(w, T1, TRADE_STATE__STATE__closed);
    tick(w, 3600);
    assert_true(batch_is_empty(w->batch));
}

// --- what ended before Redis forgot it

static void recall_as(struct world *w, const char *signal_id, Signal__Status status) {
    SignalExecutionStatus ended = SIGNAL_EXECUTION_STATUS__INIT;
    Outcome o = OUTCOME__INIT;
    ended.signal_id = o.signal_id = (char *)(uintptr_t)signal_id;
    ended.status = status;
    o.signal = &ended;
    handle(w, TOPIC_recalls, &o.base);
}

static void recall(struct world *w, const char *signal_id) { recall_as(w, signal_id, COMPLETED); }

static void a_signal_that_the_archive_recalls_waits_for_no_routing(void **state) {
    struct world *w = *state;
    send_fill(w, T1, LOT, PRICE); // its executor has taken it up from its gateway's books
    begin(w);
    recall(w, w->state.signal_id);
    send_fill(w, T2, LOT, PRICE);
    tick(w, 600);
    assert_false(alerted(w, "execution_without_routing"));
    assert_false(alerted(w, "late_evidence"));
}

static void what_was_executed_after_it_was_archived_as_failed_revives_it(void **state) {
    struct world *w = *state;
    send_fill(w, T4, LOT, PRICE);
    begin(w);
    recall_as(w, w->state.signal_id, SIGNAL__STATUS__failed);
    begin(w);
    tick(w, 600);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
}

static void what_was_told_before_a_recall_is_told_again_by_the_archive(void **state) {
    struct world *w = *state;
    TradeState over = w->state;
    over.trade_id = (char *)T1;
    over.state = TRADE_STATE__STATE__rejected;
    send_state(w, T1, TRADE_STATE__STATE__rejected);
    assert_true(wrote(w, "s1/" T1));
    begin(w);
    recall_as(w, w->state.signal_id, SIGNAL__STATUS__failed);
    assert_true(wrote(w, "HDEL")); // nothing of it is open any more
    begin(w);
    send_routing(w, T1); // decided again; the executor says nothing again of what is over
    assert_null(outcome(w, 0));
    handle(w, TOPIC_recalls, &over.base);
    assert_int_equal(outcome(w, 0)->signal->status, SIGNAL__STATUS__failed);
}

// The executor has forgotten it; the archive answers the question.
static void what_the_archive_has_as_over_is_an_answer(void **state) {
    struct world *w = *state;
    send_routing(w, T1);
    TradeState over = w->state;
    over.trade_id = (char *)T1;
    over.state = TRADE_STATE__STATE__working;
    begin(w);
    handle(w, TOPIC_recalls, &over.base);
    assert_null(outcome(w, 0)); // that is a question of the executor's own
    over.state = TRADE_STATE__STATE__rejected;
    handle(w, TOPIC_recalls, &over.base);
    assert_int_equal(outcome(w, 0)->signal->status, SIGNAL__STATUS__failed);
    begin(w);
    handle(w, TOPIC_recalls, &over.base); // nobody asks about it any more
    assert_null(outcome(w, 0));
}

static void what_is_decided_again_all_the_same_has_its_outcome(void **state) {
    struct world *w = *state;
    recall(w, w->state.signal_id);
    begin(w);
    send_routing(w, T1); // it came to the door before the archive had told it
    send_fill(w, T1, LOT, PRICE);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    begin(w);
    send_routing(w, T1); // and then no more
    assert_null(outcome(w, 0));
}

// --- questions

static void a_trade_without_an_answer_is_asked_about_more_and_more_seldom(void **state) {
    struct world *w = *state;
    send_routing(w, T1);
    tick(w, 9);
    assert_null(query(w, 0));
    tick(w, 1);
    assert_string_equal(query(w, 0)->trade_id, T1);
    assert_string_equal(query(w, 0)->account_id, "a1");
    tick(w, 9);
    assert_null(query(w, 0));
    tick(w, 1);
    assert_non_null(query(w, 0));
    tick(w, 19);
    assert_null(query(w, 0));
    assert_false(alerted(w, "trade_without_answer"));
    tick(w, 1);
    assert_non_null(query(w, 0));
    assert_true(alerted(w, "trade_without_answer"));
}

static void hear_unknown(struct world *w, const char *trade_id) {
    TradeUnknown m = TRADE_UNKNOWN__INIT;
    m.trade_id = (char *)(uintptr_t)trade_id;
    m.account_id = (char *)"a1";
    handle(w, TOPIC_executions, &m.base);
}

// Its executor had told that it sends it, and forgot it with Redis; decided again, the signal is
// not for it.
static void
an_order_that_was_taken_back_and_that_its_executor_does_not_know_is_waited_for_no_longer(
    void **state) {
    struct world *w = *state;
    send_state(w, T2, TRADE_STATE__STATE__submitting);
    send_routing(w, T1);
    assert_true(wrote(w, "\"taken_back\":true"));
    hear_unknown(w, T1); // the routing names it: its order is on the way
    send_fill(w, T1, LOT, PRICE);
    assert_null(outcome(w, 0)->signal);
    begin(w);
    hear_unknown(w, T2);
    assert_int_equal(outcome(w, 0)->signal->status, COMPLETED);
    hear_unknown(w, T2);
    assert_null(outcome(w, 1));
}

static void what_works_at_the_broker_or_is_held_may_take_its_time(void **state) {
    static const struct {
        TradeState__State state;
        Signal__OrderType type;
        bool held, asked;
    } cases[] = {
        {TRADE_STATE__STATE__working, SIGNAL__ORDER_TYPE__limit, false, false},
        {TRADE_STATE__STATE__partially_filled, SIGNAL__ORDER_TYPE__stop, false, false},
        {TRADE_STATE__STATE__working, SIGNAL__ORDER_TYPE__market, false, true},
        {TRADE_STATE__STATE__submitting, SIGNAL__ORDER_TYPE__limit, false, true},
        {TRADE_STATE__STATE__unknown, SIGNAL__ORDER_TYPE__limit, false, true},
        {TRADE_STATE__STATE__unknown, SIGNAL__ORDER_TYPE__market, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        teardown(state);
        setup(state);
        struct world *w = *state;
        send_routing(w, T1);
        w->state.terms->order_type = cases[i].type;
        w->state.has_held = w->state.held = cases[i].held;
        send_state(w, T1, cases[i].state);
        tick(w, 3600);
        assert_int_equal(query(w, 0) != NULL, cases[i].asked);
    }
}

static void questions_are_limited_each_second(void **state) {
    struct world *w = *state;
    char ids[500][40];
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "0195bcd4-0000-8000-8000-%012x", i);
        send_routing_of(w, ids[i], 1, (const char *const[]){ids[i]});
    }
    tick(w, 10);
    assert_non_null(query(w, 199));
    assert_null(query(w, 200));
    tick(w, 1);
    assert_non_null(query(w, 199));
    tick(w, 1);
    assert_non_null(query(w, 99));
    assert_null(query(w, 100));
}

// --- what brokers hold

static void send_snapshot(struct world *w, const char *trade_id) {
    Holding h = HOLDING__INIT, *list[] = {&h};
    BrokerSnapshot s = BROKER_SNAPSHOT__INIT;
    s.instance_id = (char *)"gw";
    s.account_id = (char *)"a1";
    s.taken_at = w->now += NS_PER_S;
    s.holdings = list;
    s.n_holdings = trade_id != NULL;
    h.trade_id = (char *)trade_id;
    h.kind = HOLDING__KIND__position;
    h.broker_symbol = (char *)"EURUSD";
    h.side = SIGNAL__DIRECTION__buy;
    h.lots = LOT;
    begin(w);
    handle(w, TOPIC_executions, &s.base);
}

static void a_holding_that_no_trade_explains_is_an_incident(void **state) {
    struct world *w = *state;
    send_snapshot(w, T3);
    assert_false(alerted(w, "unexplained_holding"));
    send_snapshot(w, T3);
    assert_true(alerted(w, "unexplained_holding"));
    assert_null(query(w, 0));
}

static void an_order_on_its_way_is_explained(void **state) {
    struct world *w = *state;
    send_order(w, T2);
    send_snapshot(w, T2);
    send_snapshot(w, T2);
    assert_false(alerted(w, "unexplained_holding"));
}

static void a_position_that_the_broker_does_not_list_is_asked_about(void **state) {
    struct world *w = *state;
    send_routing(w, T1);
    send_fill(w, T1, LOT, PRICE);
    send_snapshot(w, T1);
    send_snapshot(w, NULL);
    assert_null(query(w, 0));
    send_snapshot(w, NULL);
    assert_true(alerted(w, "missing_at_broker"));
    assert_string_equal(query(w, 0)->trade_id, T1);
}

// --- dead letters

static void a_dead_routing_does_not_leave_its_signal_open(void **state) {
    struct world *w = *state;
    Routing r = ROUTING__INIT;
    r.signal_id = (char *)"s1";
    r.source = (char *)"tv";
    reconciler_service.buried(w->reconciler, w->batch, &r.base, "message breaks a rule");
    assert_int_equal(outcome(w, 0)->signal->status, SIGNAL__STATUS__failed);
    assert_string_equal(outcome(w, 0)->signal->rejection_reason, "message breaks a rule (1)");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_filled_trade_completes_its_signal_in_one_message),
        CASE(the_outcome_of_a_trade_says_when_its_signal_came),
        CASE(a_signal_is_complete_when_its_last_trade_is_final),
        CASE(a_signal_fails_when_nothing_was_filled),
        CASE(a_signal_without_orders_fails_at_once_with_its_reasons),
        CASE(a_signal_that_needs_no_order_is_complete),
        CASE(an_account_in_position_completes_the_signal_of_a_rejected_trade),
        CASE(the_symbols_tolerance_goes_before_the_brokers),
        CASE(live_state_has_no_expiry_until_the_signal_is_complete),
        CASE(three_trades_cost_four_commands_each),
        CASE(executions_before_the_routing_are_kept_until_it_comes),
        CASE(the_routing_may_come_last),
        CASE(an_order_after_everything_else_changes_nothing),
        CASE(what_is_heard_again_after_everything_was_forgotten_has_the_same_outcome),
        CASE(a_routing_decided_again_takes_the_place_of_the_first),
        CASE(what_the_first_routing_had_executed_counts_although_the_second_refuses_it),
        CASE(an_executor_that_starts_over_does_not_undo_a_comparison),
        CASE(orders_that_a_rollback_took_back_are_forgotten),
        CASE(executions_that_no_routing_explains_complete_their_signal_in_the_end),
        CASE(an_order_of_the_executors_own_waits_for_no_routing),
        CASE(an_order_of_the_executors_own_is_asked_about_like_any),
        CASE(an_order_of_the_executors_own_that_was_refused_may_be_executed_after_all),
        CASE(the_other_side_of_a_close_belongs_to_its_signal),
        CASE(the_other_side_is_no_late_evidence),
        CASE(beside_the_other_side_late_evidence_is_told),
        CASE(evidence_moves_a_failed_trade_to_success),
        CASE(a_success_does_not_become_a_failure),
        CASE(a_failure_of_another_kind_is_told),
        CASE(an_execution_overrides_a_refusal),
        CASE(an_execution_of_a_trade_given_up_is_told_after_its_signal_is_complete),
        CASE(closing_what_failed_by_its_price_is_no_evidence),
        CASE(a_trade_of_long_ago_opens_no_signal),
        CASE(a_signal_that_the_archive_recalls_waits_for_no_routing),
        CASE(what_was_executed_after_it_was_archived_as_failed_revives_it),
        CASE(what_was_told_before_a_recall_is_told_again_by_the_archive),
        CASE(what_the_archive_has_as_over_is_an_answer),
        CASE(what_is_decided_again_all_the_same_has_its_outcome),
        CASE(a_trade_without_an_answer_is_asked_about_more_and_more_seldom),
        CASE(
            an_order_that_was_taken_back_and_that_its_executor_does_not_know_is_waited_for_no_longer),
        CASE(what_works_at_the_broker_or_is_held_may_take_its_time),
        CASE(questions_are_limited_each_second),
        CASE(a_holding_that_no_trade_explains_is_an_incident),
        CASE(an_order_on_its_way_is_explained),
        CASE(a_position_that_the_broker_does_not_list_is_asked_about),
        CASE(a_dead_routing_does_not_leave_its_signal_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
