// test_orphans - a trade that a broker names and nobody here knows: sought, on record, and adopted
// from its gateway's books.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/fills.h"
#include "witness.h"

static size_t acks(const struct world *w, uint64_t report) {
    size_t n = 0;
    for (size_t i = 0; i < w->n_letters; i++) {
        n += w->letters[i]->descriptor == &report_ack__descriptor &&
             ((const ReportAck *)w->letters[i])->report == report;
    }
    return n;
}

static void a_report_about_an_unknown_trade_is_sought_on_record_and_acknowledged(void **state) {
    struct world *w = *state;
    gateway_fills(w, "x1", "e1", LOT);
    world_commit(w);
    assert_non_null(strstr(w->committed, "execution_state:orphans:0"));
    assert_non_null(strstr(w->committed, "x1"));
    assert_int_equal(questions(w, "x1"), 1);
    assert_int_equal(acks(w, w->report), 1);
    assert_null(trades_find(w->x->trades, "x1"));
}

static void it_is_adopted_with_all_its_executions_from_what_was_submitted(void **state) {
    struct world *w = *state;
    struct answer a;
    gateway_fills(w, "x1", "e1", LOT / 2);
    world_commit(w);
    answer_about(w, &a, "x1");
    Fill f = fill_of(w, "e1", LOT / 2, LOT), g = fill_of(w, "e2", LOT / 2, LOT),
         h = fill_of(w, "e3", LOT / 4, LOT);
    a.fills[a.m.n_fills++] = &f;
    a.fills[a.m.n_fills++] = &g;
    a.closings[a.m.n_closings++] = &h;
    a.origin.has_valid_until = true;
    a.origin.valid_until = w->now + NS_PER_S;
    a.origin.source = (char *)"bot";
    answer_found(w, &a, T(filled));
    assert_state(w, "x1", filled);
    const TradeState *s = trade_of(w, "x1");
    assert_int_equal(fills_open_lots(s).e8, LOT - LOT / 4);
    assert_int_equal(s->n_executions, 3);
    assert_string_equal(s->signal_id, "s1");
    assert_string_equal(s->source, "bot");
    assert_true(s->has_valid_until);
    assert_int_equal(results(w, "x1"), 3);
    assert_int_equal(alerts(w, "order_adopted"), 1);
    assert_int_equal(orphans_count(w->x->orphans), 0);
    gateway_fills(w, "x1", "e1", LOT / 2); // told again
    world_commit(w);
    assert_int_equal(results(w, "x1"), 3);
}

static void the_order_that_comes_later_is_not_sent(void **state) {
    struct world *w = *state;
    struct answer a;
    gateway_fills(w, "x1", "e1", LOT);
    world_commit(w);
    give_market(w, "x1"); // before the answer
    world_commit(w);
    assert_state(w, "x1", unknown);
    assert_int_equal(orphans_count(w->x->orphans), 0);
    world_live(w, 1);
    Fill f = fill_of(w, "e1", LOT, LOT);
    answer_about(w, &a, "x1");
    a.fills[a.m.n_fills++] = &f;
    answer_found(w, &a, T(filled));
    assert_state(w, "x1", filled);
    gateway_fills(w, "x2", "e2", LOT);
    world_commit(w);
    answer_about(w, &a, "x2");
    answer_found(w, &a, T(working));
    give_market(w, "x2"); // after the answer
    world_commit(w);
    assert_state(w, "x2", working);
    assert_int_equal(submits(w, NULL), 0);
}

static void what_no_books_explain_is_alarmed_once_and_stays(void **state) {
    struct world *w = *state;
    struct answer a;
    gateway_fills(w, "x1", "e1", LOT);
    world_commit(w);
    answer_about(w, &a, "x1");
    a.submit.origin = NULL; // of an earlier version
    answer_found(w, &a, T(filled));
    assert_null(trades_find(w->x->trades, "x1"));
    world_live(w, 300);
    assert_int_equal(alerts(w, "unexplained_report"), 1);
    assert_int_equal(orphans_count(w->x->orphans), 1);
    assert_in_range(questions(w, "x1"), 5, 20); // ever more seldom
}

static void a_gateway_that_keeps_no_plans_leaves_it_unexplained(void **state) {
    struct world *w = *state;
    gateway_hello(w, NONE, true);
    gateway_fills(w, "x1", "e1", LOT);
    world_commit(w);
    gateway_knows(w, "x1", T(filled), NULL);
    world_commit(w);
    assert_null(trades_find(w->x->trades, "x1"));
    world_live(w, 12);
    assert_int_equal(alerts(w, "unexplained_report"), 1);
}

static void a_restart_goes_on_seeking(void **state) {
    struct world *w = *state;
    struct answer a;
    gateway_fills(w, "x1", "e1", LOT);
    world_commit(w);
    w->n_letters = 0;
    world_restart(w);
    world_tick(w);
    witness_hello(w, FOREVER);
    world_live(w, 2);
    assert_int_equal(questions(w, "x1"), 1);
    Fill f = fill_of(w, "e1", LOT, LOT);
    answer_about(w, &a, "x1");
    a.fills[a.m.n_fills++] = &f;
    answer_found(w, &a, T(filled));
    assert_state(w, "x1", filled);
}

static void
a_state_without_an_execution_of_one_that_is_over_and_forgotten_is_old_news(void **state) {
    struct world *w = *state;
    (void)!guard_put(w->x->guard, w->batch, digest_text("x1"), w->now);
    gateway_reports(w, REPORT__KIND__cancelled, "x1");
    world_commit(w);
    assert_int_equal(orphans_count(w->x->orphans), 0);
    gateway_fills(w, "x1", "e1", LOT); // an execution is none
    world_commit(w);
    assert_int_equal(orphans_count(w->x->orphans), 1);
}

// The archive knows how it ended, and answers; its gateway may never have heard of it.
static void a_question_about_one_that_is_over_and_forgotten_seeks_nothing(void **state) {
    struct world *w = *state;
    (void)!guard_put(w->x->guard, w->batch, digest_text("x1"), w->now);
    StatusQuery q = STATUS_QUERY__INIT;
    q.trade_id = (char *)"x1";
    q.account_id = (char *)"a1";
    (void)!handle(w, TOPIC_outcomes, &q.base);
    world_commit(w);
    assert_int_equal(orphans_count(w->x->orphans), 0);
    assert_int_equal(questions(w, "x1"), 0);
}

static void what_the_archive_has_as_over_is_not_taken_up(void **state) {
    struct world *w = *state;
    static const TradeState__State over[] = {T(filled), T(closed), T(rejected), T(cancelled),
                                             T(expired)};
    have_position(w, "p1"); // executed: its gateway says what there is
    TradeState t = *trades_find(w->x->trades, "p1")->s;
    t.trade_id = (char *)"x1";
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        t.state = over[i];
        (void)!handle(w, TOPIC_recalls, &t.base);
        assert_null(trades_find(w->x->trades, "x1"));
        assert_false(guard_find(w->x->guard, digest_text("x1"), NULL));
    }
    t.state = T(working);
    (void)!handle(w, TOPIC_recalls, &t.base);
    assert_non_null(trades_find(w->x->trades, "x1"));
    world_commit(w);
}

static void what_the_archive_has_as_given_up_is_known_again_as_that(void **state) {
    struct world *w = *state;
    static const TradeState__State given_up[] = {T(rejected), T(cancelled), T(expired)};
    static const char *const ids[] = {"x1", "x2", "x3"};
    give_market(w, "t1");
    world_commit(w);
    TradeState t = *trades_find(w->x->trades, "t1")->s;
    for (size_t i = 0; i < 3; i++) {
        t.trade_id = (char *)(uintptr_t)ids[i];
        t.state = given_up[i];
        (void)!handle(w, TOPIC_recalls, &t.base);
        assert_null(trades_find(w->x->trades, ids[i])); // nothing is expected of it
        assert_true(guard_find(w->x->guard, digest_text(ids[i]), NULL));
    }
    world_commit(w);
    assert_non_null(strstr(w->committed, "trade_state:x1"));
    assert_non_null(strstr(w->committed, "trade_state:x3"));
    assert_int_equal(questions(w, NULL), 0);
    t.trade_id = (char *)"t1"; // one that is known is as it is here
    (void)!handle(w, TOPIC_recalls, &t.base);
    world_commit(w);
    assert_null(strstr(w->committed, "trade_state:t1"));
}

static void an_answer_that_speaks_of_another_trade_adopts_nothing(void **state) {
    struct world *w = *state;
    struct answer a;
    have_position(w, "p1");
    gateway_fills(w, "x1", "e1", LOT);
    world_commit(w);
    answer_about(w, &a, "x1");
    a.submit.trade_id = (char *)"p1";
    answer_found(w, &a, T(filled));
    assert_null(trades_find(w->x->trades, "x1"));
    assert_state(w, "p1", filled);
    assert_int_equal(alerts(w, "order_adopted"), 0);
}

static void a_name_that_is_no_trade_id_is_not_sought(void **state) {
    struct world *w = *state;
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    gateway_fills(w, name, "e1", LOT);
    world_commit(w);
    assert_int_equal(orphans_count(w->x->orphans), 0);
    assert_int_equal(acks(w, w->report), 1);
    assert_int_equal(alerts(w, "strange_trade_id"), 1);
}

static void a_closing_by_a_trade_that_is_not_known_is_sought(void **state) {
    struct world *w = *state;
    struct answer a;
    have_position(w, "p1");
    Fill f = fill_of(w, "e9", LOT, LOT);
    f.closed_by = (char *)"x9";
    answer_about(w, &a, "p1");
    a.closings[a.m.n_closings++] = &f;
    answer_found(w, &a, T(closed));
    assert_state(w, "p1", closed);
    assert_int_equal(trade_of(w, "p1")->unseen_lots, 0);
    assert_int_equal(questions(w, "x9"), 1);
    answer_about(w, &a, "x9");
    answer_closes(&a, "p1", LOT);
    Fill g = fill_of(w, "e9", LOT, LOT);
    Closing piece = piece_of("p1", LOT), *pieces[] = {&piece};
    g.n_closed = 1;
    g.closed = pieces;
    a.fills[a.m.n_fills++] = &g;
    answer_found(w, &a, T(filled));
    assert_state(w, "x9", filled);
    assert_int_equal(trade_of(w, "p1")->closed_lots, LOT); // once
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, with_witness, world_teardown)
    const struct CMUnitTest tests[] = {
        WITH(a_report_about_an_unknown_trade_is_sought_on_record_and_acknowledged),
        WITH(it_is_adopted_with_all_its_executions_from_what_was_submitted),
        WITH(the_order_that_comes_later_is_not_sent),
        WITH(what_no_books_explain_is_alarmed_once_and_stays),
        WITH(a_gateway_that_keeps_no_plans_leaves_it_unexplained),
        WITH(a_restart_goes_on_seeking),
        WITH(a_state_without_an_execution_of_one_that_is_over_and_forgotten_is_old_news),
        WITH(a_question_about_one_that_is_over_and_forgotten_seeks_nothing),
        WITH(what_the_archive_has_as_over_is_not_taken_up),
        WITH(what_the_archive_has_as_given_up_is_known_again_as_that),
        WITH(an_answer_that_speaks_of_another_trade_adopts_nothing),
        WITH(a_name_that_is_no_trade_id_is_not_sought),
        WITH(a_closing_by_a_trade_that_is_not_known_is_sought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
