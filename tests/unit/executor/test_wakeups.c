// test_wakeups - nothing waits for ever, and nothing is counted twice or given up early: what a question, a queue or a counter lost.
// SPDX-License-Identifier: MIT
#include "witness.h"

// --- what did not leave

static void what_did_not_leave_is_sent_when_its_gateway_greets_anew(void **state) {
    struct world *w = *state;
    w->wire_full = true;
    give_market(w, "t1");
    world_commit(w);
    w->wire_full = false;
    witness_greets(w, FOREVER, true, 78, START - NS_PER_S); // another session: what was on its way is in doubt, this was not
    world_commit(w);
    world_live(w, 1);
    assert_int_equal(submits(w, "t1"), 1);
    assert_int_equal(questions(w, "t1"), 0);
    assert_state(w, "t1", submitting);
}

static void what_came_into_doubt_before_it_left_is_sent_once_it_is_not_there(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    witness_greets(w, FOREVER, true, 78, 0); // in the same turn
    world_commit(w);
    assert_state(w, "t1", unknown);
    assert_int_equal(submits(w, "t1"), 0);
    witness_denies(w, "t1", 40);
    assert_int_equal(submits(w, "t1"), 1);
    world_live(w, 10);
    assert_state(w, "t1", unknown); // it has no answer, and that is noticed
}

// --- questions

static void have_one_working(struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    o.order_type = SIGNAL__ORDER_TYPE__limit;
    o.has_price = true;
    o.price = LOT;
    o.has_valid_until = false;
    give(w, &o);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, trade_id);
    world_commit(w);
    assert_state(w, trade_id, working);
}

static void a_report_does_not_take_the_place_of_the_question_that_is_due(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    world_restart(w);
    world_tick(w);
    w->n_letters = 0;
    witness_greets(w, FOREVER, true, 77, 0);
    Report r = report_of(w, REPORT__KIND__position_closed, "p1");
    Fill f = fill_of(w, "e2", LOT / 2, LOT);
    r.fill = &f;
    gateway_says(w, &r.base); // before a tick has asked
    world_commit(w);
    world_live(w, 3);
    assert_true(questions(w, "p1") >= 1);
}

static void a_question_whose_answer_was_lost_with_its_gateway_is_asked_again(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    world_restart(w);
    world_tick(w);
    w->n_letters = 0;
    witness_hello(w, FOREVER);
    world_live(w, 1);
    assert_int_equal(questions(w, "p1"), 1);
    for (int i = 0; i < 110; i++) { // it is lost before it answers
        world_pass(w, 100 * MS);
        world_tick(w);
    }
    witness_hello(w, FOREVER);
    world_live(w, 2);
    assert_int_equal(questions(w, "p1"), 2);
    gateway_knows(w, "p1", T(filled), NULL);
    world_commit(w);
    world_live(w, 60);
    assert_int_equal(questions(w, "p1"), 2);
}

static void ask_for(struct world *w, const char *trade_id) {
    StatusQuery q = STATUS_QUERY__INIT;
    q.trade_id = (char *)(uintptr_t)trade_id;
    assert_int_equal(handle(w, TOPIC_outcomes, &q.base), ERR_OK);
    world_commit(w);
}

static void an_order_that_was_found_is_not_given_up_for_what_was_answered_before(void **state) {
    struct world *w = *state;
    give_market(w, "t2"); // in doubt, denied four times, and then reported as working
    world_commit(w);
    world_live(w, 6);
    witness_denies(w, "t2", 9);
    assert_in_range(trade_of(w, "t2")->not_found, 3, 9);
    gateway_reports(w, REPORT__KIND__accepted, "t2");
    world_commit(w);
    assert_state(w, "t2", working);
    world_live(w, 40);
    ask_for(w, "t2");
    gateway_does_not_know(w, "t2");
    world_commit(w);
    assert_state(w, "t2", working);
    assert_int_equal(trade_of(w, "t2")->not_found, 1);
}

static void an_order_the_broker_does_not_know_any_more_is_ended_after_the_least_time(void **state) {
    struct world *w = *state;
    have_one_working(w, "t1");
    world_live(w, 3);
    size_t before = questions(w, "t1");
    ask_for(w, "t1");
    assert_int_equal(questions(w, "t1"), before + 1);
    gateway_does_not_know(w, "t1");
    world_commit(w);
    assert_int_equal(alerts(w, "broker_lost_order"), 1);
    witness_denies(w, "t1", 26);
    assert_state(w, "t1", working);
    assert_true(trade_of(w, "t1")->not_found > 5);
    witness_denies(w, "t1", 8);
    assert_state(w, "t1", cancelled);
    assert_int_equal(last_told(w, "t1")->state, T(cancelled));
}

static void the_row_of_answers_begins_anew_in_the_next_life(void **state) {
    struct world *w = *state;
    have_one_working(w, "t1");
    world_live(w, 3);
    ask_for(w, "t1");
    gateway_does_not_know(w, "t1");
    world_commit(w);
    witness_denies(w, "t1", 8);
    assert_true(trade_of(w, "t1")->not_found >= 4);
    world_restart(w);
    witness_hello(w, FOREVER);
    witness_denies(w, "t1", 26);
    assert_state(w, "t1", working);
    witness_denies(w, "t1", 10);
    assert_state(w, "t1", cancelled);
}

static void a_cancel_that_is_refused_for_an_order_that_is_gone_ends_it(void **state) {
    struct world *w = *state;
    have_one_working(w, "t1");
    OrderCommand c = ORDER_COMMAND__INIT;
    c.command_id = (char *)"c1";
    c.account_id = (char *)"a1";
    c.trade_id = (char *)"t1";
    c.action = ORDER_COMMAND__ACTION__cancel;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__cancel_rejected, "t1");
    world_commit(w);
    gateway_does_not_know(w, "t1"); // the answer to the question that this raised
    world_commit(w);
    witness_denies(w, "t1", 40);
    assert_state(w, "t1", cancelled);
}

// --- what is told

static void an_acceptance_is_told_though_its_record_was_written_before(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, "t1");
    OrderCommand c = ORDER_COMMAND__INIT; // recorded at once, published when it is answered
    c.command_id = (char *)"c1";
    c.account_id = (char *)"a1";
    c.trade_id = (char *)"t1";
    c.action = ORDER_COMMAND__ACTION__modify;
    c.has_stop_loss = true;
    c.stop_loss = LOT;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
    world_commit(w);
    world_live(w, 1);
    assert_non_null(last_told(w, "t1"));
    assert_int_equal(last_told(w, "t1")->state, T(working));
}

int main(void) {
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WITH(with_witness, what_did_not_leave_is_sent_when_its_gateway_greets_anew),
        WITH(with_witness, what_came_into_doubt_before_it_left_is_sent_once_it_is_not_there),
        WITH(with_witness, a_report_does_not_take_the_place_of_the_question_that_is_due),
        WITH(with_witness, a_question_whose_answer_was_lost_with_its_gateway_is_asked_again),
        WITH(with_witness, an_order_that_was_found_is_not_given_up_for_what_was_answered_before),
        WITH(with_witness, an_order_the_broker_does_not_know_any_more_is_ended_after_the_least_time),
        WITH(with_witness, the_row_of_answers_begins_anew_in_the_next_life),
        WITH(with_witness, a_cancel_that_is_refused_for_an_order_that_is_gone_ends_it),
        WITH(with_witness, an_acceptance_is_told_though_its_record_was_written_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
