// test_money - margin and profit are in the account's currency, by the feed's rates; what no rate
// is known for is refused, never invented.
// SPDX-License-Identifier: MIT
#include "tests/unit/paper/broker.h"

static const struct listed {
    const char *symbol, *digits, *contract, *profit, *margin;
} listed[] = {
    {"EURUSD", "5", NULL, NULL, NULL}, {"USDJPY", "3", NULL, NULL, NULL},
    {"EURJPY", "3", NULL, NULL, NULL}, {"XAUUSD", "2", "100", "USD", "USD"},
    {"US30", "1", "1", NULL, NULL},    {"GER40", "1", "1", "EUR", NULL},
};

#define LISTED (sizeof listed / sizeof listed[0])

// Account A: 10000 in `currency`, leverage 100.
static void serve(struct broker *b, const char *currency) {
    AccountConfig a = ACCOUNT_CONFIG__INIT, *accounts[] = {&a};
    SymbolConfig symbols[LISTED], *pointers[LISTED];
    BrokerConfig broker = BROKER_CONFIG__INIT;
    Welcome m = WELCOME__INIT;
    for (size_t i = 0; i < LISTED; i++) {
        symbol_config__init(pointers[i] = &symbols[i]);
        symbols[i].symbol = WORD(listed[i].symbol);
        symbols[i].has_digits = true;
        symbols[i].digits = (uint32_t)atoi(listed[i].digits);
        symbols[i].has_contract_size = listed[i].contract != NULL;
        if (listed[i].contract) symbols[i].contract_size = dec(listed[i].contract).e8;
        symbols[i].profit_currency = WORD(listed[i].profit);
        symbols[i].margin_currency = WORD(listed[i].margin);
    }
    a.account_id = WORD("A"), a.broker_id = broker.broker_id = WORD("paper");
    a.currency = WORD(currency);
    a.has_balance = true, a.balance = dec("10000").e8;
    broker.symbols = pointers, broker.n_symbols = LISTED;
    m.epoch = 7;
    m.accounts = accounts, m.n_accounts = 1;
    m.broker = &broker;
    broker_hear(b, &m.base);
}

static int start(void **state) {
    struct broker *b = calloc(1, sizeof *b);
    assert_non_null(b);
    broker_prepare(b);
    broker_open(b);
    *state = b;
    return 0;
}

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static Submit an_order_in(const char *symbol, const char *trade_id, Signal__Direction side,
                          const char *lots) {
    Submit m = an_order(trade_id, side, lots);
    m.broker_symbol = WORD(symbol);
    return m;
}

static void open_long(struct broker *b, const char *symbol, const char *lots) {
    Submit m = an_order_in(symbol, "t1", SIGNAL__DIRECTION__buy, lots);
    broker_order(b, &m);
    assert_report(b, 0, REPORT__KIND__filled, "t1");
}

static void close_long(struct broker *b, const char *symbol, const char *lots,
                       const char *expected) {
    Closing c = CLOSING__INIT, *closes[] = {&c};
    Submit m = an_order_in(symbol, "t2", SIGNAL__DIRECTION__sell, lots);
    c.trade_id = WORD("t1");
    c.lots = m.lots;
    m.closes = closes, m.n_closes = 1;
    m.terms->has_requested_price = expected != NULL;
    if (expected) m.terms->requested_price = dec(expected).e8;
    broker_order(b, &m);
}

static void assert_money(struct broker *b, const char *balance, const char *equity,
                         const char *margin) {
    const AccountSnapshot *s = broker_snapshot(b, "A");
    assert_decimal(s->balance, balance);
    assert_decimal(s->equity, equity);
    assert_decimal(s->margin, margin);
}

// Each row: opened at `price`, closed at `then`; `rates` (symbol, bid, ask) are told before.
static const struct case_of_money {
    const char *currency, *symbol, *lots, *price, *then;
    const char *rates[3][3];
    const char *margin, *profit; // by hand
} cases[] = {
    // 0.1 lots are 10000 USD. 0.05 * 10000 JPY = 500 JPY / 150.05 = 3.33222259…, down
    {"USD", "USDJPY", "0.1", "150", "150.05", {{NULL}}, "100", "3.33222259"},
    // a loss is rounded up: 500 / 149.95 = 3.33444481…
    {"USD", "USDJPY", "0.1", "150", "149.95", {{NULL}}, "100", "-3.33444482"},
    {"USD", "EURUSD", "0.1", "1.1", "1.101", {{NULL}}, "110", "10"},
    // 10000 EUR; 10 USD / 1.101 = 9.08265213…
    {"EUR", "EURUSD", "0.1", "1.1", "1.101", {{NULL}}, "100", "9.08265213"},
    // 10000 EUR are 11000 USD; 1000 JPY / 150 = 6.66666666…
    {"USD",
     "EURJPY",
     "0.1",
     "165",
     "165.1",
     {{"EURUSD", "1.1", "1.1"}, {"USDJPY", "150", "150"}},
     "110",
     "6.66666666"},
    // what it costs is at the ask, what it brings at the bid: margin 10000 EUR * 1.2; 1000 JPY /
    // 160
    {"USD",
     "EURJPY",
     "0.1",
     "165",
     "165.1",
     {{"EURUSD", "1.1", "1.2"}, {"USDJPY", "150", "160"}},
     "120",
     "6.25"},
    // over USD: 10000 EUR * 1.1 USD * 0.8 CHF; 1000 JPY / 150 * 0.8, each step rounded down
    {"CHF",
     "EURJPY",
     "0.1",
     "165",
     "165.1",
     {{"EURUSD", "1.1", "1.1"}, {"USDCHF", "0.8", "0.8"}, {"USDJPY", "150", "150"}},
     "88",
     "5.33333332"},
    // 10 ounces at 2000 USD
    {"USD", "XAUUSD", "0.1", "2000", "2001", {{NULL}}, "200", "10"},
    // one index point a lot, in EUR: 18000 EUR * 1.1
    {"USD", "GER40", "1", "18000", "18010", {{"EURUSD", "1.1", "1.1"}}, "198", "11"},
};

static void money_is_in_the_currency_of_the_account(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct case_of_money *c = &cases[i];
        void *fresh;
        (void)start(&fresh);
        struct broker *b = fresh;
        serve(b, c->currency);
        for (size_t r = 0; r < 3 && c->rates[r][0]; r++)
            broker_price(b, c->rates[r][0], c->rates[r][1], c->rates[r][2]);
        broker_price(b, c->symbol, c->price, c->price);
        open_long(b, c->symbol, c->lots);
        assert_decimal(broker_snapshot(b, "A")->margin, c->margin);
        broker_price(b, c->symbol, c->then, c->then);
        int64_t equity = broker_snapshot(b, "A")->equity;
        close_long(b, c->symbol, c->lots, NULL);
        assert_decimal(b->reports[0]->fill->pnl, c->profit);
        assert_int_equal(equity, dec("10000").e8 + dec(c->profit).e8);
        assert_int_equal(broker_snapshot(b, "A")->balance, equity);
        (void)end(&fresh);
    }
}

static void five_pips_of_a_twentieth_lot_are_not_hundreds(void **state) {
    struct broker *b = *state;
    serve(b, "USD");
    broker_price(b, "USDJPY", "150", "150");
    open_long(b, "USDJPY", "0.05");
    broker_price(b, "USDJPY", "150.05", "150.05");
    assert_money(b, "10000", "10001.66611129", "50"); // 250 JPY / 150.05
}

static void without_a_rate_nothing_is_opened(void **state) {
    struct broker *b = *state;
    serve(b, "USD");
    broker_price(b, "EURJPY", "165", "165");
    Submit m = an_order_in("EURJPY", "t0", SIGNAL__DIRECTION__buy, "0.1");
    broker_order(b, &m);
    assert_refused(b, "no_rate");
    broker_price(b, "USDJPY", "150", "150");
    m.trade_id = WORD("t00");
    broker_order(b, &m); // the profit has a rate, the margin has none
    assert_refused(b, "no_rate");
    broker_price(b, "EURUSD", "1.1", "1.1");
    open_long(b, "EURJPY", "0.1");
}

static void a_symbol_of_unknown_currency_is_refused_by_name(void **state) {
    struct broker *b = *state;
    serve(b, "USD");
    broker_price(b, "US30", "40000", "40000");
    Submit m = an_order_in("US30", "t1", SIGNAL__DIRECTION__buy, "0.1");
    broker_order(b, &m);
    assert_refused(b, "unknown_currency");
}

// Where no feed speaks, the price at which the order fills is a rate, too, if the pair is of the
// account's currency.
static void an_order_s_own_price_is_a_rate(void **state) {
    struct broker *b = *state;
    serve(b, "USD");
    Submit m = an_order_in("USDJPY", "t1", SIGNAL__DIRECTION__buy, "0.1");
    m.terms->has_requested_price = true, m.terms->requested_price = dec("150").e8;
    broker_order(b, &m);
    assert_fill(b, 0, "0.1", "150");
    close_long(b, "USDJPY", "0.1", "150.05");
    assert_decimal(b->reports[0]->fill->pnl, "3.33222259");
}

static void a_stop_waits_for_the_rate_that_counts_it(void **state) {
    struct broker *b = *state;
    serve(b, "USD");
    broker_price(b, "EURUSD", "1.1", "1.1");
    broker_price(b, "USDJPY", "150", "150");
    broker_price(b, "EURJPY", "165", "165");
    Submit m = an_order_in("EURJPY", "t1", SIGNAL__DIRECTION__buy, "0.1");
    m.terms->has_stop_loss = true, m.terms->stop_loss = dec("164").e8;
    broker_order(b, &m);
    broker_restart(b); // prices are not in the books
    broker_price(b, "EURJPY", "164", "164");
    assert_int_equal(b->n_reports, 0);
    close_long(b, "EURJPY", "0.1", NULL);
    assert_refused(b, "no_rate");
    broker_price(b, "USDJPY", "150", "150");
    broker_price(b, "EURJPY", "164", "164");
    assert_report(b, 0, REPORT__KIND__position_closed, "t1");
    assert_decimal(b->reports[0]->fill->pnl, "-66.66666667");
}

static void what_cannot_be_counted_opens_nothing_more(void **state) {
    struct broker *b = *state;
    serve(b, "USD");
    broker_price(b, "EURUSD", "1.1", "1.1");
    broker_price(b, "USDJPY", "150", "150");
    broker_price(b, "EURJPY", "165", "165");
    open_long(b, "EURJPY", "0.1");
    broker_restart(b);
    Submit m = an_order_in("USDJPY", "t3", SIGNAL__DIRECTION__buy, "0.1");
    m.terms->has_requested_price = true, m.terms->requested_price = dec("150").e8;
    broker_order(b, &m); // its own margin is known, that of what is open is not
    assert_refused(b, "no_rate");
    broker_price(b, "EURUSD", "1.1", "1.1");
    m.trade_id = WORD("t4");
    broker_order(b, &m);
    assert_report(b, 0, REPORT__KIND__filled, "t4");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_is_in_the_currency_of_the_account),
        cmocka_unit_test_setup_teardown(five_pips_of_a_twentieth_lot_are_not_hundreds, start, end),
        cmocka_unit_test_setup_teardown(without_a_rate_nothing_is_opened, start, end),
        cmocka_unit_test_setup_teardown(a_symbol_of_unknown_currency_is_refused_by_name, start,
                                        end),
        cmocka_unit_test_setup_teardown(an_order_s_own_price_is_a_rate, start, end),
        cmocka_unit_test_setup_teardown(a_stop_waits_for_the_rate_that_counts_it, start, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_counted_opens_nothing_more, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
