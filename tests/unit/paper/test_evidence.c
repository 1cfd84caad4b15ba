// test_evidence - what the gateway says of an order with every report and answer: what was
// submitted, and which positions each fill closed.
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

static void assert_closing(const Closing *c, const char *trade_id, const char *lots,
                           const char *pnl) {
    assert_string_equal(c->trade_id, trade_id);
    assert_decimal(c->lots, lots);
    if (!pnl) return;
    assert_true(c->has_pnl);
    assert_decimal(c->pnl, pnl);
}

// A market order of A that closes lots of one or two positions.
struct closing_order {
    Closing parts[2], *list[2];
    Submit submit;
};

static Submit *a_close(struct closing_order *c, const char *trade_id, const char *lots,
                       const char *first, const char *first_lots, const char *second,
                       const char *second_lots) {
    c->submit = an_order(trade_id, SIGNAL__DIRECTION__sell, lots);
    const char *ids[] = {first, second}, *of[] = {first_lots, second_lots};
    c->submit.closes = c->list;
    for (size_t i = 0; i < 2; i++) {
        c->list[i] = &c->parts[i];
        closing__init(&c->parts[i]);
        if (!ids[i]) continue;
        c->parts[i].trade_id = WORD(ids[i]);
        c->parts[i].lots = dec(of[i]).e8;
        c->submit.n_closes++;
    }
    return &c->submit;
}

static void every_report_says_what_was_submitted(void **state) {
    struct broker *b = *state;
    struct closing_order c;
    broker_buy(b, "t1", "0.30");
    assert_non_null(b->reports[0]->plan);
    assert_int_equal(b->reports[0]->plan->side, SIGNAL__DIRECTION__buy);
    assert_decimal(b->reports[0]->plan->lots, "0.3");
    assert_int_equal(b->reports[0]->plan->n_closes, 0);
    b->settings.latency_min = b->settings.latency_max = 100;
    broker_order(b, a_close(&c, "c1", "0.50", "t1", "0.5", NULL, NULL));
    broker_restart(b);
    broker_price(b, "EURUSD", "1.10000", "1.10010");
    broker_wait(b, 100);
    assert_int_equal(b->n_reports,
                     2); // filled as far as there was something, and the rest cancelled
    for (size_t i = 0; i < 2; i++) {
        const Plan *p = b->reports[i]->plan;
        assert_non_null(p);
        assert_int_equal(p->side, SIGNAL__DIRECTION__sell);
        assert_decimal(p->lots, "0.5");
        assert_int_equal(p->n_closes, 1);
        assert_closing(p->closes[0], "t1", "0.5", NULL); // before anything was taken off
    }
    Submit wrong = an_order("t2", SIGNAL__DIRECTION__buy, "0.001");
    broker_order(b, &wrong);
    assert_refused(b, "invalid_volume");
    assert_decimal(b->reports[0]->plan->lots, "0.001");
}

static void what_nobody_submitted_has_no_plan(void **state) {
    struct broker *b = *state;
    CancelOrder m = CANCEL_ORDER__INIT;
    m.epoch = 7;
    m.trade_id = WORD("never");
    m.account_id = WORD("A");
    broker_hear(b, &m.base);
    assert_report(b, 0, REPORT__KIND__cancel_rejected, "never");
    assert_null(b->reports[0]->plan);
}

static void a_second_order_under_an_id_adds_to_what_was_submitted(void **state) {
    struct broker *b = *state;
    struct closing_order c;
    b->settings.duplicate_check_name = "none";
    broker_buy(b, "t1", "0.30");
    broker_buy(b, "t2", "0.30");
    broker_order(b, a_close(&c, "c1", "0.10", "t1", "0.1", NULL, NULL));
    broker_order(b, a_close(&c, "c1", "0.20", "t2", "0.2", NULL, NULL));
    const Plan *p = b->reports[0]->plan;
    assert_non_null(p);
    assert_decimal(p->lots, "0.3");
    assert_int_equal(p->n_closes, 2);
    assert_closing(p->closes[0], "t1", "0.1", NULL);
    assert_closing(p->closes[1], "t2", "0.2", NULL);
    const OrderStatus *s = broker_ask(b, "c1");
    assert_decimal(s->submitted->lots, "0.3");
    assert_int_equal(s->n_fills, 2);
}

static void a_recognised_duplicate_changes_nothing_of_it(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.30");
    broker_buy(b, "t1", "0.20");
    assert_non_null(broker_ask(b, "t1")->submitted);
    assert_decimal(broker_ask(b, "t1")->submitted->lots, "0.3");
}

static void a_fill_says_which_positions_it_closed_and_what_each_realised(void **state) {
    struct broker *b = *state;
    struct closing_order c;
    broker_buy(b, "t1", "0.10");
    broker_price(b, "EURUSD", "1.10100", "1.10110");
    broker_buy(b, "t2", "0.10");
    assert_int_equal(b->reports[0]->fill->n_closed, 0);
    broker_price(b, "EURUSD", "1.10200", "1.10210");
    broker_order(b, a_close(&c, "c1", "0.15", "t2", "0.05", "t1", "0.1"));
    const Fill *f = b->reports[0]->fill;
    assert_int_equal(f->n_closed, 2);
    assert_closing(f->closed[0], "t2", "0.05", "4.5");
    assert_closing(f->closed[1], "t1", "0.1", "19");
    assert_decimal(f->pnl, "23.5");
    const OrderStatus *s = broker_ask(b, "c1");
    assert_int_equal(s->n_fills, 1);
    assert_int_equal(s->fills[0]->n_closed, 2);
    assert_closing(s->fills[0]->closed[1], "t1", "0.1", "19");
    assert_int_equal(s->n_closings, 0);
}

static void pieces_say_each_what_they_closed(void **state) {
    struct broker *b = *state;
    struct closing_order c;
    broker_buy(b, "t1", "0.20");
    broker_buy(b, "t2", "0.20");
    b->settings.partial_probability = DECIMAL_SCALE;
    b->settings.partial_count = 2;
    b->settings.partial_gap = 100;
    broker_order(b, a_close(&c, "c1", "0.40", "t1", "0.2", "t2", "0.2"));
    int64_t sums[2] = {0};
    char executions[2][64] = {"", ""};
    for (size_t i = 0; i < 2; i++) {
        if (i)
            broker_restart(b), broker_price(b, "EURUSD", "1.10000", "1.10010"), broker_wait(b, 100);
        const Fill *f = b->reports[b->n_reports - 1]->fill;
        int64_t sum = 0, pnl = 0;
        assert_non_null(f);
        for (size_t k = 0; k < f->n_closed; k++) {
            sums[strcmp(f->closed[k]->trade_id, "t2") == 0] += f->closed[k]->lots;
            sum += f->closed[k]->lots;
            pnl += f->closed[k]->pnl;
        }
        assert_int_equal(sum, f->lots);
        assert_int_equal(pnl, f->pnl);
        (void)snprintf(executions[i], sizeof executions[i], "%s", f->execution_id);
    }
    assert_decimal(sums[0], "0.2");
    assert_decimal(sums[1], "0.2");
    const OrderStatus *s = broker_ask(b, "t2");
    int64_t lots = 0;
    for (size_t i = 0; i < s->n_closings; i++) lots += s->closings[i]->lots;
    assert_decimal(lots, "0.2");
    assert_true(s->n_closings > 0);
    assert_string_equal(s->closings[s->n_closings - 1]->execution_id, executions[1]);
}

// Named twice by one close, it is closed once by one execution.
static void an_execution_is_at_most_once_among_the_closings_of_an_order(void **state) {
    struct broker *b = *state;
    struct closing_order c;
    broker_buy(b, "t1", "0.30");
    broker_order(b, a_close(&c, "c1", "0.20", "t1", "0.1", "t1", "0.1"));
    assert_int_equal(b->reports[0]->fill->n_closed, 1);
    assert_closing(b->reports[0]->fill->closed[0], "t1", "0.2", "-2");
    const OrderStatus *s = broker_ask(b, "t1");
    assert_int_equal(s->n_closings, 1);
    assert_decimal(s->closings[0]->lots, "0.2");
}

// From one answer the whole life of a position follows, whoever ended it.
static void closings_are_complete(void **state) {
    struct broker *b = *state;
    struct closing_order c;
    char execution[64];
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.30");
    b->settings.commission = dec("10").e8;
    m.terms->has_stop_loss = true;
    m.terms->stop_loss = dec("1.09").e8;
    broker_order(b, &m);
    broker_order(b, a_close(&c, "c1", "0.10", "t1", "0.1", NULL, NULL));
    (void)snprintf(execution, sizeof execution, "%s", b->reports[0]->fill->execution_id);
    broker_price(b, "EURUSD", "1.08900", "1.08910");
    assert_report(b, 0, REPORT__KIND__position_closed, "t1");
    assert_non_null(b->reports[0]->plan);
    assert_decimal(b->reports[0]->plan->lots, "0.3");
    assert_int_equal(b->reports[0]->fill->n_closed, 1);
    assert_closing(b->reports[0]->fill->closed[0], "t1", "0.2", "-222");
    broker_restart(b);
    const OrderStatus *s = broker_ask(b, "t1");
    assert_int_equal(s->state, TRADE_STATE__STATE__closed);
    assert_int_equal(s->n_fills, 1);
    assert_int_equal(s->n_closings, 2);
    assert_string_equal(s->closings[0]->execution_id, execution);
    assert_decimal(s->closings[0]->lots, "0.1");
    assert_decimal(s->closings[0]->price, "1.1");
    assert_decimal(s->closings[0]->pnl, "-1");
    assert_int_equal(s->closings[0]->executed_at, T0);
    assert_false(s->closings[0]->has_commission); // c1 has paid it
    assert_decimal(s->closings[1]->lots, "0.2");
    assert_decimal(s->closings[1]->pnl, "-222");
    assert_decimal(s->closings[1]->commission, "2");
}

static void an_answer_has_the_submit_whole_and_a_restart_keeps_it(void **state) {
    struct broker *b = *state;
    Origin origin = ORIGIN__INIT;
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.30");
    origin.signal_id = WORD("s1"), origin.symbol = WORD("EURUSD");
    origin.signal_at = T0, origin.ordered_at = T0 + 1;
    origin.direction = SIGNAL__DIRECTION__buy;
    m.origin = &origin;
    broker_order(b, &m);
    broker_restart(b);
    const OrderStatus *s = broker_ask(b, "t1");
    assert_true(s->found);
    assert_false(s->never_submitted);
    uint8_t was[512], is[512];
    assert_non_null(s->submitted);
    assert_in_range(submit__get_packed_size(&m), 1, sizeof was);
    assert_int_equal(submit__get_packed_size(s->submitted), submit__get_packed_size(&m));
    (void)submit__pack(s->submitted, is);
    assert_memory_equal(is, was, submit__pack(&m, was));
}

static void never_submitted_is_only_what_the_books_have_never_had(void **state) {
    struct broker *b = *state;
    assert_true(broker_ask(b, "never")->never_submitted);
    assert_false(broker_ask(b, "never")->found);
    broker_buy(b, "t1", "0.30");
    CONTROL(b, "fault", WORD("forget"), WORD("t1"));
    CONTROL(b, "fault", WORD("late_accept"), WORD("1000"));
    broker_buy(b, "late", "0.30");
    const char *denied[] = {"t1", "late"};
    for (size_t i = 0; i < 2; i++) {
        const OrderStatus *s = broker_ask(b, denied[i]);
        assert_false(s->found);
        assert_false(s->never_submitted);
        assert_non_null(s->submitted);
        assert_decimal(s->submitted->lots, "0.3");
        assert_int_equal(s->n_fills, 0);
    }
}

// What the gateway has itself: the Submit, and what it has heard, unless something may be missing
// of that.
static void a_broker_that_cannot_be_asked_leaves_what_the_gateway_has(void **state) {
    struct broker *b = *state;
    struct closing_order c;
    b->settings.can_query = false;
    broker_buy(b, "t1", "0.30");
    broker_buy(b, "t2", "0.30");
    broker_order(b, a_close(&c, "c1", "0.10", "t1", "0.1", NULL, NULL));
    CONTROL(b, "fault", WORD("lost_reply"), WORD("1"));
    broker_order(b, a_close(&c, "c2", "0.10", "t2", "0.1", NULL, NULL));
    assert_int_equal(b->n_reports, 0);
    broker_restart(b);
    const OrderStatus *s = broker_ask(b, "t1");
    assert_true(s->failed);
    assert_false(s->found);
    assert_false(s->never_submitted);
    assert_non_null(s->submitted);
    assert_decimal(s->submitted->lots, "0.3");
    assert_int_equal(s->n_fills, 1);
    assert_int_equal(s->n_closings, 1);
    const char *unheard[] = {"t2", "c2"}; // c2 closed some of t2, and nobody heard
    for (size_t i = 0; i < 2; i++) {
        s = broker_ask(b, unheard[i]);
        assert_true(s->failed);
        assert_non_null(s->submitted);
        assert_int_equal(s->n_fills + s->n_closings, 0);
    }
    s = broker_ask(b, "never");
    assert_true(s->failed);
    assert_true(s->never_submitted);
    assert_null(s->submitted);
}

static void a_snapshot_says_which_reports_are_in_it(void **state) {
    struct broker *b = *state;
    const AccountSnapshot *s = broker_snapshot(b, "A");
    assert_true(s->has_reports);
    assert_int_equal(s->reports, 0);
    broker_buy(b, "t1", "0.30");
    broker_buy(b, "t2", "0.30");
    assert_int_equal(broker_snapshot(b, "A")->reports, 2);
    broker_restart(b);
    assert_int_equal(broker_snapshot(b, "A")->reports, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_report_says_what_was_submitted, start, end),
        cmocka_unit_test_setup_teardown(what_nobody_submitted_has_no_plan, start, end),
        cmocka_unit_test_setup_teardown(a_second_order_under_an_id_adds_to_what_was_submitted,
                                        start, end),
        cmocka_unit_test_setup_teardown(a_recognised_duplicate_changes_nothing_of_it, start, end),
        cmocka_unit_test_setup_teardown(
            a_fill_says_which_positions_it_closed_and_what_each_realised, start, end),
        cmocka_unit_test_setup_teardown(pieces_say_each_what_they_closed, start, end),
        cmocka_unit_test_setup_teardown(an_execution_is_at_most_once_among_the_closings_of_an_order,
                                        start, end),
        cmocka_unit_test_setup_teardown(closings_are_complete, start, end),
        cmocka_unit_test_setup_teardown(an_answer_has_the_submit_whole_and_a_restart_keeps_it,
                                        start, end),
        cmocka_unit_test_setup_teardown(never_submitted_is_only_what_the_books_have_never_had,
                                        start, end),
        cmocka_unit_test_setup_teardown(a_broker_that_cannot_be_asked_leaves_what_the_gateway_has,
                                        start, end),
        cmocka_unit_test_setup_teardown(a_snapshot_says_which_reports_are_in_it, start, end),
    };
    return cmocka_run_group_tests_name("paper: evidence", tests, NULL, NULL);
}
