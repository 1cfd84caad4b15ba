// test_resolve - trades in doubt: unknown, quarantined, asked about, and in the end adopted,
// expired, sent again or held.
// SPDX-License-Identifier: MIT
#include "world.h"

static int with(void **state, Hello__DuplicateCheck check, bool can_query) {
    world_setup(state);
    gateway_hello(*state, check, can_query);
    return 0;
}

static int unchecked(void **state) { return with(state, HELLO__DUPLICATE_CHECK__none, true); }
static int checked(void **state) { return with(state, HELLO__DUPLICATE_CHECK__forever, true); }
static int blind(void **state) { return with(state, HELLO__DUPLICATE_CHECK__none, false); }

// Sent, and no answer within the time.
static void lose_answer(struct world *w, const char *trade_id) {
    give_market(w, trade_id);
    world_commit(w);
    world_live(w, 5);
    world_pass(w, 100 * MS);
    world_tick(w);
}

// The broker answers every question that it does not know the trade, for so many seconds.
static void deny(struct world *w, const char *trade_id, unsigned seconds) {
    size_t answered = 0;
    for (unsigned i = 0; i < seconds; i++) {
        world_live(w, 1);
        for (; answered < questions(w, trade_id); answered++) gateway_does_not_know(w, trade_id);
        world_commit(w);
    }
}

static void a_timeout_is_unknown_never_rejected(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    world_live(w, 4);
    assert_state(w, "t1", submitting);
    world_live(w, 2);
    assert_state(w, "t1", unknown);
    assert_int_equal(last_told(w, "t1")->state, T(unknown));
    assert_int_equal(alerts(w, "trade_unknown"), 1);
    world_live(w, 600); // and whatever time goes by without an answer
    assert_state(w, "t1", unknown);
    assert_int_equal(submits(w, "t1"), 1);
    assert_true(questions(w, "t1") > 5);
}

static void what_is_found_is_adopted_with_all_its_fills(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    world_live(w, 1);
    assert_int_equal(questions(w, "t1"), 1);
    Fill f = fill_of(w, "e1", LOT, LOT);
    gateway_knows(w, "t1", T(filled), &f);
    world_commit(w);
    assert_state(w, "t1", filled);
    gateway_fills(w, "t1", "e1", LOT); // the report that was lost comes after all
    world_commit(w);
    assert_int_equal(results(w, "t1"), 1);
    assert_int_equal(submits(w, "t1"), 1);
}

static void found_without_a_fill_it_works(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    gateway_knows(w, "t1", T(working), NULL);
    world_commit(w);
    assert_state(w, "t1", working);
}

static void any_report_is_an_answer(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    gateway_reports(w, REPORT__KIND__rejected, "t1");
    world_commit(w);
    assert_state(w, "t1", rejected);
    assert_int_equal(w->x->accounts ? accounts_find(w->x->accounts, "a1")->unknown : 1, 0);
}

static void an_account_and_symbol_in_doubt_take_no_new_exposure(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    give_market(w, "t2");
    Order other = order_of(w, "t3");
    other.symbol = (char *)"GBPUSD";
    other.broker_symbol = (char *)"GBPUSD.m";
    give(w, &other);
    world_commit(w);
    assert_state(w, "t2", pending);
    assert_int_equal(submits(w, "t3"), 1); // another symbol
    world_live(w, 1);
    assert_int_equal(accounts_find(w->x->accounts, "a1")->state->state,
                     ACCOUNT_STATE__STATE__quarantined);
    assert_int_equal(alerts(w, "account_quarantined"), 1);
    gateway_knows(w, "t1", T(working), NULL);
    world_commit(w);
    assert_int_equal(submits(w, "t2"), 1); // as soon as it is known
    world_live(w, 1);
    assert_int_equal(accounts_find(w->x->accounts, "a1")->state->state,
                     ACCOUNT_STATE__STATE__ready);
}

static void
an_order_from_before_the_start_is_asked_about_first_unless_the_duplicate_check_covers_it(
    void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.signal_at = w->context.started_at - NS_PER_S; // and ordered now: a decision made again
    give(w, &o);
    world_commit(w);
    assert_state(w, "t1", unknown);
    assert_int_equal(submits(w, "t1"), 0);
    world_live(w, 1);
    assert_int_equal(questions(w, "t1"), 1);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    o.trade_id = (char *)"t2";
    o.account_id = (char *)"a2";
    give(w, &o);
    world_commit(w);
    assert_int_equal(submits(w, "t2"), 1);
}

static void an_order_asked_about_first_is_sent_once_it_is_positively_not_there(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.signal_at = w->context.started_at - NS_PER_S;
    give(w, &o);
    world_commit(w);
    deny(w, "t1", 28);
    assert_int_equal(submits(w, "t1"), 0);
    deny(w, "t1", 6);
    assert_int_equal(submits(w, "t1"), 1);
    assert_true(questions(w, "t1") >= 5);
}

static void an_order_after_a_rollback_or_driven_by_hand_is_asked_about_first(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.has_resend = o.resend = true;
    give(w, &o);
    w->context.rolled_back_at = w->now - 5 * NS_PER_S;
    Order p = order_of(w, "t2");
    p.account_id = (char *)"a2";
    give(w, &p);
    world_commit(w);
    assert_int_equal(submits(w, NULL), 0);
    assert_state(w, "t1", unknown);
    assert_state(w, "t2", unknown);
}

static void what_was_sent_and_is_not_there_is_sent_again_only_under_cover(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    deny(w, "t1", 40);
    assert_int_equal(submits(w, "t1"), 2); // under the same id
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_state(w, "t1", filled);
}

static void without_cover_it_is_held_and_expires_when_it_is_too_old(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    deny(w, "t1", 40);
    assert_int_equal(submits(w, "t1"), 1);
    assert_state(w, "t1", unknown);
    assert_true(trades_find(w->x->trades, "t1")->s->held);
    assert_int_equal(alerts(w, "trade_held"), 1);
    deny(w, "t1", 60); // its signal is valid for a minute
    assert_state(w, "t1", expired);
    assert_int_equal(submits(w, "t1"), 1);
}

static void what_was_given_up_and_comes_to_light_is_adopted(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    deny(w, "t1", 100);
    assert_state(w, "t1", expired);
    world_restart(w); // it is still watched by the next life
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_state(w, "t1", filled);
    assert_int_equal(alerts(w, "evidence_overrides"), 1);
}

static void the_operator_releases_what_is_held(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    deny(w, "t1", 40);
    operator_says(w, COMMAND__ACTION__release, NULL, "t1");
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 2);
    operator_says(w, COMMAND__ACTION__release, NULL, "t1"); // nothing to release any more
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 2);
}

static void a_broker_that_can_neither_check_nor_be_asked_gets_it_at_most_once(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    world_live(w, 300);
    assert_state(w, "t1", unknown);
    assert_true(trades_find(w->x->trades, "t1")->s->held);
    assert_int_equal(submits(w, "t1"), 1);
    Order o = order_of(w, "t2");
    o.account_id = (char *)"a2";
    o.signal_at = w->context.started_at - NS_PER_S;
    give(w, &o);
    world_commit(w);
    world_live(w, 30);
    assert_int_equal(submits(w, "t2"), 0);
    assert_int_equal(questions(w, NULL), 0);
    assert_true(trades_find(w->x->trades, "t2")->s->held);
}

static void a_duplicate_is_a_reason_to_ask_not_to_believe(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    Report r = report_of(w, REPORT__KIND__rejected, "t1");
    r.has_duplicate = r.duplicate = true;
    gateway_says(w, &r.base);
    world_commit(w);
    assert_state(w, "t1", unknown);
    world_live(w, 1);
    assert_int_equal(questions(w, "t1"), 1);
}

static void an_unsure_report_leaves_it_unknown(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    Report r = report_of(w, REPORT__KIND__rejected, "t1");
    r.has_unsure = r.unsure = true;
    gateway_says(w, &r.base);
    world_commit(w);
    assert_state(w, "t1", unknown);
}

static void a_question_that_could_not_be_asked_says_nothing(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    OrderStatus s = ORDER_STATUS__INIT;
    s.trade_id = (char *)"t1";
    s.account_id = (char *)"a1";
    s.has_failed = s.failed = true;
    for (int i = 0; i < 50; i++) {
        world_live(w, 1);
        gateway_says(w, &s.base);
        world_commit(w);
    }
    assert_state(w, "t1", unknown);
    assert_int_equal(trades_find(w->x->trades, "t1")->s->not_found, 0);
}

static void an_answer_counts_once(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    world_live(w, 1);
    for (int i = 0; i < 9; i++) gateway_does_not_know(w, "t1");
    assert_int_equal(trades_find(w->x->trades, "t1")->s->not_found, 1);
}

static void what_was_submitting_when_we_died_is_unknown_and_asked_about(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    Order o = order_of(w, "t2");
    o.account_id = (char *)"a2";
    give(w, &o);
    world_commit(w);
    gateway_fills(w, "t2", "e2", LOT);
    world_commit(w);
    w->n_letters = 0;
    world_restart(w);
    world_tick(w);
    assert_state(w, "t1", unknown);
    assert_state(w, "t2", filled);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    world_live(w, 1);
    assert_int_equal(questions(w, "t1"), 1);
    assert_int_equal(questions(w, "t2"), 1); // once, for what we may not have heard
    world_live(w, 60);
    assert_int_equal(questions(w, "t2"), 1);
    assert_int_equal(submits(w, NULL), 0);
}

static void what_waited_when_we_died_is_asked_about_before_it_is_sent(void **state) {
    struct world *w = *state; // no gateway yet
    give_market(w, "t1");
    world_commit(w);
    assert_state(w, "t1", pending);
    world_restart(w);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__none, true);
    world_live(w, 1);
    assert_int_equal(submits(w, "t1"), 0);
    assert_state(w, "t1", unknown);
}

static void a_lost_gateway_leaves_what_it_was_given_unknown(void **state) {
    struct world *w = *state;
    ((struct executor_settings *)w->settings)->order_answer_within_ms = 3600000;
    w->x->patience.answer_within = 3600 * NS_PER_S;
    give_market(w, "t1");
    world_commit(w);
    for (int i = 0; i < 110; i++) {
        world_pass(w, 100 * MS);
        world_tick(w);
    }
    assert_state(w, "t1", unknown);
    assert_int_equal(alerts(w, "instance_lost"), 1);
}

// What is refused by the socket has not left, and that is certain: no doubt, it waits for its
// gateway.
static void what_could_not_be_handed_over_waits_in_its_order(void **state) {
    struct world *w = *state;
    w->wire_full = true;
    give_market(w, "t1");
    give_market(w, "t2");
    world_commit(w);
    give_market(w, "t3");
    world_commit(w);
    world_tick(w);
    assert_state(w, "t1", pending);
    assert_state(w, "t3", pending);
    w->wire_full = false;
    world_tick(w);
    assert_int_equal(submits(w, NULL), 0); // not before it speaks
    gateway_beat(w);
    world_tick(w);
    assert_int_equal(submits(w, NULL), 3);
    assert_int_equal(questions(w, NULL), 0);
    assert_string_equal(last_submit(w)->trade_id, "t3");
}

static void what_was_sent_before_and_cannot_be_sent_again_stays_in_doubt(void **state) {
    struct world *w = *state;
    lose_answer(w, "t1");
    deny(w, "t1", 29);
    w->wire_full = true;
    deny(w, "t1", 3);
    world_tick(w);
    assert_state(w, "t1", unknown);
    assert_int_equal(submits(w, "t1"), 1);
}

int main(void) {
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WITH(unchecked, a_timeout_is_unknown_never_rejected),
        WITH(unchecked, what_is_found_is_adopted_with_all_its_fills),
        WITH(unchecked, found_without_a_fill_it_works),
        WITH(unchecked, any_report_is_an_answer),
        WITH(unchecked, an_account_and_symbol_in_doubt_take_no_new_exposure),
        WITH(
            unchecked,
            an_order_from_before_the_start_is_asked_about_first_unless_the_duplicate_check_covers_it),
        WITH(unchecked, an_order_asked_about_first_is_sent_once_it_is_positively_not_there),
        WITH(unchecked, an_order_after_a_rollback_or_driven_by_hand_is_asked_about_first),
        WITH(checked, what_was_sent_and_is_not_there_is_sent_again_only_under_cover),
        WITH(unchecked, without_cover_it_is_held_and_expires_when_it_is_too_old),
        WITH(unchecked, what_was_given_up_and_comes_to_light_is_adopted),
        WITH(unchecked, the_operator_releases_what_is_held),
        WITH(blind, a_broker_that_can_neither_check_nor_be_asked_gets_it_at_most_once),
        WITH(checked, a_duplicate_is_a_reason_to_ask_not_to_believe),
        WITH(unchecked, an_unsure_report_leaves_it_unknown),
        WITH(unchecked, a_question_that_could_not_be_asked_says_nothing),
        WITH(unchecked, an_answer_counts_once),
        WITH(unchecked, what_was_submitting_when_we_died_is_unknown_and_asked_about),
        WITH(world_setup, what_waited_when_we_died_is_asked_about_before_it_is_sent),
        WITH(unchecked, a_lost_gateway_leaves_what_it_was_given_unknown),
        WITH(unchecked, what_could_not_be_handed_over_waits_in_its_order),
        WITH(checked, what_was_sent_before_and_cannot_be_sent_again_stays_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
