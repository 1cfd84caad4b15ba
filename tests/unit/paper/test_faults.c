// test_faults - a broker misbehaves exactly as it is told to, and its ledger stays true.
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

static void a_lost_reply_leaves_the_order_to_be_asked_about(void **state) {
    struct broker *b = *state;
    CONTROL(b, "fault", WORD("lost_reply"), WORD("1"));
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 0);
    assert_int_equal(broker_ask(b, "t1")->state, TRADE_STATE__STATE__filled);
    broker_buy(b, "t2", "0.10");
    assert_report(b, 0, REPORT__KIND__filled, "t2");
    assert_int_equal(b->reports[0]->report, 1); // numbers stay whole
}

static void replies_are_lost_by_chance_too(void **state) {
    struct broker *b = *state;
    int lost = 0;
    b->settings.check_margin = false;
    CONTROL(b, "fault", WORD("lost_reply"), WORD("0.3"));
    for (int i = 0; i < 100; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        broker_buy(b, id, "0.01");
        lost += b->n_reports == 0;
    }
    assert_in_range(lost, 10, 50);
    assert_int_equal(ledger_of(b, "executions"), 100);
}

static void a_late_fill_comes_without_an_announcement(void **state) {
    struct broker *b = *state;
    CONTROL(b, "fault", WORD("late_fill"), WORD("5000"), WORD("1"));
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 0);
    assert_int_equal(broker_ask(b, "t1")->state, TRADE_STATE__STATE__working);
    broker_wait(b, 5000);
    assert_fill(b, 0, "0.1", "1.1001");
}

static void an_order_taken_late_is_not_known_before(void **state) {
    struct broker *b = *state;
    CONTROL(b, "fault", WORD("late_accept"), WORD("3000"), WORD("1"));
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 0);
    assert_false(broker_ask(b, "t1")->found);
    assert_int_equal(broker_snapshot(b, "A")->n_holdings, 0);
    broker_restart(b);
    broker_price(b, "EURUSD", "1.10000", "1.10010");
    broker_wait(b, 3000);
    assert_fill(b, 0, "0.1", "1.1001");
    assert_true(broker_ask(b, "t1")->found);
    assert_int_equal(ledger_of(b, "executions"), 1);
}

static void
sending_again_what_is_still_on_its_way_executes_twice_where_nothing_is_checked(void **state) {
    struct broker *b = *state;
    b->settings.duplicate_check_name = "none";
    CONTROL(b, "fault", WORD("late_accept"), WORD("3000"), WORD("1"));
    broker_buy(b, "t1", "0.10");
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 2);
    assert_int_equal(ledger_of(b, "most_executions"), 2);
}

static void a_report_told_twice_carries_one_execution(void **state) {
    struct broker *b = *state;
    CONTROL(b, "fault", WORD("duplicate_report"), WORD("1"));
    broker_buy(b, "t1", "0.10");
    assert_int_equal(b->n_reports, 2);
    assert_int_equal(b->reports[0]->report + 1, b->reports[1]->report);
    assert_string_equal(b->reports[0]->fill->execution_id, b->reports[1]->fill->execution_id);
    assert_int_equal(ledger_of(b, "executions"), 1);
}

static void what_is_forgotten_is_denied_and_taken_again(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.10");
    CONTROL(b, "fault", WORD("forget"), WORD("t1"));
    assert_false(broker_ask(b, "t1")->found);
    assert_int_equal(broker_snapshot(b, "A")->n_holdings, 0);
    broker_buy(b, "t1", "0.10");
    assert_report(b, 0, REPORT__KIND__filled, "t1");
    assert_int_equal(ledger_of(b, "executed_twice"), 1);
}

static void refusals_are_counted_down(void **state) {
    struct broker *b = *state;
    CONTROL(b, "fault", WORD("refuse"), WORD("2"));
    broker_buy(b, "t1", "0.10");
    assert_refused(b, "refused");
    broker_buy(b, "t2", "0.10");
    assert_refused(b, "refused");
    broker_buy(b, "t3", "0.10");
    assert_report(b, 0, REPORT__KIND__filled, "t3");
    CONTROL(b, "fault", WORD("refuse"), WORD("9"));
    CONTROL(b, "clear", NULL);
    broker_buy(b, "t4", "0.10");
    assert_report(b, 0, REPORT__KIND__filled, "t4");
}

static void an_orphan_is_held_by_nobody_we_know(void **state) {
    struct broker *b = *state;
    CONTROL(b, "orphan", WORD("A"), WORD("EURUSD.m"), WORD("buy"), WORD("0.5"), WORD("1.1"));
    CONTROL(b, "orphan", WORD("A"), WORD("EURUSD.m"), WORD("sell"), WORD("0.2"), WORD("1.3"),
            WORD("order"));
    broker_restart(b);
    const AccountSnapshot *s = broker_snapshot(b, "A");
    assert_int_equal(s->n_holdings, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_null(s->holdings[i]->trade_id);
        bool position = s->holdings[i]->kind == HOLDING__KIND__position;
        assert_decimal(s->holdings[i]->lots, position ? "0.5" : "0.2");
    }
    assert_int_equal(ledger_of(b, "orders"), 0);
}

static void prices_and_the_ledger_are_at_hand(void **state) {
    struct broker *b = *state;
    buffer_t json = {0};
    char *args[] = {WORD("t1")};
    CONTROL(b, "price", WORD("EURUSD.m"), WORD("1.2"), WORD("1.2001"));
    broker_buy(b, "t1", "0.10");
    assert_fill(b, 0, "0.1", "1.2001");
    assert_true(broker_control(b, "ledger", 0, NULL, &json));
    assert_non_null(strstr(buffer_string(&json),
                           "\"orders\":1,\"submissions\":1,\"acceptances\":1,\"executions\":1,"));
    assert_non_null(strstr(buffer_string(&json), "{\"account_id\":\"A\",\"balance\":\"10000\""));
    buffer_clear(&json);
    assert_true(broker_control(b, "ledger", 1, args, &json));
    assert_non_null(
        strstr(buffer_string(&json),
               "\"state\":\"filled\",\"submissions\":1,\"acceptances\":1,\"executions\":1"));
    buffer_destroy(&json);
}

static void a_wrong_word_is_answered_with_the_right_ones(void **state) {
    struct broker *b = *state;
    static char *const wrong[][7] = {
        {WORD("dance")},
        {WORD("fault")},
        {WORD("fault"), WORD("smile")},
        {WORD("fault"), WORD("refuse")},
        {WORD("fault"), WORD("refuse"), WORD("-1")},
        {WORD("fault"), WORD("refuse"), WORD("1.5")},
        {WORD("fault"), WORD("lost_reply"), WORD("1.5")},
        {WORD("fault"), WORD("late_fill")},
        {WORD("fault"), WORD("forget"), WORD("t9")},
        {WORD("fault"), WORD("disconnect"), WORD("soon")},
        {WORD("price"), WORD("EURUSD"), WORD("2"), WORD("1")},
        {WORD("price"), WORD("EURUSD"), WORD("x"), WORD("1")},
        {WORD("orphan"), WORD("nobody"), WORD("EURUSD.m"), WORD("buy"), WORD("1"), WORD("1")},
        {WORD("orphan"), WORD("A"), WORD("EURUSD.m"), WORD("hold"), WORD("1"), WORD("1")},
        {WORD("ledger"), WORD("t9")},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        buffer_t said = {0};
        size_t n = 0;
        char *args[6];
        while (n < 6 && wrong[i][n + 1]) args[n] = wrong[i][n + 1], n++;
        assert_false(broker_control(b, wrong[i][0], n, args, &said));
        assert_true(said.length > 5);
        buffer_destroy(&said);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lost_reply_leaves_the_order_to_be_asked_about, start,
                                        end),
        cmocka_unit_test_setup_teardown(replies_are_lost_by_chance_too, start, end),
        cmocka_unit_test_setup_teardown(a_late_fill_comes_without_an_announcement, start, end),
        cmocka_unit_test_setup_teardown(an_order_taken_late_is_not_known_before, start, end),
        cmocka_unit_test_setup_teardown(
            sending_again_what_is_still_on_its_way_executes_twice_where_nothing_is_checked, start,
            end),
        cmocka_unit_test_setup_teardown(a_report_told_twice_carries_one_execution, start, end),
        cmocka_unit_test_setup_teardown(what_is_forgotten_is_denied_and_taken_again, start, end),
        cmocka_unit_test_setup_teardown(refusals_are_counted_down, start, end),
        cmocka_unit_test_setup_teardown(an_orphan_is_held_by_nobody_we_know, start, end),
        cmocka_unit_test_setup_teardown(prices_and_the_ledger_are_at_hand, start, end),
        cmocka_unit_test_setup_teardown(a_wrong_word_is_answered_with_the_right_ones, start, end),
    };
    return cmocka_run_group_tests_name("paper: faults", tests, NULL, NULL);
}
