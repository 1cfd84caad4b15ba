// test_evidence - what a gateway's books say of an order counts, whatever memory holds: plans,
// executions, and that there was none.
// SPDX-License-Identifier: MIT
#include "common/schema/record.h"
#include "services/executor/trade/fills.h"
#include "witness.h"

static int64_t open_lots(const struct world *w, const char *trade_id) {
    return fills_open_lots(trade_of(w, trade_id)).e8;
}
static int64_t reserved(const struct world *w, const char *trade_id) {
    return trades_find(w->x->trades, trade_id)->closing;
}

static void give_close_of(struct world *w, const char *trade_id, uint64_t signal_at) {
    Order o = order_of(w, trade_id);
    o.direction = SIGNAL__DIRECTION__close;
    o.terms->has_lot_size = false;
    o.signal_at = signal_at;
    give(w, &o);
    world_commit(w);
}

// --- the plan of a close

static void a_close_whose_plan_is_not_on_record_is_asked_about_first_whatever_the_duplicate_check(
    void **state) {
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
    Order o = order_of(
        w, "t1"); // what opens means the same whoever reads it: the duplicate check covers it
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
    assert_int_equal(trade_of(w, "c1")->terms->lot_size, LOT / 2);
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

// A reverse that was decided again after a rollback, the other way round: what the broker was given
// first is what it is.
static void an_order_that_was_decided_again_for_the_other_side_is_what_was_submitted(void **state) {
    struct world *w = *state;
    struct answer a;
    Order o = order_of(w, "t1"); // a buy
    o.signal_at = w->context.started_at - NS_PER_S / 2;
    o.terms->has_stop_loss = true;
    o.terms->stop_loss = LOT;
    give(w, &o);
    world_commit(w);
    world_live(w, 1);
    answer_about(w, &a, "t1");
    a.submit.side = SIGNAL__DIRECTION__sell;
    a.submit.terms->has_stop_loss = true;
    a.submit.terms->stop_loss = 2 * LOT;
    Fill f = fill_of(w, "e1", LOT, LOT);
    a.fills[a.m.n_fills++] = &f;
    answer_found(w, &a, T(filled));
    assert_state(w, "t1", filled);
    const TradeState *s = trade_of(w, "t1");
    assert_int_equal(s->side, SIGNAL__DIRECTION__sell);
    assert_int_equal(s->direction, SIGNAL__DIRECTION__sell);
    assert_int_equal(s->terms->stop_loss, 2 * LOT);
    assert_int_equal(trades_find(w->x->trades, "t1")->holding->short_lots, LOT);
    assert_int_equal(trades_find(w->x->trades, "t1")->holding->long_lots, 0);
    assert_non_null(strstr(w->committed, "sell"));
    assert_int_equal(alerts(w, "bad_plan"), 0);
    assert_int_equal(alerts(w, "plan_adopted"), 1);
}

static void a_plan_that_cannot_be_is_alarmed_and_not_believed(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    Closing piece = piece_of("p1", -LOT), *pieces[] = {&piece};
    for (int i = 0; i < 3; i++) {
        Report r = report_of(w, REPORT__KIND__accepted, "p1");
        Plan plan = PLAN__INIT;
        plan.side = i == 0 ? SIGNAL__DIRECTION__sell : SIGNAL__DIRECTION__buy; // it was a buy
        plan.lots = i == 1 ? 0 : LOT;
        plan.n_closes = i == 2;
        plan.closes = pieces;
        r.plan = &plan;
        gateway_says(w, &r.base);
        world_commit(w);
    }
    const struct holding *p = trades_find(w->x->trades, "p1")->holding;
    assert_int_equal(alerts(w, "bad_plan"), 1);
    assert_int_equal(trade_of(w, "p1")->side, SIGNAL__DIRECTION__buy);
    assert_int_equal(trade_of(w, "p1")->terms->lot_size, LOT);
    assert_int_equal(trade_of(w, "p1")->n_closes, 0);
    Report r = report_of(w, REPORT__KIND__position_closed, "p1");
    Fill f = fill_of(w, "e2", LOT, LOT);
    r.fill = &f;
    gateway_says(w, &r.base);
    world_commit(w);
    assert_int_equal(p->long_lots, 0);
    assert_int_equal(p->short_lots, 0);
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
    s->updated_at = s->submitted_at = s->signal_at = s->ordered_at = s->valid_until = s->asked_at =
        0;
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
    o.terms->close_trade_id = (char *)"t1";
    o.terms->lot_size = LOT / 4;
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
    static const int orders[][5] = {{0, 1, 2, 3, 0}, {0, 2, 1, 3, 2}, {1, 0, 2, 3, 1},
                                    {1, 2, 0, 3, 3}, {2, 0, 1, 3, 0}, {2, 1, 0, 3, 2},
                                    {3, 0, 1, 2, 3}, {3, 2, 1, 0, 1}, {2, 3, 0, 1, 2},
                                    {1, 3, 2, 0, 0}, {0, 3, 1, 2, 1}};
    uint8_t one[4096], other[4096];
    struct span first, next;
    tell_in_order(orders[0], 5, &first, one);
    for (size_t i = 1; i < sizeof orders / sizeof *orders; i++) {
        tell_in_order(orders[i], 5, &next, other);
        if (next.length != first.length || memcmp(one, other, first.length) != 0)
            fail_msg("order %zu gives another record", i);
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

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, with_witness, world_teardown)
    const struct CMUnitTest tests[] = {
        WITH(a_close_whose_plan_is_not_on_record_is_asked_about_first_whatever_the_duplicate_check),
        WITH(a_close_whose_plan_is_on_record_is_sent_again_under_cover),
        WITH(the_plan_that_the_gateway_had_counts),
        WITH(a_plan_decided_otherwise_is_replaced_and_reservations_follow),
        WITH(an_order_that_was_decided_again_for_the_other_side_is_what_was_submitted),
        WITH(a_plan_that_cannot_be_is_alarmed_and_not_believed),
        WITH(a_fill_closes_what_it_says_whatever_memory_holds),
        WITH(a_fill_of_a_gateway_that_keeps_plans_and_says_nothing_closes_nothing),
        cmocka_unit_test(answers_and_reports_in_any_order_give_the_same),
        WITH(a_piece_that_cannot_be_is_alarmed_and_closes_nothing),
        WITH(the_answer_closed_ends_what_is_open_here),
        WITH(a_close_that_was_given_less_than_planned_here_ends_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
