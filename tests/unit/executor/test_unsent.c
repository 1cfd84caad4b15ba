// test_unsent - what has never left: by its gateway's books, and by ours; in order, and told before
// it leaves.
// SPDX-License-Identifier: MIT
#include "witness.h"

// --- what its gateway's books have never seen

static void what_the_books_have_never_seen_is_sent_at_once_in_its_old_place(void **state) {
    struct world *w = *state;
    witness_hello(w, NONE);
    Order o = order_of(w, "t1");
    o.signal_at = w->context.started_at - NS_PER_S / 2;
    give(w, &o);
    give_market(w, "t2"); // waits behind the doubt
    world_commit(w);
    world_live(w, 1);
    assert_int_equal(questions(w, "t1"), 1);
    answer_never(w, "t1");
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 1);
    assert_int_equal(submits(w, "t2"), 1);
    assert_string_equal(last_submit(w)->trade_id, "t2");
    assert_int_equal(trade_of(w, "t1")->not_found, 0);
}

static void books_that_are_younger_than_the_signal_say_nothing(void **state) {
    struct world *w = *state;
    witness_greets(w, NONE, true, 78, w->now);
    world_commit(w);
    Order o = order_of(w, "t1");
    o.signal_at = w->context.started_at - NS_PER_S / 2;
    give(w, &o);
    world_commit(w);
    world_live(w, 1);
    answer_never(w, "t1");
    world_commit(w);
    assert_state(w, "t1", unknown);
    assert_int_equal(submits(w, "t1"), 0);
    assert_int_equal(trade_of(w, "t1")->not_found, 1); // like any other "not found"
}

static void what_was_sent_in_this_life_may_be_on_its_way(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    world_live(w, 6);
    assert_state(w, "t1", unknown);
    world_live(w, 1);
    answer_never(w, "t1");
    world_commit(w);
    assert_state(w, "t1", unknown);
    assert_int_equal(submits(w, "t1"), 1);
}

static void what_an_earlier_life_recorded_and_the_books_have_never_seen_is_sent(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    world_restart(w);
    world_tick(w);
    witness_hello(w, NONE);
    world_live(w, 1);
    assert_state(w, "t1", unknown);
    answer_never(w, "t1");
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 2);
}

// --- what a rollback may have hidden ends only when it is positively not there

// An order that waits for its gateway and may have been sent in a life that Redis has forgotten.
static void wait_after_rollback(struct world *w, const char *trade_id) {
    gateway_degrade(w, true);
    w->context.rolled_back_at = w->now - NS_PER_S;
    Order o = order_of(w, trade_id);
    give(w, &o);
    world_commit(w);
    assert_state(w, trade_id, pending);
}

static void cancel(struct world *w, const char *trade_id) {
    OrderCommand c = ORDER_COMMAND__INIT;
    c.command_id = (char *)"k1";
    c.account_id = (char *)"a1";
    c.action = ORDER_COMMAND__ACTION__cancel;
    c.trade_id = (char *)(uintptr_t)trade_id;
    c.created_at = w->now;
    (void)!handle(w, TOPIC_orders, &c.base);
    world_commit(w);
}

static void
cancelled_after_a_rollback_it_is_asked_about_and_cancelled_where_it_works(void **state) {
    struct world *w = *state;
    struct answer a;
    witness_hello(w, NONE);
    wait_after_rollback(w, "t1");
    cancel(w, "t1");
    assert_state(w, "t1", unknown);
    gateway_degrade(w, false);
    world_live(w, 2);
    answer_about(w, &a, "t1");
    answer_found(w, &a, T(working));
    world_commit(w);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, "t1"), 1);
    assert_int_equal(submits(w, "t1"), 0);
}

static void cancelled_after_a_rollback_what_was_never_submitted_is_over(void **state) {
    struct world *w = *state;
    witness_hello(w, NONE);
    wait_after_rollback(w, "t1");
    cancel(w, "t1");
    gateway_degrade(w, false);
    world_live(w, 2);
    answer_never(w, "t1");
    world_commit(w);
    assert_state(w, "t1", cancelled);
    assert_int_equal(submits(w, "t1"), 0);
}

static void cancelled_after_a_rollback_what_is_not_there_is_not_sent_again(void **state) {
    struct world *w = *state;
    witness_greets(w, FOREVER, true, 78, w->now); // its books are younger than the signal
    world_commit(w);
    wait_after_rollback(w, "t1");
    cancel(w, "t1");
    gateway_degrade(w, false);
    for (unsigned i = 0; i < 40 && state_of(w, "t1") == T(unknown); i++) {
        world_live(w, 1);
        answer_never(w, "t1");
        world_commit(w);
    }
    assert_state(w, "t1", cancelled);
    assert_int_equal(submits(w, "t1"), 0);
}

static void expired_after_a_rollback_it_is_asked_about_first(void **state) {
    struct world *w = *state;
    witness_hello(w, NONE);
    wait_after_rollback(w, "t1");
    world_pass(w, 65 * NS_PER_S); // its gateway does not come
    world_tick(w);
    assert_state(w, "t1", unknown);
    witness_hello(w, NONE);
    world_live(w, 2);
    answer_never(w, "t1");
    world_commit(w);
    assert_state(w, "t1", expired);
    assert_int_equal(submits(w, "t1"), 0);
}

static void a_close_of_what_was_given_up_has_it_asked_about(void **state) {
    struct world *w = *state;
    struct answer a;
    have_position(w, "p1");
    gateway_degrade(w, true);
    give_market(w, "t1");
    world_commit(w);
    cancel(w, "t1");
    assert_state(w, "t1", cancelled);
    gateway_degrade(w, false);
    give_close(w, "c1");
    world_commit(w);
    witness_closes(w, "c1", "e9", "t1", LOT);
    world_commit(w);
    assert_int_equal(questions(w, "t1"), 1);
    answer_about(w, &a, "t1");
    Fill f = fill_of(w, "e8", LOT, LOT);
    a.fills[a.m.n_fills++] = &f;
    answer_found(w, &a, T(closed));
    assert_state(w, "t1", closed);
    assert_int_equal(trade_of(w, "t1")->filled_lots, LOT);
}

static void what_no_rollback_can_have_hidden_ends_at_once(void **state) {
    struct world *w = *state;
    witness_hello(w, NONE);
    gateway_degrade(w, true);
    give_market(w, "t1");
    world_commit(w);
    cancel(w, "t1");
    assert_state(w, "t1", cancelled);
}

// --- many at once

static char ids[100][8];

static void a_backlog_is_asked_about_in_one_turn_and_sent_in_order(void **state) {
    struct world *w = *state;
    witness_hello(w, NONE);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "t%02d", i);
        Order o = order_of(w, ids[i]);
        o.signal_at = w->context.started_at - NS_PER_S / 2;
        give(w, &o);
    }
    world_commit(w);
    world_live(w, 1);
    assert_int_equal(questions(w, NULL), 100);
    for (int i = 99; i >= 0; i--) answer_never(w, ids[i]);
    world_commit(w);
    size_t sent = 0;
    for (size_t i = 0; i < w->n_letters; i++) {
        if (w->letters[i]->descriptor != &submit__descriptor) continue;
        assert_string_equal(((const Submit *)w->letters[i])->trade_id, ids[sent++]);
    }
    assert_int_equal(sent, 100);
}

static void overtaking_cancels_only_what_has_never_left(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    give_market(w, "t1");
    world_commit(w);
    world_live(w, 6); // in doubt
    assert_state(w, "t1", unknown);
    give_market(w, "t2");        // fresh: it waits, and has never left
    Order o = order_of(w, "t3"); // driven by hand: it waits, and may have left before
    o.has_resend = o.resend = true;
    give(w, &o);
    world_commit(w);
    assert_state(w, "t3", pending);
    give_close(w, "c1");
    world_commit(w);
    assert_int_equal(submits(w, "c1"), 1);
    assert_state(w, "t2", cancelled);
    assert_state(w, "t3", pending);
}

// --- orders that the executor makes itself

static size_t told_pending(const struct world *w, TradeState__Cause cause, const char *cause_id) {
    size_t n = 0;
    for (size_t i = 0; i < w->n_told; i++) {
        if (w->told[i]->descriptor != &execution__descriptor) continue;
        const TradeState *s = ((const Execution *)w->told[i])->trade;
        n += s->state == T(pending) && s->has_cause && s->cause == cause &&
             strcmp(s->cause_id, cause_id) == 0;
    }
    return n;
}

static void the_other_side_of_a_close_is_published_before_it_is_sent_once(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    Order o = order_of(w, "p2");
    o.direction = SIGNAL__DIRECTION__sell;
    give(w, &o);
    world_commit(w);
    gateway_fills(w, "p2", "e2", LOT);
    world_commit(w);
    give_close(w, "c1");
    assert_int_equal(told_pending(w, TRADE_STATE__CAUSE__other_side, "c1"), 0);
    size_t before = submits(w, NULL);
    world_commit(w); // told, then sent
    assert_int_equal(told_pending(w, TRADE_STATE__CAUSE__other_side, "c1"), 1);
    assert_int_equal(submits(w, NULL), before + 2);
    assert_string_equal(last_submit(w)->origin->cause_id, "c1");
    world_live(w, 3);
    assert_int_equal(told_pending(w, TRADE_STATE__CAUSE__other_side, "c1"), 1);
}

static void a_close_on_command_and_a_flatten_say_which_command(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    OrderCommand c = ORDER_COMMAND__INIT;
    c.amendment = new_amendment();
    c.trailing = new_trailing();
    c.command_id = (char *)"k1";
    c.account_id = (char *)"a1";
    c.action = ORDER_COMMAND__ACTION__close;
    c.trade_id = (char *)"p1";
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
    world_commit(w);
    assert_int_equal(told_pending(w, TRADE_STATE__CAUSE__command, "k1"), 1);
    assert_int_equal(last_submit(w)->origin->cause, TRADE_STATE__CAUSE__command);
    have_position(w, "p2");
    Command halt = COMMAND__INIT;
    halt.command_id = (char *)"k2";
    halt.action = COMMAND__ACTION__halt;
    halt.has_flatten = halt.flatten = true;
    halt.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_commands, &halt.base), ERR_OK);
    world_commit(w);
    world_live(w, 3);
    assert_int_equal(told_pending(w, TRADE_STATE__CAUSE__flatten, "k2"),
                     1); // p1 is being closed already
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "p2");
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, with_witness, world_teardown)
    const struct CMUnitTest tests[] = {
        WITH(what_the_books_have_never_seen_is_sent_at_once_in_its_old_place),
        WITH(books_that_are_younger_than_the_signal_say_nothing),
        WITH(what_was_sent_in_this_life_may_be_on_its_way),
        WITH(what_an_earlier_life_recorded_and_the_books_have_never_seen_is_sent),
        WITH(a_backlog_is_asked_about_in_one_turn_and_sent_in_order),
        WITH(overtaking_cancels_only_what_has_never_left),
        WITH(cancelled_after_a_rollback_it_is_asked_about_and_cancelled_where_it_works),
        WITH(cancelled_after_a_rollback_what_was_never_submitted_is_over),
        WITH(cancelled_after_a_rollback_what_is_not_there_is_not_sent_again),
        WITH(expired_after_a_rollback_it_is_asked_about_first),
        WITH(a_close_of_what_was_given_up_has_it_asked_about),
        WITH(what_no_rollback_can_have_hidden_ends_at_once),
        WITH(the_other_side_of_a_close_is_published_before_it_is_sent_once),
        WITH(a_close_on_command_and_a_flatten_say_which_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
