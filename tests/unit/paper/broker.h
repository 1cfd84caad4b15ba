// broker - a paper broker in a directory of its own, for tests: say something, commit, look at what
// it reports.
// SPDX-License-Identifier: MIT
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka needs those before it
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "gateways/link/settings.h"
#include "gateways/paper/ledger/ledger.h"
#include "gateways/paper/paper.h"
#include "tests/unit/terms.h"

#define T0         (UINT64_C(1760000000) * NS_PER_S) // when every test starts
#define REPORTS    64
#define WORD(text) ((char *)(uintptr_t)(text)) // messages have no const

struct broker {
    struct paper_settings settings;
    gateway_context_t *context;
    paper_t *paper; // of the context
    uint64_t now;
    char directory[64], books[96];
    Report *reports[REPORTS]; // of the last batch
    size_t n_reports;
};

static inline decimal_t dec(const char *text) {
    decimal_t d;
    assert_int_equal(decimal_parse(text, strlen(text), &d), ERR_OK);
    return d;
}

#define assert_decimal(e8_value, text) assert_int_equal(e8_value, dec(text).e8)

static inline void broker_forget_reports(struct broker *b) {
    for (size_t i = 0; i < b->n_reports; i++) report__free_unpacked(b->reports[i], NULL);
    b->n_reports = 0;
}

static inline void broker_open(struct broker *b) {
    char why[200] = "";
    b->context = gateway_open(&paper_gateway, &b->settings.common, b->now, why);
    if (!b->context) fail_msg("%s", why);
    b->paper = b->context->broker;
}

// As after kill -9: what was not committed is gone.
static inline void broker_restart(struct broker *b) {
    broker_forget_reports(b);
    gateway_close(&b->context);
    broker_open(b);
}

static inline void broker_commit(struct broker *b) {
    broker_forget_reports(b);
    assert_int_equal(gateway_commit(b->context), ERR_OK);
    for (const struct gateway_report *t = b->context->reports; t; t = t->next) {
        assert_in_range(b->n_reports, 0, REPORTS - 1);
        b->reports[b->n_reports] = report__unpack(NULL, t->report.length, t->report.data);
        assert_non_null(b->reports[b->n_reports]);
        b->n_reports++;
    }
}

static inline void broker_hear(struct broker *b, const ProtobufCMessage *m) {
    gateway_begin(b->context, b->now);
    gateway_handle(b->context, m);
    broker_commit(b);
}

static inline void broker_wait(struct broker *b, uint64_t ms) {
    b->now += ms * NS_PER_MS;
    gateway_begin(b->context, b->now);
    gateway_tick(b->context);
    broker_commit(b);
}

static inline void broker_price(struct broker *b, const char *symbol, const char *bid,
                                const char *ask) {
    Price p = PRICE__INIT;
    p.symbol = WORD(symbol);
    p.has_bid = p.has_ask = true;
    p.bid = dec(bid).e8;
    p.ask = dec(ask).e8;
    p.last = p.bid;
    p.timestamp = b->now;
    gateway_begin(b->context, b->now);
    paper_price(b->paper, &p);
    broker_commit(b);
}

// Two accounts at leverage 100: A with 10000, B with 1000 USD; EURUSD is EURUSD.m there, one lot is
// 100000; XAUUSD is XAUUSD.m, one lot is
// 100.
static inline void broker_welcome(struct broker *b) {
    AccountConfig a = ACCOUNT_CONFIG__INIT, other = ACCOUNT_CONFIG__INIT,
                  *accounts[] = {&a, &other};
    SymbolConfig eur = SYMBOL_CONFIG__INIT, gold = SYMBOL_CONFIG__INIT, *symbols[] = {&eur, &gold};
    BrokerConfig broker = BROKER_CONFIG__INIT;
    Welcome m = WELCOME__INIT;
    a.account_id = WORD("A"), other.account_id = WORD("B");
    a.broker_id = other.broker_id = broker.broker_id = WORD("paper");
    a.has_balance = other.has_balance = true;
    a.balance = dec("10000").e8, other.balance = dec("1000").e8;
    eur.symbol = WORD("EURUSD"), gold.symbol = WORD("XAUUSD");
    gold.has_contract_size = gold.has_digits = true;
    gold.contract_size = dec("100").e8, gold.digits = 2;
    broker.symbol_suffix = WORD(".m");
    broker.symbols = symbols, broker.n_symbols = 2;
    m.epoch = 7;
    m.accounts = accounts, m.n_accounts = 2;
    m.broker = &broker;
    broker_hear(b, &m.base);
}

static inline void broker_prepare(struct broker *b) {
    assert_true(sodium_init() >= 0);
    memset(b, 0, sizeof *b);
    (void)snprintf(b->directory, sizeof b->directory, "/tmp/paper-test-XXXXXX");
    assert_non_null(mkdtemp(b->directory));
    (void)snprintf(b->books, sizeof b->books, "%s/books", b->directory);
    char wrong[256];
    assert_int_equal(settings_read(&paper_gateway, &b->settings, wrong), ERR_OK);
    b->settings.common.books = b->books;
    b->settings.common.snapshot = 0;
    b->now = T0;
}

static inline void broker_start(struct broker *b) {
    broker_prepare(b);
    broker_open(b);
    broker_welcome(b);
}

static inline void broker_end(struct broker *b) {
    char command[128];
    broker_forget_reports(b);
    gateway_close(&b->context);
    (void)snprintf(command, sizeof command, "rm -rf %s", b->directory);
    assert_int_equal(system(command), 0);
}

// A market order of A; change what should differ.
static inline Submit an_order(const char *trade_id, Signal__Direction side, const char *lots) {
    Submit m = SUBMIT__INIT;
    m.terms = new_terms();
    m.epoch = 7;
    m.trade_id = WORD(trade_id);
    m.account_id = WORD("A");
    m.broker_symbol = WORD("EURUSD.m");
    m.terms->order_type = SIGNAL__ORDER_TYPE__market;
    m.side = side;
    m.lots = dec(lots).e8;
    m.sent_at = T0;
    return m;
}

static inline Submit at_price(Submit m, Signal__OrderType type, const char *price) {
    m.terms->order_type = type;
    m.terms->has_price = true;
    m.terms->price = dec(price).e8;
    return m;
}

static inline void broker_order(struct broker *b, const Submit *m) { broker_hear(b, &m->base); }

static inline void broker_buy(struct broker *b, const char *trade_id, const char *lots) {
    Submit m = an_order(trade_id, SIGNAL__DIRECTION__buy, lots);
    broker_order(b, &m);
}

static inline void broker_sell(struct broker *b, const char *trade_id, const char *lots) {
    Submit m = an_order(trade_id, SIGNAL__DIRECTION__sell, lots);
    broker_order(b, &m);
}

// What it says about an order; valid until the next word.
static inline const OrderStatus *broker_ask(struct broker *b, const char *trade_id) {
    QueryOrder m = QUERY_ORDER__INIT;
    m.epoch = 7;
    m.trade_id = WORD(trade_id);
    m.account_id = WORD("A");
    broker_hear(b, &m.base);
    assert_non_null(b->context->answers);
    assert_ptr_equal(b->context->answers->message->descriptor, &order_status__descriptor);
    return (const OrderStatus *)b->context->answers->message;
}

static inline const AccountSnapshot *broker_snapshot(struct broker *b, const char *account_id) {
    SnapshotRequest m = SNAPSHOT_REQUEST__INIT;
    m.epoch = 7;
    broker_hear(b, &m.base);
    for (const struct gateway_answer *a = b->context->answers; a; a = a->next) {
        const AccountSnapshot *s = (const AccountSnapshot *)a->message;
        if (strcmp(s->account_id, account_id) == 0) return s;
    }
    fail_msg("no snapshot of %s", account_id);
    return NULL;
}

static inline bool broker_control(struct broker *b, const char *verb, size_t n, char **args,
                                  buffer_t *answer) {
    ControlRequest m = CONTROL_REQUEST__INIT;
    m.verb = WORD(verb);
    m.n_args = n;
    m.args = args;
    gateway_begin(b->context, b->now);
    bool ok = gateway_control(b->context, &m, answer);
    broker_commit(b);
    return ok;
}

#define CONTROL(b, verb, ...)                                                                      \
    do {                                                                                           \
        char *args_[] = {__VA_ARGS__};                                                             \
        buffer_t answer_ = {0};                                                                    \
        bool ok_ = broker_control(b, verb, sizeof args_ / sizeof args_[0], args_, &answer_);       \
        if (!ok_) fail_msg("%s", buffer_string(&answer_));                                         \
        buffer_destroy(&answer_);                                                                  \
    } while (0)

static inline void assert_report(const struct broker *b, size_t at, Report__Kind kind,
                                 const char *trade_id) {
    assert_in_range(at, 0, b->n_reports - 1);
    assert_int_equal(b->reports[at]->kind, kind);
    assert_string_equal(b->reports[at]->trade_id, trade_id);
}

static inline void assert_refused(const struct broker *b, const char *reason) {
    assert_int_equal(b->n_reports, 1);
    assert_int_equal(b->reports[0]->kind, REPORT__KIND__rejected);
    assert_string_equal(b->reports[0]->reason, reason);
}

static inline void assert_fill(const struct broker *b, size_t at, const char *lots,
                               const char *price) {
    assert_int_equal(b->reports[at]->kind, REPORT__KIND__filled);
    assert_non_null(b->reports[at]->fill);
    assert_decimal(b->reports[at]->fill->lots, lots);
    assert_decimal(b->reports[at]->fill->price, price);
}

// One number of the ledger of committed orders.
static inline int64_t ledger_of(struct broker *b, const char *name) {
    buffer_t json = {0};
    char key[64];
    ledger_totals(b->paper, &json);
    (void)snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(buffer_string(&json), key);
    assert_non_null(at);
    int64_t n = strtoll(at + strlen(key), NULL, 10);
    buffer_destroy(&json);
    return n;
}
