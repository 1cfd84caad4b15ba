// test_wakeups - nothing waits for ever, and nothing is counted twice or given up early: what a
// question, a queue or a counter lost.
// SPDX-License-Identifier: MIT
#include <time.h>

#include "witness.h"

// --- what did not leave

static void what_did_not_leave_is_sent_when_its_gateway_greets_anew(void **state) {
    struct world *w = *state;
    w->wire_full = true;
    give_market(w, "t1");
    world_commit(w);
    w->wire_full = false;
    witness_greets(w, FOREVER, true, 78,
                   START -
                       NS_PER_S); // another session: what was on its way is in doubt, this was not
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
    o.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    o.terms->has_price = true;
    o.terms->price = LOT;
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
    c.amendment = new_amendment();
    c.trailing = new_trailing();
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
    c.amendment = new_amendment();
    c.trailing = new_trailing();
    c.command_id = (char *)"c1";
    c.account_id = (char *)"a1";
    c.trade_id = (char *)"t1";
    c.action = ORDER_COMMAND__ACTION__modify;
    c.amendment->has_stop_loss = true;
    c.amendment->stop_loss = LOT;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
    world_commit(w);
    world_live(w, 1);
    assert_non_null(last_told(w, "t1"));
    assert_int_equal(last_told(w, "t1")->state, T(working));
}

// --- what a close reserves

static int with_no_memory_of_what_is_over(void **state) {
    world_setup(state);
    struct world *w = *state;
    ((struct executor_settings *)w->settings)->retired_max = 0;
    executor_service.destroy((void **)&w->x);
    w->x = world_executor(w);
    witness_hello(w, FOREVER);
    return 0;
}

static void a_position_that_was_forgotten_and_is_adopted_again_is_reserved_once(void **state) {
    struct world *w = *state;
    struct answer a;
    have_position(w, "p1");
    give_close(w, "c1");
    world_commit(w);
    Report r = report_of(w, REPORT__KIND__position_closed, "p1"); // its broker was first
    Fill f = fill_of(w, "e2", LOT, LOT), g = fill_of(w, "e-p1", LOT, LOT),
         late = fill_of(w, "e3", LOT, LOT);
    r.fill = &f;
    gateway_says(w, &r.base);
    world_commit(w);
    gateway_fills(w, "p1", "e3", LOT); // forgotten by now, and executed once more
    assert_null(trades_find(w->x->trades, "p1"));
    world_commit(w);
    answer_about(w, &a, "p1");
    a.submit.lots = 2 * LOT;
    a.fills[a.m.n_fills++] = &g;
    a.fills[a.m.n_fills++] = &late;
    a.closings[a.m.n_closings++] = &f;
    answer_found(w, &a, T(filled));
    assert_int_equal(trades_find(w->x->trades, "p1")->closing, LOT); // c1 may take it
    gateway_reports(w, REPORT__KIND__rejected, "c1");
    world_commit(w);
    assert_int_equal(trades_find(w->x->trades, "p1")->closing, 0);
    assert_false(w->x->closes_unknown); // nobody looks for closes of what comes any more
}

// --- what waits behind others

static void what_is_overtaken_while_the_queue_is_walked_does_not_end_the_walk(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    Order o = order_of(w, "p2");
    o.direction = SIGNAL__DIRECTION__sell;
    give(w, &o);
    world_commit(w);
    gateway_fills(w, "p2", "e2", LOT);
    give_market(w, "u1");
    world_commit(w);
    world_live(w, 6);
    assert_state(w, "u1", unknown);
    gateway_degrade(w, true);
    give_close(w, "c1"); // both sides: the second overtakes
    give_market(w, "t1");
    Order c = order_of(w, "t2"); // to be asked about first, behind what is overtaken
    c.signal_at = w->context.started_at - NS_PER_S;
    give(w, &c);
    world_commit(w);
    assert_state(w, "t2", pending);
    gateway_degrade(w, false);
    assert_state(w, "t1", cancelled);
    assert_state(w, "t2", unknown);
    assert_int_equal(alerts(w, "unlisted_move"), 0);
}

#define MANY    8000
#define ANSWERS 200
static char names[MANY][16];

// Processor time of some answers, while n orders wait: one is in flight, and each answer lets the
// next one go.
static double time_of(unsigned n) {
    void *state;
    world_setup(&state);
    struct world *w = state;
    ((struct executor_settings *)w->settings)->in_flight_max = 1;
    witness_hello(w, FOREVER);
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%04u", i);
        Order o = order_of(w, names[i]);
        o.has_valid_until = false;
        give(w, &o);
    }
    world_commit(w);
    clock_t begun = clock();
    for (unsigned i = 0; i < ANSWERS; i++) {
        w->n_told = w->n_letters = 0;
        gateway_fills(w, names[i], names[i], LOT);
        world_commit(w);
    }
    double took = (double)(clock() - begun);
    assert_state(w, names[ANSWERS - 1], filled);
    assert_state(w, names[ANSWERS], submitting);
    world_teardown(&state);
    return took;
}

static void a_queue_is_not_walked_for_each_answer(void **state) {
    (void)state;
    double few = time_of(MANY / 16), many = time_of(MANY);
    if (many > 3 * few)
        fail_msg("with sixteen times as many behind, each took %.1f times as long", many / few);
}

int main(void) {
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WITH(with_witness, what_did_not_leave_is_sent_when_its_gateway_greets_anew),
        WITH(with_witness, what_came_into_doubt_before_it_left_is_sent_once_it_is_not_there),
        WITH(with_witness, a_report_does_not_take_the_place_of_the_question_that_is_due),
        WITH(with_witness, a_question_whose_answer_was_lost_with_its_gateway_is_asked_again),
        WITH(with_witness, an_order_that_was_found_is_not_given_up_for_what_was_answered_before),
        WITH(with_witness,
             an_order_the_broker_does_not_know_any_more_is_ended_after_the_least_time),
        WITH(with_witness, the_row_of_answers_begins_anew_in_the_next_life),
        WITH(with_witness, a_cancel_that_is_refused_for_an_order_that_is_gone_ends_it),
        WITH(with_no_memory_of_what_is_over,
             a_position_that_was_forgotten_and_is_adopted_again_is_reserved_once),
        WITH(with_witness_that_checks_nothing,
             what_is_overtaken_while_the_queue_is_walked_does_not_end_the_walk),
        cmocka_unit_test(a_queue_is_not_walked_for_each_answer),
        WITH(with_witness, an_acceptance_is_told_though_its_record_was_written_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
