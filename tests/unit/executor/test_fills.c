// test_fills - what executions add up to.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/base/clock.h"
#include "services/executor/trade/fills.h"
#include "tests/unit/terms.h"

static int64_t e8(const char *text) {
    decimal_t d;
    assert_int_equal(decimal_parse(text, strlen(text), &d), ERR_OK);
    return d.e8;
}

static TradeState trade_of(const char *lots) {
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.wanted = new_amendment();
    t.trade_id = (char *)"t1";
    t.symbol = (char *)"EURUSD";
    t.direction = t.side = SIGNAL__DIRECTION__buy;
    t.has_side = t.terms->has_lot_size = true;
    t.terms->lot_size = e8(lots);
    t.state = TRADE_STATE__STATE__working;
    t.signal_at = 100 * NS_PER_MS;
    return t;
}

static Fill fill_of(const char *id, const char *lots, const char *price) {
    Fill f = FILL__INIT;
    f.execution_id = (char *)id;
    f.lots = e8(lots);
    f.price = e8(price);
    f.executed_at = 500 * NS_PER_MS;
    return f;
}

static void partial_fills_sum_up_to_a_weighted_price(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    Fill a = fill_of("e1", "0.4", "1.1"), b = fill_of("e2", "0.6", "1.2");
    enum trade_event event;
    bool over;
    a.has_commission = b.has_commission = b.has_fees = true;
    a.commission = e8("1.5");
    b.commission = e8("2");
    b.fees = e8("0.1");
    assert_int_equal(fills_add(&t, &a, &event, &over), ERR_OK);
    assert_int_equal(event, TRADE_FILL_PART);
    assert_int_equal(fills_add(&t, &b, &event, &over), ERR_OK);
    assert_int_equal(event, TRADE_FILL_ALL);
    assert_false(over);
    assert_int_equal(t.filled_lots, e8("1"));
    assert_int_equal(t.average_price, e8("1.16"));
    assert_int_equal(t.commission, e8("3.5"));
    assert_int_equal(t.fees, e8("0.1"));
}

static void more_than_was_ordered_counts_and_is_told(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    Fill f = fill_of("e1", "1.5", "1.1");
    enum trade_event event;
    bool over = false;
    assert_int_equal(fills_add(&t, &f, &event, &over), ERR_OK);
    assert_true(over);
    assert_int_equal(event, TRADE_FILL_ALL);
    assert_int_equal(t.filled_lots, e8("1.5"));
}

static void an_execution_that_cannot_be_changes_nothing(void **state) {
    (void)state;
    const char *const bad[][2] = {{"0", "1.1"}, {"-1", "1.1"}, {"1", "0"}, {"1", "-2"}};
    enum trade_event event;
    bool over;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TradeState t = trade_of("1"), before = t;
        Fill f = fill_of("e1", bad[i][0], bad[i][1]);
        assert_int_equal(fills_add(&t, &f, &event, &over), ERR_RULE);
        assert_memory_equal(&t, &before, sizeof t);
    }
    TradeState t = trade_of("1");
    t.filled_lots = INT64_MAX - 5;
    Fill f = fill_of("e1", "1", "1.1");
    assert_int_equal(fills_add(&t, &f, &event, &over), ERR_RULE);
    assert_int_equal(t.filled_lots, INT64_MAX - 5);
}

static void an_execution_is_known_again(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    char *ids[] = {(char *)"e1", (char *)"closed:e2"};
    t.executions = ids;
    t.n_executions = 2;
    assert_true(fills_is_counted(&t, "e1"));
    assert_false(fills_is_counted(&t, "e2"));
    assert_true(fills_is_counted(&t, "closed:e2"));
}

static Fill fill_at(const char *price) {
    Fill f = FILL__INIT;
    f.price = e8(price);
    return f;
}

static void reduce(TradeState *t, int64_t lots, int64_t pnl, const Fill *f) {
    Closing piece = CLOSING__INIT;
    piece.lots = lots;
    piece.has_pnl = true;
    piece.pnl = pnl;
    fills_reduce(t, &piece, f);
}

static void a_position_is_closed_by_what_executions_say(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    t.filled_lots = e8("1");
    Fill f = FILL__INIT;
    f.price = e8("1.2");
    f.executed_at = 7;
    reduce(&t, e8("0.4"), e8("10"), &f);
    assert_int_equal(fills_open_lots(&t).e8, e8("0.6"));
    assert_false(t.has_closed_at);
    f.price = e8("1.3");
    f.executed_at = 9;
    reduce(&t, e8("0.6"), e8("-2.5"), &f);
    assert_int_equal(fills_open_lots(&t).e8, 0);
    assert_int_equal(t.closed_lots, e8("1"));
    assert_int_equal(t.pnl, e8("7.5"));
    assert_int_equal(t.closed_at, 9);
    assert_int_equal(t.exit_price, e8("1.26")); // by lots: 0.4 and 0.6
}

// After a rollback a close may be heard of before the fill of what it closed.
static void what_was_closed_before_its_fill_is_known_counts_when_that_comes(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    const Fill f = fill_at("1.2");
    reduce(&t, e8("0.4"), 0, &f);
    assert_int_equal(fills_open_lots(&t).e8, 0);
    t.filled_lots = e8("1");
    assert_int_equal(fills_open_lots(&t).e8, e8("0.6"));
}

static void an_execution_that_comes_late_takes_the_place_of_what_was_closed_unseen(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    t.filled_lots = e8("1");
    const Fill f = fill_at("1.2");
    fills_close_unseen(&t, e8("0.7"), 5);
    assert_int_equal(fills_open_lots(&t).e8, e8("0.3"));
    assert_false(t.has_exit_price);
    reduce(&t, e8("0.5"), e8("3"), &f);
    assert_int_equal(fills_open_lots(&t).e8, e8("0.3"));
    assert_int_equal(t.unseen_lots, e8("0.2"));
    assert_int_equal(t.pnl, e8("3"));
    reduce(&t, e8("0.5"), 0, &f); // 0.2 of it explain what is left, 0.3 are new
    assert_int_equal(fills_open_lots(&t).e8, 0);
    assert_int_equal(t.closed_lots, e8("1"));
}

static void what_was_netted_is_not_open_and_was_not_closed(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    t.filled_lots = e8("1");
    Fill f = FILL__INIT;
    f.price = e8("1.2");
    f.executed_at = 7;
    fills_net(&t, e8("0.3"), &f);
    assert_int_equal(fills_open_lots(&t).e8, e8("0.7"));
    assert_int_equal(t.closed_lots, 0);
    assert_false(t.has_exit_price);
    reduce(&t, e8("0.7"), 0, &f);
    assert_int_equal(fills_open_lots(&t).e8, 0);
    assert_int_equal(t.closed_at, 7);
}

static void a_position_has_the_lot_weighted_price_at_which_it_was_closed(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    t.filled_lots = e8("1");
    const Fill first = fill_at("1.2"), second = fill_at("1.6");
    reduce(&t, e8("0.25"), 0, &first);
    assert_int_equal(t.exit_price, e8("1.2"));
    reduce(&t, e8("0.75"), 0, &second);
    assert_true(t.has_exit_price);
    assert_int_equal(t.exit_price, e8("1.5"));
    TradeState older = trade_of("1"); // part of it was closed when nobody kept the price
    older.filled_lots = e8("1"), older.closed_lots = e8("0.5"), older.has_closed_lots = true;
    reduce(&older, e8("0.5"), 0, &first);
    assert_false(older.has_exit_price);
}

static Closing closings[3];
static Closing *list[3] = {&closings[0], &closings[1], &closings[2]};

static TradeState closing_of(const char *a, const char *b, const char *c) {
    TradeState t = trade_of("1");
    const char *lots[] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        closing__init(&closings[i]);
        closings[i].trade_id = (char *)(uintptr_t) "position" + i;
        closings[i].lots = e8(lots[i]);
    }
    t.direction = SIGNAL__DIRECTION__close;
    t.closes = list;
    t.n_closes = 3;
    return t;
}

static void assert_pieces(const Closing *pieces, size_t n, const char *a, const char *b,
                          const char *c) {
    const char *wanted[] = {a, b, c};
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        if (!e8(wanted[i])) continue;
        assert_true(at < n);
        assert_ptr_equal(pieces[at].trade_id, closings[i].trade_id);
        assert_int_equal(pieces[at++].lots, e8(wanted[i]));
    }
    assert_int_equal(at, n);
}

// A gateway of the version before does not say what its fills closed.
static void
an_execution_that_does_not_say_what_it_closed_falls_on_the_plan_in_its_order(void **state) {
    (void)state;
    TradeState t = closing_of("1", "2", "3");
    Closing pieces[3];
    const struct {
        const char *filled, *lots, *a, *b, *c;
    } rows[] = {
        {"0.5", "0.5", "0.5", "0", "0"}, {"1.5", "1", "0.5", "0.5", "0"},
        {"4.5", "3", "0", "1.5", "1.5"}, {"6", "6", "1", "2", "3"},
        {"7", "1", "0", "0", "0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Fill f = fill_of("e1", rows[i].lots, "1.2");
        f.has_pnl = true;
        f.pnl = 100;
        t.filled_lots = e8(rows[i].filled);
        size_t n = fills_by_plan(&t, &f, pieces);
        assert_pieces(pieces, n, rows[i].a, rows[i].b, rows[i].c);
        int64_t pnl = 0;
        for (size_t k = 0; k < n; k++) pnl += pieces[k].pnl;
        if (n) assert_int_equal(pnl, 100); // to the last digit
    }
}

static void what_a_close_has_still_to_take_follows_from_its_fills(void **state) {
    (void)state;
    TradeState t = closing_of("1", "2", "3");
    Closing pieces[3];
    assert_pieces(pieces, fills_left_to_close(&t, pieces), "1", "2", "3");
    t.filled_lots = e8("1.5");
    assert_pieces(pieces, fills_left_to_close(&t, pieces), "0", "1.5", "3");
    t.filled_lots = e8("6");
    assert_pieces(pieces, fills_left_to_close(&t, pieces), "0", "0", "0");
}

static void slippage_is_executed_less_requested(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    t.terms->has_requested_price = true;
    t.terms->requested_price = e8("1.12345");
    Fill f = fill_of("e1", "1", "1.12340");
    TradeResult r;
    fills_result(&t, &f, (char *)"r1", &r);
    assert_true(r.has_slippage);
    assert_int_equal(r.slippage, e8("-0.00005"));
    assert_int_equal(r.state, TRADE_RESULT__STATE__executed);
    t.state = TRADE_STATE__STATE__partially_filled;
    t.terms->has_requested_price = false;
    fills_result(&t, &f, (char *)"r1", &r);
    assert_false(r.has_slippage);
    assert_int_equal(r.state, TRADE_RESULT__STATE__partially_filled);
}

static void latencies_are_counted_in_both_units_and_never_negative(void **state) {
    (void)state;
    TradeState t = trade_of("1");
    Fill f = fill_of("e1", "1", "1.1");
    ResultMetrics m;
    t.has_submitted_at = true;
    t.submitted_at = 150 * NS_PER_MS;
    f.has_received_at = true;
    f.received_at = 170 * NS_PER_MS;
    fills_metrics(&t, &f, (char *)"r1", 9, &m);
    assert_int_equal(m.execution_latency_ms, 400);
    assert_int_equal(m.broker_latency_us, 330000);
    assert_int_equal(m.network_latency_ms, 20);
    f.received_at = 100 * NS_PER_MS; // the broker's clock is behind ours
    fills_metrics(&t, &f, (char *)"r1", 9, &m);
    assert_int_equal(m.network_latency_us, 0);
}

static void a_result_id_depends_on_trade_and_execution_alone(void **state) {
    (void)state;
    char a[ID_TEXT], b[ID_TEXT], c[ID_TEXT];
    result_id_of("t1", "e1", a);
    result_id_of("t1", "e1", b);
    result_id_of("t1", "e2", c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_fills_sum_up_to_a_weighted_price),
        cmocka_unit_test(more_than_was_ordered_counts_and_is_told),
        cmocka_unit_test(an_execution_that_cannot_be_changes_nothing),
        cmocka_unit_test(an_execution_is_known_again),
        cmocka_unit_test(a_position_is_closed_by_what_executions_say),
        cmocka_unit_test(what_was_closed_before_its_fill_is_known_counts_when_that_comes),
        cmocka_unit_test(an_execution_that_comes_late_takes_the_place_of_what_was_closed_unseen),
        cmocka_unit_test(a_position_has_the_lot_weighted_price_at_which_it_was_closed),
        cmocka_unit_test(what_was_netted_is_not_open_and_was_not_closed),
        cmocka_unit_test(
            an_execution_that_does_not_say_what_it_closed_falls_on_the_plan_in_its_order),
        cmocka_unit_test(what_a_close_has_still_to_take_follows_from_its_fills),
        cmocka_unit_test(slippage_is_executed_less_requested),
        cmocka_unit_test(latencies_are_counted_in_both_units_and_never_negative),
        cmocka_unit_test(a_result_id_depends_on_trade_and_execution_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
