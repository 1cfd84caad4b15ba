// test_orders - what becomes of an order: known, refused, resting, triggered, expired, cancelled,
// changed.
// SPDX-License-Identifier: MIT
#include "tests/unit/paper/broker.h"

static int start(void **state) {
    struct broker *b = malloc(sizeof *b);
    assert_non_null(b);
    *state = b;
    broker_start(b);
    broker_price(b, "EURUSD", "1.10000", "1.10010");
    return 0;
}

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static const OrderStatus *answered(const struct broker *b) {
    assert_non_null(b->context->answers);
    return (const OrderStatus *)b->context->answers->message;
}

static void a_second_submit_executes_once(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.10");
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 0);
    const OrderStatus *first = answered(b);
    assert_true(first->found);
    assert_int_equal(first->state, TRADE_STATE__STATE__filled);
    assert_int_equal(first->n_fills, 1);
    assert_decimal(first->fills[0]->lots, "0.1");
    broker_restart(b);
    broker_buy(b, "t1", "0.10"); // and over a restart
    assert_int_equal(b->n_reports, 0);
    assert_int_equal(ledger_of(b, "executions"), 1);
    assert_int_equal(ledger_of(b, "submissions"), 3);
    assert_decimal(broker_snapshot(b, "A")->holdings[0]->lots, "0.1");
}

static void a_broker_that_only_refuses_says_duplicate(void **state) {
    struct broker *b = *state;
    b->settings.duplicate_answer = "refuse";
    broker_buy(b, "t1", "0.10");
    broker_buy(b, "t1", "0.10");
    assert_refused(b, "duplicate");
    assert_true(b->reports[0]->duplicate);
    assert_int_equal(broker_ask(b, "t1")->state, TRADE_STATE__STATE__filled);
    assert_int_equal(ledger_of(b, "executions"), 1);
}

static void a_broker_that_checks_nothing_executes_again_and_counts(void **state) {
    struct broker *b = *state;
    b->settings.duplicate_check_name = "none";
    broker_buy(b, "t1", "0.10");
    broker_buy(b, "t1", "0.10");
    assert_report(b, 0, REPORT__KIND__filled, "t1");
    assert_int_equal(ledger_of(b, "most_executions"), 2);
    assert_int_equal(ledger_of(b, "executed_twice"), 1);
    const OrderStatus *s = broker_ask(b, "t1");
    assert_int_equal(s->n_fills, 2);
    assert_string_not_equal(s->fills[0]->execution_id, s->fills[1]->execution_id);
    assert_decimal(broker_snapshot(b, "A")->holdings[0]->lots, "0.2");
}

static void checks_in_between_know_what_they_say(void **state) {
    struct broker *b = *state;
    b->settings.duplicate_check_name = "open_orders";
    Submit m =
        at_price(an_order("t1", SIGNAL__DIRECTION__buy, "0.10"), SIGNAL__ORDER_TYPE__limit, "1.09");
    broker_order(b, &m);
    broker_order(b, &m);
    assert_int_equal(b->n_reports, 0); // it is open
    b->settings.duplicate_check_name = "window";
    b->settings.duplicate_window = 60000;
    broker_buy(b, "t2", "0.01");
    broker_wait(b, 59999);
    broker_buy(b, "t2", "0.01");
    assert_int_equal(b->n_reports, 0);
    broker_wait(b, 1);
    broker_buy(b, "t2", "0.01");
    assert_report(b, 0, REPORT__KIND__filled, "t2");
    b->settings.duplicate_check_name = "session";
    broker_buy(b, "t2", "0.01");
    assert_int_equal(b->n_reports, 0);
    b->now++;
    broker_restart(b);
    broker_price(b, "EURUSD", "1.10000", "1.10010");
    broker_buy(b, "t2", "0.01");
    assert_report(b, 0, REPORT__KIND__filled, "t2");
    assert_int_equal(ledger_of(b, "most_executions"), 3);
}

static void what_margin_does_not_cover_is_rejected(void **state) {
    struct broker *b = *state;
    // 0.91 * 100000 * 1.1001 / 100 = 1001.091
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.91");
    m.account_id = WORD("B");
    broker_order(b, &m);
    assert_refused(b, "no_money");
    m.trade_id = WORD("t2");
    m.lots = dec("0.90").e8;
    broker_order(b, &m);
    assert_report(b, 0, REPORT__KIND__filled, "t2");
    m.trade_id = WORD("t3");
    m.lots = dec("0.01").e8;
    broker_order(b, &m); // what is left is less than the first order's loss by the spread
    assert_refused(b, "no_money");
    assert_int_equal(broker_snapshot(b, "B")->n_holdings, 1);
    assert_int_equal(ledger_of(b, "executions"), 1);
}

static void what_is_wrong_in_form_is_rejected_by_name(void **state) {
    struct broker *b = *state;
    Submit m = an_order("w1", SIGNAL__DIRECTION__buy, "0.10");
    m.account_id = WORD("nobody");
    broker_order(b, &m);
    assert_refused(b, "unknown_account");
    m = an_order("w2", SIGNAL__DIRECTION__buy, "0.10");
    m.broker_symbol = WORD("EURUSD");
    broker_order(b, &m);
    assert_refused(b, "unknown_symbol");
    broker_buy(b, "w3", "0.015");
    assert_refused(b, "invalid_volume");
    broker_buy(b, "w4", "0");
    assert_refused(b, "invalid_volume");
    m = an_order("w5", SIGNAL__DIRECTION__close, "0.10");
    broker_order(b, &m);
    assert_refused(b, "invalid_side");
    m = an_order("w6", SIGNAL__DIRECTION__buy, "0.10");
    m.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    broker_order(b, &m);
    assert_refused(b, "invalid_price");
    assert_int_equal(ledger_of(b, "orders"), 6);
    assert_int_equal(ledger_of(b, "acceptances"), 0);
}

static void resting(struct broker *b, const char *id, Signal__Direction side,
                    Signal__OrderType type, const char *price) {
    Submit m = at_price(an_order(id, side, "0.10"), type, price);
    broker_order(b, &m);
    assert_int_equal(b->n_reports, 1);
    assert_report(b, 0, REPORT__KIND__accepted, id);
}

static void assert_triggered(struct broker *b, const char *id, const char *price) {
    assert_int_equal(b->n_reports, 1);
    assert_report(b, 0, REPORT__KIND__filled, id);
    assert_decimal(b->reports[0]->fill->price, price);
}

static void resting_orders_trigger_on_their_side_of_the_price(void **state) {
    struct broker *b = *state;
    resting(b, "buy-limit", SIGNAL__DIRECTION__buy, SIGNAL__ORDER_TYPE__limit, "1.09900");
    resting(b, "sell-limit", SIGNAL__DIRECTION__sell, SIGNAL__ORDER_TYPE__limit, "1.10100");
    resting(b, "buy-stop", SIGNAL__DIRECTION__buy, SIGNAL__ORDER_TYPE__stop, "1.10200");
    resting(b, "sell-stop", SIGNAL__DIRECTION__sell, SIGNAL__ORDER_TYPE__stop, "1.09800");
    broker_price(b, "EURUSD", "1.09895", "1.09905"); // the bid alone does not trigger a buy
    assert_int_equal(b->n_reports, 0);
    broker_price(b, "EURUSD", "1.09885", "1.09895");
    assert_triggered(b, "buy-limit", "1.09895"); // better than asked
    broker_price(b, "EURUSD", "1.09795", "1.09805");
    assert_triggered(b, "sell-stop", "1.09795");
    broker_price(b, "EURUSD", "1.10105", "1.10115");
    assert_triggered(b, "sell-limit", "1.10105");
    broker_price(b, "EURUSD", "1.10195", "1.10205");
    assert_triggered(b, "buy-stop", "1.10205");
    broker_price(b, "EURUSD", "1.09000", "1.09010");
    assert_int_equal(b->n_reports, 0); // each once
}

static void a_limit_that_is_reached_already_fills_at_once(void **state) {
    struct broker *b = *state;
    Submit m =
        at_price(an_order("t1", SIGNAL__DIRECTION__buy, "0.10"), SIGNAL__ORDER_TYPE__limit, "1.20");
    broker_order(b, &m);
    assert_int_equal(b->n_reports, 2);
    assert_fill(b, 1, "0.1", "1.1001");
}

static void with_levels(struct broker *b, const char *id, Signal__Direction side, const char *sl,
                        const char *tp) {
    Submit m = an_order(id, side, "0.10");
    m.terms->has_stop_loss = m.terms->has_take_profit = true;
    m.terms->stop_loss = dec(sl).e8;
    m.terms->take_profit = dec(tp).e8;
    broker_order(b, &m);
    assert_report(b, 0, REPORT__KIND__filled, id);
}

static void assert_closed(struct broker *b, const char *id, const char *reason, const char *price,
                          const char *pnl) {
    assert_int_equal(b->n_reports, 1);
    assert_report(b, 0, REPORT__KIND__position_closed, id);
    assert_string_equal(b->reports[0]->reason, reason);
    assert_decimal(b->reports[0]->fill->price, price);
    assert_decimal(b->reports[0]->fill->pnl, pnl);
}

static void stop_loss_and_take_profit_close_positions(void **state) {
    struct broker *b = *state;
    with_levels(b, "long-sl", SIGNAL__DIRECTION__buy, "1.09900", "1.20000");
    with_levels(b, "long-tp", SIGNAL__DIRECTION__buy, "1.00000", "1.10100");
    with_levels(b, "short-sl", SIGNAL__DIRECTION__sell, "1.10200", "1.00000");
    with_levels(b, "short-tp", SIGNAL__DIRECTION__sell, "1.20000", "1.09800");
    broker_price(b, "EURUSD", "1.09890", "1.09900");
    assert_closed(b, "long-sl", "stop_loss", "1.0989", "-12");
    broker_price(b, "EURUSD", "1.09785", "1.09795");
    assert_closed(b, "short-tp", "take_profit", "1.09795", "20.5");
    broker_price(b, "EURUSD", "1.10110", "1.10120");
    assert_closed(b, "long-tp", "take_profit", "1.1011", "10");
    broker_price(b, "EURUSD", "1.10195", "1.10205");
    assert_closed(b, "short-sl", "stop_loss", "1.10205", "-20.5");
    const OrderStatus *s = broker_ask(b, "long-sl");
    assert_int_equal(s->state, TRADE_STATE__STATE__closed);
    assert_int_equal(s->n_fills, 1);
    assert_int_equal(s->n_closings, 1);
    assert_string_not_equal(s->fills[0]->execution_id, s->closings[0]->execution_id);
    const AccountSnapshot *a = broker_snapshot(b, "A");
    assert_decimal(a->balance, "9998");
    assert_decimal(a->margin, "0");
    assert_int_equal(a->n_holdings, 0);
}

static void a_moved_stop_loss_is_the_one_that_counts(void **state) {
    struct broker *b = *state;
    with_levels(b, "t1", SIGNAL__DIRECTION__buy, "1.09900", "1.20000");
    ModifyOrder m = MODIFY_ORDER__INIT;
    m.amendment = new_amendment();
    m.epoch = 7;
    m.trade_id = WORD("t1");
    m.account_id = WORD("A");
    m.amendment->has_stop_loss = true;
    m.amendment->stop_loss = dec("1.09000").e8;
    broker_hear(b, &m.base);
    assert_report(b, 0, REPORT__KIND__modified, "t1");
    broker_price(b, "EURUSD", "1.09500", "1.09510");
    assert_int_equal(b->n_reports, 0);
    broker_price(b, "EURUSD", "1.08990", "1.09000");
    assert_closed(b, "t1", "stop_loss", "1.0899", "-102");
    m.trade_id = WORD("t2");
    broker_hear(b, &m.base);
    assert_report(b, 0, REPORT__KIND__modify_rejected, "t2");
}

static void cancel(struct broker *b, const char *id) {
    CancelOrder m = CANCEL_ORDER__INIT;
    m.epoch = 7;
    m.trade_id = WORD(id);
    m.account_id = WORD("A");
    broker_hear(b, &m.base);
    assert_int_equal(b->n_reports, 1);
}

static void a_cancelled_order_never_fills(void **state) {
    struct broker *b = *state;
    resting(b, "t1", SIGNAL__DIRECTION__buy, SIGNAL__ORDER_TYPE__limit, "1.09900");
    cancel(b, "t1");
    assert_report(b, 0, REPORT__KIND__cancelled, "t1");
    broker_price(b, "EURUSD", "1.09000", "1.09010");
    assert_int_equal(b->n_reports, 0);
    assert_int_equal(broker_ask(b, "t1")->state, TRADE_STATE__STATE__cancelled);
    cancel(b, "t1");
    assert_report(b, 0, REPORT__KIND__cancel_rejected, "t1");
    assert_string_equal(b->reports[0]->reason, "not_open");
    cancel(b, "t9");
    assert_string_equal(b->reports[0]->reason, "unknown_order");
}

static void orders_expire(void **state) {
    struct broker *b = *state;
    Submit m =
        at_price(an_order("t1", SIGNAL__DIRECTION__buy, "0.10"), SIGNAL__ORDER_TYPE__limit, "1.09");
    m.terms->has_expiration_time = true;
    m.terms->expiration_time = b->now + 1000 * NS_PER_MS;
    broker_order(b, &m);
    broker_wait(b, 999);
    assert_int_equal(b->n_reports, 0);
    broker_wait(b, 1);
    assert_report(b, 0, REPORT__KIND__expired, "t1");
    m.trade_id = WORD("t2"); // too late already
    broker_order(b, &m);
    assert_report(b, 0, REPORT__KIND__expired, "t2");
    broker_price(b, "EURUSD", "1.08", "1.08");
    assert_int_equal(ledger_of(b, "executions"), 0);
}

static void latency_comes_between_acceptance_and_fill(void **state) {
    struct broker *b = *state;
    b->settings.latency_min = b->settings.latency_max = 30;
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 1);
    assert_report(b, 0, REPORT__KIND__accepted, "t1");
    assert_int_equal(broker_ask(b, "t1")->state, TRADE_STATE__STATE__working);
    broker_wait(b, 29);
    assert_int_equal(b->n_reports, 0);
    broker_wait(b, 1);
    assert_fill(b, 0, "0.1", "1.1001");
    assert_int_equal(b->reports[0]->fill->executed_at - b->reports[0]->fill->received_at,
                     30 * NS_PER_MS);
}

static void an_order_of_another_account_is_not_told(void **state) {
    struct broker *b = *state;
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.10");
    m.account_id = WORD("B");
    broker_order(b, &m);
    assert_false(broker_ask(b, "t1")->found);
    assert_false(broker_ask(b, "never")->found);
}

static void who_cannot_be_asked_says_so(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.10");
    b->settings.can_query = false;
    assert_true(broker_ask(b, "t1")->failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_submit_executes_once, start, end),
        cmocka_unit_test_setup_teardown(a_broker_that_only_refuses_says_duplicate, start, end),
        cmocka_unit_test_setup_teardown(a_broker_that_checks_nothing_executes_again_and_counts,
                                        start, end),
        cmocka_unit_test_setup_teardown(checks_in_between_know_what_they_say, start, end),
        cmocka_unit_test_setup_teardown(what_margin_does_not_cover_is_rejected, start, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_in_form_is_rejected_by_name, start, end),
        cmocka_unit_test_setup_teardown(resting_orders_trigger_on_their_side_of_the_price, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_limit_that_is_reached_already_fills_at_once, start, end),
        cmocka_unit_test_setup_teardown(stop_loss_and_take_profit_close_positions, start, end),
        cmocka_unit_test_setup_teardown(a_moved_stop_loss_is_the_one_that_counts, start, end),
        cmocka_unit_test_setup_teardown(a_cancelled_order_never_fills, start, end),
        cmocka_unit_test_setup_teardown(orders_expire, start, end),
        cmocka_unit_test_setup_teardown(latency_comes_between_acceptance_and_fill, start, end),
        cmocka_unit_test_setup_teardown(an_order_of_another_account_is_not_told, start, end),
        cmocka_unit_test_setup_teardown(who_cannot_be_asked_says_so, start, end),
    };
    return cmocka_run_group_tests_name("paper: orders", tests, NULL, NULL);
}
