// test_fills - prices, sizes and money of executions, to the last digit.
// SPDX-License-Identifier: MIT
#include "tests/unit/paper/broker.h"

static int start(void **state) {
    struct broker *b = malloc(sizeof *b);
    assert_non_null(b);
    *state = b;
    broker_start(b);
    return 0;
}

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static void buys_fill_at_the_ask_and_sells_at_the_bid(void **state) {
    struct broker *b = *state;
    broker_price(b, "EURUSD", "1.12340", "1.12352");
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 1);
    assert_fill(b, 0, "0.1", "1.12352");
    assert_int_equal(b->reports[0]->fill->executed_at, T0);
    assert_true(b->reports[0]->fill->has_received_at);
    broker_sell(b, "t2", "0.10");
    assert_fill(b, 0, "0.1", "1.1234");
}

static void a_last_price_alone_is_spread_around(void **state) {
    struct broker *b = *state;
    Price p = PRICE__INIT;
    p.symbol = WORD("EURUSD");
    p.last = dec("1.1").e8;
    b->paper->market.spread = dec("0.0002");
    gateway_begin(b->context, b->now);
    paper_price(b->paper, &p);
    broker_commit(b);
    broker_buy(b, "t1", "0.10");
    assert_fill(b, 0, "0.1", "1.1001");
    broker_sell(b, "t2", "0.10");
    assert_fill(b, 0, "0.1", "1.0999");
}

static void without_a_feed_an_order_fills_at_the_price_that_it_expects(void **state) {
    struct broker *b = *state;
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.10");
    m.terms->has_requested_price = true;
    m.terms->requested_price = dec("1.12345").e8;
    broker_order(b, &m);
    assert_fill(b, 0, "0.1", "1.12345");
}

static void without_any_price_an_order_is_rejected(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.10");
    assert_refused(b, "no_price");
    assert_int_equal(ledger_of(b, "executions"), 0);
}

static Submit closing(const char *trade_id, Closing **closes, size_t n, const char *lots) {
    Submit m = an_order(trade_id, SIGNAL__DIRECTION__sell, lots);
    m.closes = closes;
    m.n_closes = n;
    return m;
}

static void a_close_realises_exactly_the_difference(void **state) {
    struct broker *b = *state;
    Closing c = CLOSING__INIT, *closes[] = {&c};
    c.trade_id = WORD("t1");
    c.lots = dec("0.3").e8;
    broker_price(b, "EURUSD", "1.10000", "1.10010");
    broker_buy(b, "t1", "0.50");
    broker_price(b, "EURUSD", "1.10237", "1.10247");
    Submit m = closing("t2", closes, 1, "0.30");
    broker_order(b, &m);
    assert_fill(b, 0, "0.3", "1.10237");
    assert_decimal(b->reports[0]->fill->pnl, "68.1"); // 0.00227 * 0.3 * 100000
    const AccountSnapshot *s = broker_snapshot(b, "A");
    assert_decimal(s->balance, "10068.1");
    assert_decimal(s->equity, "10113.5"); // and 0.2 lots still open
    assert_int_equal(s->n_holdings, 1);
    assert_decimal(s->holdings[0]->lots, "0.2");
    assert_decimal(s->margin, "220.02"); // 0.2 * 100000 * 1.1001 / 100
    assert_decimal(s->free_margin, "9893.48");
}

static void a_close_reduces_exactly_the_positions_named(void **state) {
    struct broker *b = *state;
    Closing one = CLOSING__INIT, two = CLOSING__INIT, *closes[] = {&one, &two};
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    broker_buy(b, "t1", "0.10");
    broker_buy(b, "t2", "0.10");
    broker_buy(b, "t3", "0.10");
    one.trade_id = WORD("t1"), two.trade_id = WORD("t3");
    one.lots = dec("0.1").e8, two.lots = dec("0.04").e8;
    Submit m = closing("t4", closes, 2, "0.14");
    broker_order(b, &m);
    assert_fill(b, 0, "0.14", "1.1");
    assert_int_equal(broker_ask(b, "t1")->state, TRADE_STATE__STATE__closed);
    const AccountSnapshot *s = broker_snapshot(b, "A");
    assert_int_equal(s->n_holdings, 2);
    assert_string_equal(s->holdings[0]->trade_id, "t2");
    assert_decimal(s->holdings[0]->lots, "0.1");
    assert_decimal(s->holdings[1]->lots, "0.06");
}

static void a_close_of_less_than_it_names_ends_with_what_was_there(void **state) {
    struct broker *b = *state;
    Closing c = CLOSING__INIT, *closes[] = {&c};
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    broker_buy(b, "t1", "0.10");
    c.trade_id = WORD("t1");
    c.lots = dec("0.3").e8;
    Submit m = closing("t2", closes, 1, "0.30");
    broker_order(b, &m);
    assert_int_equal(b->n_reports, 2);
    assert_fill(b, 0, "0.1", "1.1");
    assert_report(b, 1, REPORT__KIND__cancelled, "t2");
    m.trade_id = WORD("t3");
    broker_order(b, &m);
    assert_refused(b, "no_position");
}

static void metals_use_their_own_contract_size(void **state) {
    struct broker *b = *state;
    Closing c = CLOSING__INIT, *closes[] = {&c};
    broker_price(b, "XAUUSD", "2000.00", "2000.30");
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.05");
    m.broker_symbol = WORD("XAUUSD.m");
    broker_order(b, &m);
    broker_price(b, "XAUUSD", "1995.10", "1995.40");
    c.trade_id = WORD("t1");
    c.lots = dec("0.05").e8;
    m = closing("t2", closes, 1, "0.05");
    m.broker_symbol = WORD("XAUUSD.m");
    broker_order(b, &m);
    assert_decimal(b->reports[0]->fill->pnl, "-26"); // -5.20 * 0.05 * 100
}

static void commission_and_fee_are_charged_on_every_fill(void **state) {
    struct broker *b = *state;
    b->settings.commission = dec("3.5").e8;
    b->settings.fee = dec("0.02").e8;
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    broker_buy(b, "t1", "0.10");
    assert_decimal(b->reports[0]->fill->commission, "0.35");
    assert_decimal(b->reports[0]->fill->fees, "0.02");
    assert_decimal(broker_snapshot(b, "A")->balance, "9999.63");
}

static void pieces_sum_up_to_the_order_exactly(void **state) {
    struct broker *b = *state;
    b->settings.partial_probability = DECIMAL_SCALE;
    b->settings.partial_count = 6;
    b->settings.check_margin = false;
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    for (int i = 0; i < 200; i++) {
        char id[16], lots[16];
        int hundredths = 2 + i % 37; // at least two pieces of 0.01
        (void)snprintf(id, sizeof id, "t%d", i);
        (void)snprintf(lots, sizeof lots, "%d.%02d", hundredths / 100, hundredths % 100);
        broker_buy(b, id, lots);
        assert_report(b, 0, REPORT__KIND__accepted, id);
        assert_in_range(b->n_reports, 3, 7);
        int64_t sum = 0;
        for (size_t k = 1; k < b->n_reports; k++) {
            assert_int_equal(b->reports[k]->kind, REPORT__KIND__filled);
            assert_true(b->reports[k]->fill->lots > 0 &&
                        b->reports[k]->fill->lots % dec("0.01").e8 == 0);
            sum += b->reports[k]->fill->lots;
        }
        assert_int_equal(sum, dec(lots).e8);
        assert_int_equal(broker_ask(b, id)->state, TRADE_STATE__STATE__filled);
    }
    assert_int_equal(ledger_of(b, "most_executions"), 1);
}

static void slippage_stays_within_its_bound_on_both_sides(void **state) {
    struct broker *b = *state;
    int64_t least = INT64_MAX, most = 0;
    b->settings.slippage = dec("0.00003").e8;
    b->settings.check_margin = false;
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    for (int i = 0; i < 200; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        broker_buy(b, id, "0.01");
        int64_t price = b->reports[0]->fill->price;
        least = price < least ? price : least;
        most = price > most ? price : most;
    }
    assert_decimal(least, "1.09997");
    assert_decimal(most, "1.10003");
}

static void what_happens_to_an_order_does_not_depend_on_arrival_order(void **state) {
    struct broker *b = *state, other;
    enum { ORDERS = 60 };
    char prices[2][ORDERS][96];
    for (int run = 0; run < 2; run++) {
        struct broker *d = run ? &other : b;
        if (run) broker_start(&other);
        d->settings.slippage = dec("0.0005").e8;
        d->settings.reject_probability = d->settings.partial_probability = dec("0.3").e8;
        d->settings.check_margin = false;
        broker_price(d, "EURUSD", "1.10000", "1.10000");
        for (int k = 0; k < ORDERS; k++) {
            int i = run ? ORDERS - 1 - k : k;
            char id[16];
            (void)snprintf(id, sizeof id, "t%d", i);
            broker_buy(d, id, "0.10");
            const Report *last = d->reports[d->n_reports - 1];
            (void)snprintf(prices[run][i], sizeof prices[run][i], "%d %s %lld %s", last->kind,
                           last->broker_order_id, last->fill ? (long long)last->fill->price : 0,
                           last->fill ? last->fill->execution_id : last->reason);
        }
    }
    for (int i = 0; i < ORDERS; i++) assert_string_equal(prices[0][i], prices[1][i]);
    broker_end(&other);
}

static void another_seed_is_another_fate(void **state) {
    struct broker *b = *state;
    int rejected[2] = {0}, same = 0;
    b->settings.reject_probability = dec("0.5").e8;
    b->settings.check_margin = false;
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    for (int i = 0; i < 100; i++) {
        char id[16];
        bool was[2];
        for (int seed = 0; seed < 2; seed++) {
            (void)snprintf(id, sizeof id, "t%d", i);
            struct chance c = {seed, id, 1};
            was[seed] = chance_happens(&c, ASK_REJECT, b->settings.reject_probability);
            rejected[seed] += was[seed];
        }
        same += was[0] == was[1];
    }
    assert_in_range(rejected[0], 30, 70);
    assert_in_range(rejected[1], 30, 70);
    assert_in_range(same, 30, 70);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(buys_fill_at_the_ask_and_sells_at_the_bid, start, end),
        cmocka_unit_test_setup_teardown(a_last_price_alone_is_spread_around, start, end),
        cmocka_unit_test_setup_teardown(without_a_feed_an_order_fills_at_the_price_that_it_expects,
                                        start, end),
        cmocka_unit_test_setup_teardown(without_any_price_an_order_is_rejected, start, end),
        cmocka_unit_test_setup_teardown(a_close_realises_exactly_the_difference, start, end),
        cmocka_unit_test_setup_teardown(a_close_reduces_exactly_the_positions_named, start, end),
        cmocka_unit_test_setup_teardown(a_close_of_less_than_it_names_ends_with_what_was_there,
                                        start, end),
        cmocka_unit_test_setup_teardown(metals_use_their_own_contract_size, start, end),
        cmocka_unit_test_setup_teardown(commission_and_fee_are_charged_on_every_fill, start, end),
        cmocka_unit_test_setup_teardown(pieces_sum_up_to_the_order_exactly, start, end),
        cmocka_unit_test_setup_teardown(slippage_stays_within_its_bound_on_both_sides, start, end),
        cmocka_unit_test_setup_teardown(what_happens_to_an_order_does_not_depend_on_arrival_order,
                                        start, end),
        cmocka_unit_test_setup_teardown(another_seed_is_another_fate, start, end),
    };
    return cmocka_run_group_tests_name("paper: fills", tests, NULL, NULL);
}
