// test_evidence - what a gateway's books say of an order counts, whatever memory holds: plans, executions, and that there was none.
// SPDX-License-Identifier: MIT
#include "common/record.h"
#include "services/executor/trade/fills.h"
#include "witness.h"

static int64_t open_lots(const struct world *w, const char *trade_id) { return fills_open_lots(trade_of(w, trade_id)).e8; }
static int64_t reserved(const struct world *w, const char *trade_id) { return trades_find(w->x->trades, trade_id)->closing; }

static void give_close_of(struct world *w, const char *trade_id, uint64_t signal_at) {
    Order o = order_of(w, trade_id);
    o.direction = SIGNAL__DIRECTION__close;
    o.has_lot_size = false;
    o.signal_at = signal_at;
    give(w, &o);
    world_commit(w);
}

// --- the plan of a close

static void a_close_whose_plan_is_not_on_record_is_asked_about_first_whatever_the_duplicate_check(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    give_close_of(w, "c1", w->now); // fresh: it cannot have been planned before
    assert_int_equal(submits(w, "c1"), 1);
    have_position(w, "p2");
    give_close_of(w, "c2", w->context.started_at - NS_PER_S);
    assert_state(w, "c2", unknown);
    w->context.rolled_back_at = w->now - NS_PER_S;
    give_close_of(w, "c3", w->now);
    assert_state(w, "c3", unknown);
    world_live(w, 1);
    assert_int_equal(submits(w, "c2") + submits(w, "c3"), 0);
    assert_int_equal(questions(w, "c2"), 1);
    assert_int_equal(questions(w, "c3"), 1);
    Order o = order_of(w, "t1"); // what opens means the same whoever reads it: the duplicate check covers it
    o.symbol = (char *)"GBPUSD";
    o.broker_symbol = (char *)"GBPUSD.m";
    o.signal_at = w->context.started_at - NS_PER_S;
    w->context.rolled_back_at = 0;
    give(w, &o);
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 1);
}

static void a_close_whose_plan_is_on_record_is_sent_again_under_cover(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    give_close_of(w, "c1", w->now);
    assert_int_equal(submits(w, "c1"), 1);
    world_restart(w);
    world_tick(w);
    witness_hello(w, FOREVER);
    witness_denies(w, "c1", 40);
    assert_int_equal(submits(w, "c1"), 2);
    assert_int_equal(last_submit(w)->n_closes, 1);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "p1");
}

static void the_plan_that_the_gateway_had_counts(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    have_position(w, "p2");
    give_close_of(w, "c1", w->context.started_at - NS_PER_S);
    world_live(w, 1);
    struct answer a;
    answer_about(w, &a, "c1");
    answer_closes(&a, "p2", LOT / 2);
    answer_found(w, &a, T(working));
    assert_state(w, "c1", working);
    assert_int_equal(trade_of(w, "c1")->lot_size, LOT / 2);
    assert_int_equal(trade_of(w, "c1")->side, SIGNAL__DIRECTION__sell);
    assert_int_equal(reserved(w, "p1"), 0);
    assert_int_equal(reserved(w, "p2"), LOT / 2);
    assert_int_equal(submits(w, "c1"), 0);
    assert_int_equal(alerts(w, "plan_adopted"), 0); // none was decided here
}

static void a_plan_decided_otherwise_is_replaced_and_reservations_follow(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    have_position(w, "p2");
    give_close(w, "c1");
    world_commit(w);
    assert_int_equal(reserved(w, "p1"), LOT);
    assert_int_equal(reserved(w, "p2"), LOT);
    Report r = report_of(w, REPORT__KIND__accepted, "c1");
    Plan plan = PLAN__INIT;
    Closing piece = piece_of("p2", LOT / 4), *pieces[] = {&piece};
    plan.side = SIGNAL__DIRECTION__sell;
    plan.lots = LOT / 4;
    plan.n_closes = 1;
    plan.closes = pieces;
    r.plan = &plan;
    gateway_says(w, &r.base);
    world_commit(w);
    assert_int_equal(reserved(w, "p1"), 0);
    assert_int_equal(reserved(w, "p2"), LOT / 4);
    assert_int_equal(alerts(w, "plan_adopted"), 1);
    witness_closes(w, "c1", "e1", "p2", LOT / 4); // all of it
    world_commit(w);
    assert_state(w, "c1", filled);
    assert_int_equal(reserved(w, "p2"), 0);
    assert_int_equal(open_lots(w, "p2"), LOT - LOT / 4);
}

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

// --- executions

static void a_fill_closes_what_it_says_whatever_memory_holds(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    have_position(w, "p2");
    Order o = order_of(w, "c1");
    o.direction = SIGNAL__DIRECTION__close; // planned here: the oldest
    give(w, &o);
    world_commit(w);
    assert_int_equal(reserved(w, "p1"), LOT);
    witness_closes(w, "c1", "e1", "p2", LOT);
    world_commit(w);
    assert_state(w, "p2", closed);
    assert_int_equal(open_lots(w, "p1"), LOT);
    assert_int_equal(reserved(w, "p1"), 0);
}

static void a_fill_of_a_gateway_that_keeps_plans_and_says_nothing_closes_nothing(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    give_close(w, "c1");
    world_commit(w);
    gateway_fills(w, "c1", "e1", LOT);
    world_commit(w);
    assert_state(w, "c1", filled);
    assert_int_equal(open_lots(w, "p1"), LOT); // its books will say it
}

// The parts of one story, told in every order, some of them twice.
static void tell_part(struct world *w, int part) {
    struct answer a;
    Fill f = fill_of(w, "e0", LOT, LOT), c = fill_of(w, "e2", LOT - LOT / 4, 2 * LOT);
    Report r;
    f.executed_at = START + 10;
    c.executed_at = START + 12;
    switch (part) {
    case 0: // its own fill
        r = report_of(w, REPORT__KIND__filled, "t1");
        r.fill = &f;
        return gateway_says(w, &r.base);
    case 1: // a close took a quarter
        f.execution_id = (char *)"e1";
        f.lots = LOT / 4;
        f.executed_at = START + 11;
        Closing piece = piece_of("t1", LOT / 4), *pieces[] = {&piece};
        f.n_closed = 1;
        f.closed = pieces;
        r = report_of(w, REPORT__KIND__filled, "c1");
        r.fill = &f;
        return gateway_says(w, &r.base);
    case 2: // its broker the rest
        r = report_of(w, REPORT__KIND__position_closed, "t1");
        r.fill = &c;
        return gateway_says(w, &r.base);
    case 3: // and its answer says it all
        answer_about(w, &a, "t1");
        Fill q = f;
        q.execution_id = (char *)"e1";
        q.lots = LOT / 4;
        q.executed_at = START + 11;
        q.closed_by = (char *)"c1";
        a.fills[a.m.n_fills++] = &f;
        a.closings[a.m.n_closings++] = &q;
        a.closings[a.m.n_closings++] = &c;
        a.m.found = a.m.has_state = true;
        a.m.state = T(closed);
        a.m.submitted = &a.submit;
        return gateway_says(w, &a.m.base);
    }
}

static void forget_order(TradeState *s) {
    s->updated_at = s->submitted_at = s->signal_at = s->ordered_at = s->valid_until = s->asked_at = 0;
    for (size_t i = 0; i < s->n_executions; i++) { // a set
        for (size_t j = i + 1; j < s->n_executions; j++) {
            if (strcmp(s->executions[i], s->executions[j]) <= 0) continue;
            char *swap = s->executions[i];
            s->executions[i] = s->executions[j];
            s->executions[j] = swap;
        }
    }
}

static void tell_in_order(const int *order, int n, struct span *out, void *buffer) {
    void *state;
    world_setup(&state);
    struct world *w = state;
    witness_hello(w, FOREVER);
    give_market(w, "t1");
    Order o = order_of(w, "c1");
    o.direction = SIGNAL__DIRECTION__close;
    o.close_trade_id = (char *)"t1";
    o.lot_size = LOT / 4;
    o.signal_at = w->context.started_at - 1; // asked about, as after a rollback
    give(w, &o);
    world_commit(w);
    for (int i = 0; i < n; i++) {
        tell_part(w, order[i]);
        world_commit(w);
    }
    TradeState *s = (TradeState *)record_copy(&trade_of(w, "t1")->base, w->arena);
    assert_int_equal(s->state, T(closed));
    assert_int_equal(results(w, "t1"), 2); // its fill and its broker's closing, each once
    forget_order(s);
    out->length = trade_state__pack(s, buffer);
    out->data = buffer;
    world_teardown(&state);
}

static void answers_and_reports_in_any_order_give_the_same(void **state) {
    (void)state;
    static const int orders[][5] = {{0, 1, 2, 3, 0}, {0, 2, 1, 3, 2}, {1, 0, 2, 3, 1}, {1, 2, 0, 3, 3}, {2, 0, 1, 3, 0}, {2, 1, 0, 3, 2},
                                    {3, 0, 1, 2, 3}, {3, 2, 1, 0, 1}, {2, 3, 0, 1, 2}, {1, 3, 2, 0, 0}, {0, 3, 1, 2, 1}};
    uint8_t one[4096], other[4096];
    struct span first, next;
    tell_in_order(orders[0], 5, &first, one);
    for (size_t i = 1; i < sizeof orders / sizeof *orders; i++) {
        tell_in_order(orders[i], 5, &next, other);
        if (next.length != first.length || memcmp(one, other, first.length) != 0) fail_msg("order %zu gives another record", i);
    }
}

static void a_piece_that_cannot_be_is_alarmed_and_closes_nothing(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    give_close(w, "c1");
    world_commit(w);
    witness_closes(w, "c1", "e1", "p1", LOT / 2);
    Fill f = fill_of(w, "e2", LOT / 2, LOT);
    Closing piece = piece_of("p1", -LOT), *pieces[] = {&piece};
    f.n_closed = 1;
    f.closed = pieces;
    Report r = report_of(w, REPORT__KIND__filled, "c1");
    r.fill = &f;
    gateway_says(w, &r.base);
    world_commit(w);
    assert_int_equal(open_lots(w, "p1"), LOT / 2);
    assert_int_equal(alerts(w, "bad_execution"), 1);
}

// --- how an order ended

static void the_answer_closed_ends_what_is_open_here(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    struct answer a;
    answer_about(w, &a, "p1");
    answer_found(w, &a, T(closed)); // and its history is gone
    assert_state(w, "p1", closed);
    assert_int_equal(trade_of(w, "p1")->unseen_lots, LOT);
    assert_int_equal(alerts(w, "position_gone"), 1);
    assert_int_equal(last_told(w, "p1")->state, T(closed));
}

static void a_close_that_was_given_less_than_planned_here_ends_with_it(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    have_position(w, "p2");
    give_close(w, "c1");
    world_commit(w);
    witness_closes(w, "c1", "e1", "p1", LOT);
    world_commit(w);
    assert_state(w, "c1", partially_filled);
    gateway_knows(w, "c1", T(filled), NULL);
    world_commit(w);
    assert_state(w, "c1", filled);
    assert_int_equal(reserved(w, "p2"), 0);
    assert_int_equal(open_lots(w, "p2"), LOT);
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
    give_market(w, "t2"); // fresh: it waits, and has never left
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
        n += s->state == T(pending) && s->has_cause && s->cause == cause && strcmp(s->cause_id, cause_id) == 0;
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
    assert_int_equal(told_pending(w, TRADE_STATE__CAUSE__flatten, "k2"), 1); // p1 is being closed already
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "p2");
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, with_witness, world_teardown)
    const struct CMUnitTest tests[] = {
        WITH(a_close_whose_plan_is_not_on_record_is_asked_about_first_whatever_the_duplicate_check),
        WITH(a_close_whose_plan_is_on_record_is_sent_again_under_cover),
        WITH(the_plan_that_the_gateway_had_counts),
        WITH(a_plan_decided_otherwise_is_replaced_and_reservations_follow),
        WITH(what_the_books_have_never_seen_is_sent_at_once_in_its_old_place),
        WITH(books_that_are_younger_than_the_signal_say_nothing),
        WITH(what_was_sent_in_this_life_may_be_on_its_way),
        WITH(what_an_earlier_life_recorded_and_the_books_have_never_seen_is_sent),
        WITH(a_fill_closes_what_it_says_whatever_memory_holds),
        WITH(a_fill_of_a_gateway_that_keeps_plans_and_says_nothing_closes_nothing),
        cmocka_unit_test(answers_and_reports_in_any_order_give_the_same),
        WITH(a_piece_that_cannot_be_is_alarmed_and_closes_nothing),
        WITH(the_answer_closed_ends_what_is_open_here),
        WITH(a_close_that_was_given_less_than_planned_here_ends_with_it),
        WITH(a_backlog_is_asked_about_in_one_turn_and_sent_in_order),
        WITH(overtaking_cancels_only_what_has_never_left),
        WITH(the_other_side_of_a_close_is_published_before_it_is_sent_once),
        WITH(a_close_on_command_and_a_flatten_say_which_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
