// test_orders - from an order to its executions: recorded first, sent once, counted once.
// SPDX-License-Identifier: MIT
#include "world.h"

static int ready(void **state) {
    world_setup(state);
    gateway_hello(*state, HELLO__DUPLICATE_CHECK__none, true);
    return 0;
}

static void a_trade_is_recorded_before_it_is_sent(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    assert_int_equal(submits(w, "t1"), 0); // not before the commit
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 1);
    assert_non_null(strstr(w->committed, "trade_state:t1"));
    assert_non_null(strstr(w->committed, "submitting"));
    assert_non_null(strstr(w->committed, "trade_state:open:0"));
    assert_state(w, "t1", submitting);
    const Submit *m = last_submit(w);
    assert_int_equal(m->epoch, 3);
    assert_int_equal(m->lots, LOT);
    assert_string_equal(m->broker_symbol, "EURUSD.m");
    assert_int_equal(m->side, SIGNAL__DIRECTION__buy);
}

static void an_order_decided_again_is_not_taken_twice(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    give_market(w, "t1");
    world_commit(w);
    give_market(w, "t1");
    gateway_reports(w, REPORT__KIND__rejected, "t1");
    world_commit(w);
    give_market(w, "t1"); // after its end, too
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 1);
}

static void a_simple_order_costs_few_commands(void **state) {
    struct world *w = *state;
    have_position(w, "t0"); // the first one opens the guard's hour
    world_tick(w);
    give_market(w, "t1");
    unsigned order = batch_commands(w->batch);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, "t1");
    gateway_fills(w, "t1", "e1", LOT);
    unsigned fill = batch_commands(w->batch);
    assert_true(order <= 3);
    assert_true(fill <= 10); // of which one a turn: the number of the last report
}

static void a_fill_counts_once(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    gateway_fills(w, "t1", "e1", LOT / 2);
    gateway_fills(w, "t1", "e1", LOT / 2); // another report of the same execution
    w->report -= 2;
    gateway_fills(w, "t1", "e1", LOT / 2); // the same report
    gateway_fills(w, "t1", "e1", LOT / 2);
    Fill f = fill_of(w, "e1", LOT / 2, LOT);
    gateway_knows(w, "t1", T(partially_filled), &f); // and as an answer
    world_commit(w);
    assert_int_equal(results(w, "t1"), 1);
    assert_int_equal(last_told(w, "t1")->filled_lots, LOT / 2);
    assert_state(w, "t1", partially_filled);
    gateway_fills(w, "t1", "e2", LOT / 2);
    world_commit(w);
    assert_int_equal(results(w, "t1"), 2);
    assert_state(w, "t1", filled);
}

static void reports_are_acknowledged_after_the_commit_and_in_sequence(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    gateway_fills(w, "t1", "e1", LOT);
    size_t before = letters_of(w, &report_ack__descriptor, NULL);
    assert_int_equal(before, 0);
    world_commit(w);
    assert_int_equal(letters_of(w, &report_ack__descriptor, NULL), 1);
    assert_non_null(strstr(w->committed, "77:1"));
    w->report++; // number 2 is lost on the way
    give_market(w, "t2");
    world_commit(w);
    gateway_fills(w, "t2", "e2", LOT);
    world_commit(w);
    assert_state(w, "t2", submitting); // nothing is passed over
    w->report = 1;
    gateway_reports(w, REPORT__KIND__accepted, "t2");
    gateway_fills(w, "t2", "e2", LOT);
    world_commit(w);
    assert_state(w, "t2", filled);
    const ReportAck *ack = (const ReportAck *)w->letters[w->n_letters - 1];
    assert_int_equal(ack->report, 3);
}

static void a_report_without_its_order_is_asked_about_until_the_order_comes(void **state) {
    struct world *w = *state;
    gateway_fills(w, "t9", "e9", LOT);
    world_commit(w);
    assert_non_null(strstr(w->committed, "execution_state:orphans:0"));
    assert_int_equal(questions(w, "t9"), 1);
    world_live(w, 12);
    assert_int_equal(alerts(w, "unexplained_report"), 1);
    assert_true(questions(w, "t9") > 2);
    give_market(w, "t9"); // it is not sent, whatever else there is to say
    world_commit(w);
    assert_int_equal(submits(w, "t9"), 0);
    assert_state(w, "t9", unknown);
    assert_int_equal(orphans_count(w->x->orphans), 0);
    world_live(w, 1);
    Fill f = fill_of(w, "e9", LOT, LOT);
    gateway_knows(w, "t9", T(filled), &f);
    world_commit(w);
    assert_state(w, "t9", filled);
    assert_int_equal(results(w, "t9"), 1);
}

static void evidence_beats_decision(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    gateway_reports(w, REPORT__KIND__rejected, "t1");
    world_commit(w);
    assert_state(w, "t1", rejected);
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_state(w, "t1", filled);
    assert_int_equal(alerts(w, "evidence_overrides"), 1);
    assert_non_null(strstr(w->committed, "UNLINK")); // it lives again: no expiry
    assert_non_null(strstr(w->committed, "SADD"));
}

static void a_kill_switch_stops_an_order_already_journalled(void **state) {
    struct world *w = *state;
    operator_says(w, COMMAND__ACTION__halt, NULL, NULL);
    give_market(w, "t1"); // decided before the halt, read after it
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 0);
    assert_state(w, "t1", rejected);
    assert_string_equal(last_told(w, "t1")->reason, "halted_global");
    operator_says(w, COMMAND__ACTION__resume, NULL, NULL);
    operator_says(w, COMMAND__ACTION__halt, "a1", NULL);
    give_market(w, "t2");
    Order other = order_of(w, "t3");
    other.account_id = (char *)"a2";
    give(w, &other);
    world_commit(w);
    assert_string_equal(last_told(w, "t2")->reason, "halted_account");
    assert_int_equal(submits(w, "t3"), 1);
    assert_non_null(strstr(w->committed, "execution_state:risk:0"));
}

static void a_halt_lets_positions_be_closed(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    operator_says(w, COMMAND__ACTION__halt, NULL, NULL);
    give_close(w, "c1");
    world_commit(w);
    assert_int_equal(submits(w, "c1"), 1);
}

static void an_order_waits_for_its_gateway_and_expires_in_the_end(void **state) {
    struct world *w = *state; // nobody has said hello
    give_market(w, "t1");
    Order o = order_of(w, "t2");
    o.valid_until = w->now + 5 * NS_PER_S;
    give(w, &o);
    world_commit(w);
    assert_state(w, "t1", pending);
    for (int i = 0; i < 6; i++) {
        world_pass(w, NS_PER_S);
        world_tick(w);
    }
    assert_state(w, "t2", expired);
    assert_state(w, "t1", pending);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    assert_int_equal(submits(w, "t1"), 1);
    assert_int_equal(submits(w, "t2"), 0);
    assert_true(w->letters[0]->descriptor == &welcome__descriptor); // before anything else
}

static void more_than_a_gateway_takes_waits_its_turn(void **state) {
    struct world *w = *state;
    ((struct executor_settings *)w->settings)->in_flight_max = 2;
    for (int i = 0; i < 4; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "t%d", i);
        give_market(w, id);
    }
    world_commit(w);
    assert_int_equal(submits(w, NULL), 2);
    gateway_fills(w, "t0", "e0", LOT);
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_int_equal(submits(w, NULL), 4);
    assert_int_equal(submits(w, "t3"), 1);
}

static void an_order_that_cannot_be_sent_ends_as_a_visible_rejection(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.terms->has_lot_size = false;
    give(w, &o);
    Order p = order_of(w, "t2");
    p.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    give(w, &p);
    Order q = order_of(w, "t3");
    q.terms->order_type = (Signal__OrderType)99;
    assert_int_equal(handle(w, TOPIC_orders, &q.base), ERR_INPUT);
    Order r = order_of(w, "t4");
    executor_service.buried(w->x, w->batch, &r.base, "killed this service three times");
    world_commit(w);
    assert_string_equal(last_told(w, "t1")->reason, "no_lot_size");
    assert_string_equal(last_told(w, "t2")->reason, "no_price");
    assert_string_equal(last_told(w, "t4")->reason, "killed this service three times");
    assert_int_equal(results(w, "t4"), 1); // a result that failed
    assert_int_equal(submits(w, NULL), 0);
}

static void a_market_order_that_is_accepted_is_saved_at_a_tick_if_no_fill_comes(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, "t1");
    world_commit(w);
    assert_null(last_told(w, "t1"));
    world_pass(w, 50 * MS);
    world_tick(w);
    assert_int_equal(last_told(w, "t1")->state, T(working));
    assert_non_null(strstr(w->committed, "working"));
}

static void what_is_left_when_an_order_ends_is_a_position(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    gateway_fills(w, "t1", "e1", LOT / 4);
    gateway_reports(w, REPORT__KIND__cancelled, "t1");
    world_commit(w);
    assert_state(w, "t1", filled);
    assert_int_equal(last_told(w, "t1")->filled_lots, LOT / 4);
}

static void a_limit_order_is_cancelled_when_its_broker_does_not_end_it(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    o.terms->has_price = true;
    o.terms->price = LOT;
    o.terms->has_expiration_time = true;
    o.terms->expiration_time = w->now + 20 * NS_PER_S;
    give(w, &o);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, "t1");
    world_commit(w);
    assert_int_equal(last_told(w, "t1")->state, T(working)); // it rests: told at once
    world_live(w, 24);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, "t1"), 0);
    world_live(w, 2);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, "t1"), 1);
    gateway_reports(w, REPORT__KIND__cancelled, "t1");
    world_commit(w);
    assert_state(w, "t1", expired);
}

static void the_clock_of_redis_away_is_not_the_brokers(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    w->now += 30 * NS_PER_S; // the commit takes so long
    w->mono += 30 * NS_PER_S;
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 0); // decided again
    gateway_beat(w);
    world_tick(w);
    assert_int_equal(submits(w, "t1"), 1); // still young, and certainly not sent before
    Order o = order_of(w, "t2");
    o.valid_until = w->now + 5 * NS_PER_S;
    give(w, &o);
    w->now += 6 * NS_PER_S;
    w->mono += 6 * NS_PER_S;
    world_commit(w);
    world_tick(w);
    assert_int_equal(submits(w, "t2"), 0);
    assert_state(w, "t2", expired);
}

int main(void) {
#define READY(test) cmocka_unit_test_setup_teardown(test, ready, world_teardown)
    const struct CMUnitTest tests[] = {
        READY(a_trade_is_recorded_before_it_is_sent),
        READY(an_order_decided_again_is_not_taken_twice),
        READY(a_simple_order_costs_few_commands),
        READY(a_fill_counts_once),
        READY(reports_are_acknowledged_after_the_commit_and_in_sequence),
        READY(a_report_without_its_order_is_asked_about_until_the_order_comes),
        READY(evidence_beats_decision),
        READY(a_kill_switch_stops_an_order_already_journalled),
        READY(a_halt_lets_positions_be_closed),
        cmocka_unit_test_setup_teardown(an_order_waits_for_its_gateway_and_expires_in_the_end,
                                        world_setup, world_teardown),
        READY(more_than_a_gateway_takes_waits_its_turn),
        READY(an_order_that_cannot_be_sent_ends_as_a_visible_rejection),
        READY(a_market_order_that_is_accepted_is_saved_at_a_tick_if_no_fill_comes),
        READY(what_is_left_when_an_order_ends_is_a_position),
        READY(a_limit_order_is_cancelled_when_its_broker_does_not_end_it),
        READY(the_clock_of_redis_away_is_not_the_brokers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
