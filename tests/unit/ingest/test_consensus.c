// test_consensus - when sources agree: every rule at its edge.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/own.h"
#include "services/ingest/consensus/consensus.h"

#define NOW   (UINT64_C(1742638530) * NS_PER_S)
#define E8(x) ((int64_t)((x)*1000000 + 0.5) * 100) // a literal with at most 6 decimals
#define BUY   SIGNAL__DIRECTION__buy
#define SELL  SIGNAL__DIRECTION__sell
#define CLOSE SIGNAL__DIRECTION__close
#define PARTS 4

// A rule over the sources a, b, c and d, and a ballot that is filled vote by vote.
struct world {
    SignalConfig row;
    Consensus rule;
    Consensus__Part parts[PARTS], *listed[PARTS];
    arena_t *arena;
    Ballot *ballot;
    unsigned heard;
};

static char *const names[PARTS] = {(char *)"a", (char *)"b", (char *)"c", (char *)"d"};

static void world_open(struct world *w, const int64_t weights[PARTS], size_t n) {
    memset(w, 0, sizeof *w);
    w->arena = arena_new(0);
    signal_config__init(&w->row);
    consensus__init(&w->rule);
    w->row.config_id = (char *)"both";
    w->row.token_hash = (char *)"";
    w->row.consensus = &w->rule;
    for (size_t i = 0; i < n; i++) {
        consensus__part__init(&w->parts[i]);
        w->parts[i].source = names[i];
        w->parts[i].has_weight = true;
        w->parts[i].weight = weights[i];
        w->listed[i] = &w->parts[i];
    }
    w->rule.parts = w->listed;
    w->rule.n_parts = n;
    w->rule.window_s = 60;
}

static Signal *said(struct world *w, const char *source, Signal__Direction direction, uint64_t at) {
    Signal *s = arena_take(w->arena, sizeof *s);
    signal__init(s);
    s->signal_id = arena_format(w->arena, "%s-%u", source, ++w->heard);
    s->source = arena_text(w->arena, source);
    s->symbol = (char *)"EURUSD";
    s->order_type = SIGNAL__ORDER_TYPE__market;
    s->direction = direction;
    s->status = SIGNAL__STATUS__pending;
    s->created_at = at;
    return s;
}

static struct heard hear(struct world *w, Signal *s) {
    struct heard heard;
    consensus_hear(&(struct hearing){&w->row, w->ballot, s}, w->arena, &heard);
    w->ballot = heard.ballot;
    return heard;
}

// --- tables: votes one after the other, and whether the last of them completes

struct say {
    char source; // 0: no more
    Signal__Direction direction;
    uint32_t after_ns_over; // added to after_s
    uint32_t after_s;       // since the first
    double confidence;      // 0: none
};

#define VOTES 6

static const struct example {
    const char *name;
    double weights[PARTS];
    size_t n;
    double agreement, confidence; // least; confidence 0: none asked for
    struct say votes[VOTES];
    bool reached; // by the last vote; by none before it
    double got;   // agreement then
} examples[] = {
    {"two of two", {1, 1}, 2, 1, 0, {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 1, 0}}, true, 1},
    {"one of two", {1, 1}, 2, 1, 0, {{'a', BUY, 0, 0, 0}}, false, 0.5},
    {"one alone may be enough", {1, 1}, 2, 0.5, 0, {{'a', BUY, 0, 0, 0}}, true, 0.5},
    {"exactly at the agreement",
     {1, 1, 1, 1},
     4,
     0.75,
     0,
     {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 0, 0}, {'c', BUY, 0, 0, 0}},
     true,
     0.75},
    {"just below the agreement",
     {1, 1, 1, 1},
     4,
     0.750001,
     0,
     {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 0, 0}, {'c', BUY, 0, 0, 0}},
     false,
     0.75},
    {"two thirds are rounded to nearest",
     {1, 1, 1},
     3,
     0.666666,
     0,
     {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 0, 0}},
     true,
     0.66666667},
    {"weights count, not heads",
     {3, 1, 1},
     3,
     0.6,
     0,
     {{'b', BUY, 0, 0, 0}, {'c', BUY, 0, 0, 0}},
     false,
     0.4},
    {"one heavy vote", {3, 1, 1}, 3, 0.6, 0, {{'a', BUY, 0, 0, 0}}, true, 0.6},
    {"an opposite vote cancels",
     {1, 1, 1},
     3,
     0.6,
     0,
     {{'a', SELL, 0, 0, 0}, {'b', BUY, 0, 0, 0}, {'c', BUY, 0, 0, 0}},
     false,
     0.33333333},
    {"an opposite vote is outweighed",
     {1, 2, 2},
     3,
     0.6,
     0,
     {{'a', SELL, 0, 0, 0}, {'b', BUY, 0, 0, 0}, {'c', BUY, 0, 0, 0}},
     true,
     0.6},
    {"a tie is no agreement",
     {1, 1, 1, 1},
     4,
     0.3,
     0,
     {{'a', SELL, 0, 0, 0}, {'b', BUY, 0, 0, 0}},
     false,
     0},
    {"a minority is no agreement",
     {2, 1, 1, 1},
     4,
     0.5,
     0,
     {{'a', SELL, 0, 0, 0}, {'b', BUY, 0, 0, 0}},
     false,
     0},
    {"at the end of the window",
     {1, 1},
     2,
     1,
     0,
     {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 60, 0}},
     true,
     1},
    {"a tick after the window",
     {1, 1},
     2,
     1,
     0,
     {{'a', BUY, 0, 0, 0}, {'b', BUY, 1, 60, 0}},
     false,
     0.5},
    {"an opposite vote expires, too",
     {1, 1, 1},
     3,
     0.6,
     0,
     {{'a', SELL, 0, 0, 0}, {'b', BUY, 0, 30, 0}, {'c', BUY, 1, 60, 0}},
     true,
     0.66666667},
    {"a part twice is one vote",
     {1, 1, 1},
     3,
     0.6,
     0,
     {{'a', BUY, 0, 0, 0}, {'a', BUY, 0, 1, 0}},
     false,
     0.33333333},
    {"its latest counts",
     {1, 1},
     2,
     1,
     0,
     {{'a', SELL, 0, 0, 0}, {'b', BUY, 0, 1, 0}, {'a', BUY, 0, 2, 0}},
     true,
     1},
    {"who turns round takes the vote away",
     {1, 1},
     2,
     1,
     0,
     {{'a', BUY, 0, 0, 0}, {'a', SELL, 0, 1, 0}, {'b', BUY, 0, 2, 0}},
     false,
     0},
    {"its latest has its own window",
     {1, 1},
     2,
     1,
     0,
     {{'a', BUY, 0, 0, 0}, {'a', BUY, 0, 50, 0}, {'b', BUY, 0, 90, 0}},
     true,
     1},
    {"no weight, no vote",
     {1, 1, 0},
     3,
     1,
     0,
     {{'a', BUY, 0, 0, 0}, {'c', BUY, 0, 0, 0}},
     false,
     0.5},
    {"no weight, no objection",
     {1, 1, 0},
     3,
     1,
     0,
     {{'c', SELL, 0, 0, 0}, {'a', BUY, 0, 0, 0}, {'b', BUY, 0, 0, 0}},
     true,
     1},
    {"no weight completes nothing",
     {1, 1, 0, 1},
     4,
     0.5,
     0,
     {{'b', SELL, 0, 0, 0}, {'a', BUY, 0, 30, 0}, {'d', BUY, 0, 31, 0}, {'c', BUY, 0, 61, 0}},
     false,
     0.66666667},
    {"nobody has weight", {0, 0}, 2, 0.1, 0, {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 0, 0}}, false, 0},
    {"closing is agreed on, too",
     {1, 1},
     2,
     1,
     0,
     {{'a', CLOSE, 0, 0, 0}, {'b', CLOSE, 0, 0, 0}},
     true,
     1},
    {"to close is not to sell",
     {1, 1, 1},
     3,
     0.4,
     0,
     {{'a', CLOSE, 0, 0, 0}, {'b', SELL, 0, 0, 0}},
     false,
     0},
    {"exactly at the confidence",
     {1, 1},
     2,
     1,
     70,
     {{'a', BUY, 0, 0, 60}, {'b', BUY, 0, 0, 80}},
     true,
     1},
    {"just below the confidence",
     {1, 1},
     2,
     1,
     70.01,
     {{'a', BUY, 0, 0, 60}, {'b', BUY, 0, 0, 80}},
     false,
     1},
    {"confidence is weighed",
     {3, 1},
     2,
     1,
     75,
     {{'a', BUY, 0, 0, 80}, {'b', BUY, 0, 0, 60}},
     true,
     1},
    {"who gives no confidence says nothing of it",
     {1, 1},
     2,
     1,
     80,
     {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 0, 80}},
     true,
     1},
    {"nobody gives one", {1, 1}, 2, 1, 1, {{'a', BUY, 0, 0, 0}, {'b', BUY, 0, 0, 0}}, false, 1},
    {"those against do not lower it",
     {3, 1},
     2,
     0.5,
     80,
     {{'b', SELL, 0, 0, 10}, {'a', BUY, 0, 0, 80}},
     true,
     0.5},
};

static int64_t e8_of(double x) { return (int64_t)(x * 1e8 + (x < 0 ? -0.5 : 0.5)); }

static bool holds(const struct example *e) {
    struct world w;
    int64_t weights[PARTS];
    for (size_t i = 0; i < PARTS; i++) weights[i] = e8_of(e->weights[i]);
    world_open(&w, weights, e->n);
    w.rule.min_agreement = e8_of(e->agreement);
    w.rule.has_min_confidence = e->confidence > 0;
    w.rule.min_confidence = e8_of(e->confidence);
    bool early = false;
    struct heard last = {0};
    for (size_t i = 0; i < VOTES && e->votes[i].source; i++) {
        const struct say *v = &e->votes[i];
        early = early || last.reckoning.reached;
        Signal *s = said(&w, (char[]){v->source, 0}, v->direction,
                         NOW + v->after_s * NS_PER_S + v->after_ns_over);
        s->has_confidence = v->confidence > 0;
        s->confidence = e8_of(v->confidence);
        last = hear(&w, s);
    }
    int64_t got = last.reckoning.agreement.e8;
    bool ok = last.reckoning.reached == e->reached && !early &&
              (got > 0 ? got : 0) == e8_of(e->got) && e->reached == (last.signal != NULL);
    if (!ok)
        print_error("%s: reached %d, early %d, agreement %lld\n", e->name, last.reckoning.reached,
                    early, (long long)got);
    arena_destroy(&w.arena);
    return ok;
}

static void every_example_is_counted_as_written(void **state) {
    (void)state;
    bool ok = true;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) ok = holds(&examples[i]) && ok;
    assert_true(ok);
}

// --- what follows

static const int64_t alike[PARTS] = {E8(1), E8(1), E8(1), E8(1)};

static void price(Signal *s, double at, double stop, double take) {
    s->has_price = s->has_stop_loss = s->has_take_profit = s->has_lot_size = true;
    s->price = e8_of(at), s->stop_loss = e8_of(stop), s->take_profit = e8_of(take),
    s->lot_size = E8(0.1);
}

// a (weight 2) and b (weight 1) buy at prices of their own.
static Signal *agreed(struct world *w, Consensus__Take take, void (*change)(Signal *b)) {
    static const int64_t weights[PARTS] = {E8(2), E8(1)};
    world_open(w, weights, 2);
    w->rule.take = take;
    Signal *a = said(w, "a", BUY, NOW), *b = said(w, "b", BUY, NOW + NS_PER_S);
    price(a, 1.1234, 1.12, 1.13);
    price(b, 1.1236, 1.1205, 1.131);
    b->lot_size = E8(0.4);
    a->regime = (char *)"BULL";
    if (change) change(b);
    (void)hear(w, a);
    Signal *s = hear(w, b).signal;
    assert_non_null(s);
    return s;
}

static void the_signal_says_what_it_is(void **state) {
    (void)state;
    struct world w;
    Signal *s = agreed(&w, CONSENSUS__TAKE__latest, NULL);
    assert_string_equal(s->source, "both");
    assert_string_equal(s->data_source, "weighted_consensus");
    assert_string_equal(s->strategy, "weighted_consensus");
    assert_string_equal(s->symbol, "EURUSD");
    assert_int_equal(s->direction, BUY);
    assert_int_equal(s->sources, 2);
    assert_int_equal(s->agreement, E8(1));
    assert_false(s->has_confidence);
    assert_int_equal(s->created_at, NOW + NS_PER_S);
    assert_int_equal(s->n_parts, 2);
    assert_string_equal(s->parts[0], "a-1");
    assert_string_equal(s->parts[1], "b-2");
    assert_int_equal(s->n_votes, 2);
    assert_int_equal(s->votes[0]->weight, E8(2));
    assert_true(s->votes[0]->agrees);
    assert_string_equal(s->reasoning,
                        "2 of 2 sources agree, agreement 1: a buy (weight 2), b buy (weight 1)");
    arena_destroy(&w.arena);
}

static void the_strategy_of_the_row_is_taken(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 1);
    w.row.default_strategy = (char *)"mine";
    assert_string_equal(hear(&w, said(&w, "a", BUY, NOW)).signal->strategy, "mine");
    arena_destroy(&w.arena);
}

static void the_first_or_the_latest_lends_its_prices(void **state) {
    (void)state;
    struct world w;
    Signal *s = agreed(&w, CONSENSUS__TAKE__first, NULL);
    assert_int_equal(s->price, E8(1.1234));
    assert_int_equal(s->lot_size, E8(0.1));
    assert_string_equal(s->regime, "BULL");
    arena_destroy(&w.arena);
    s = agreed(&w, CONSENSUS__TAKE__latest, NULL);
    assert_int_equal(s->price, E8(1.1236));
    assert_int_equal(s->stop_loss, E8(1.1205));
    assert_int_equal(s->lot_size, E8(0.4));
    arena_destroy(&w.arena);
}

// Prices as fine as the finest of them: (2 * 1.1234 + 1.1236) / 3 = 1.12346666… is 1.1235. Lots as
// fine as can be: 0.2.
static void means_are_weighed_and_as_fine_as_the_parts(void **state) {
    (void)state;
    struct world w;
    Signal *s = agreed(&w, CONSENSUS__TAKE__weighted_mean, NULL);
    assert_int_equal(s->price, E8(1.1235));
    assert_int_equal(s->stop_loss, E8(1.1202));
    assert_int_equal(s->take_profit, E8(1.130));
    assert_int_equal(s->lot_size, E8(0.2));
    arena_destroy(&w.arena);
}

static void no_stop(Signal *b) { b->has_stop_loss = false; }
static void a_limit(Signal *b) { b->order_type = SIGNAL__ORDER_TYPE__limit; }
static void stop_in_points(Signal *b) {
    b->has_stop_loss = false, b->has_stop_loss_points = true, b->stop_loss_points = E8(100);
}
static void larger_than_any_mean(Signal *b) { b->price = INT64_MAX; }

static void what_has_no_mean_is_the_latest(void **state) {
    (void)state;
    static void (*const changes[])(Signal *) = {no_stop, a_limit, stop_in_points};
    struct world w;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        Signal *s = agreed(&w, CONSENSUS__TAKE__weighted_mean, changes[i]);
        assert_int_equal(s->price, E8(1.1236));
        assert_int_equal(s->lot_size, E8(0.4));
        assert_int_equal(s->take_profit, E8(1.131));
        arena_destroy(&w.arena);
    }
    Signal *s = agreed(&w, CONSENSUS__TAKE__weighted_mean, larger_than_any_mean);
    assert_true(s->price > E8(1.1236)); // a third of the largest there is: still a number
    arena_destroy(&w.arena);
}

// --- ids

static char *id_after(struct world *w, const char *const order[], size_t n) {
    w->ballot = NULL;
    Signal *last = NULL;
    for (size_t i = 0; i < n; i++) {
        Signal *s = said(w, order[i], BUY, NOW + i * NS_PER_MS);
        s->signal_id = arena_format(w->arena, "%s-1", order[i]);
        last = hear(w, s).signal;
    }
    assert_non_null(last);
    return last->signal_id;
}

static void the_id_is_of_the_row_and_the_parts_in_any_order(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 3);
    char *first = id_after(&w, (const char *[]){"a", "b", "c"}, 3);
    assert_string_equal(first, id_after(&w, (const char *[]){"c", "a", "b"}, 3));
    w.row.config_id = (char *)"another";
    assert_string_not_equal(first, id_after(&w, (const char *[]){"a", "b", "c"}, 3));
    arena_destroy(&w.arena);
}

// --- one after the other

static void a_vote_is_used_up_by_what_it_decided(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 2);
    (void)hear(&w, said(&w, "a", BUY, NOW));
    assert_non_null(hear(&w, said(&w, "b", BUY, NOW + 1)).signal);
    assert_int_equal(w.ballot->n_votes, 0);
    assert_null(hear(&w, said(&w, "a", BUY, NOW + 2)).signal);
    assert_non_null(hear(&w, said(&w, "b", BUY, NOW + 3)).signal);
    arena_destroy(&w.arena);
}

static void a_late_vote_belongs_to_what_was_decided_without_it(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 3);
    w.rule.min_agreement = E8(0.6);
    (void)hear(&w, said(&w, "a", BUY, NOW));
    assert_non_null(hear(&w, said(&w, "b", BUY, NOW)).signal);
    struct heard late = hear(&w, said(&w, "c", BUY, NOW + 60 * NS_PER_S));
    assert_true(late.reckoning.late);
    assert_int_equal(w.ballot->n_votes, 0);
    assert_int_equal(w.ballot->n_decided_parts, 3);
    assert_null(hear(&w, said(&w, "a", BUY, NOW + 61 * NS_PER_S)).signal); // alone again
    assert_false(hear(&w, said(&w, "b", BUY, NOW + 62 * NS_PER_S)).reckoning.late);
    arena_destroy(&w.arena);
}

static void after_the_window_nothing_is_late(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 3);
    w.rule.min_agreement = E8(0.6);
    (void)hear(&w, said(&w, "a", BUY, NOW));
    assert_non_null(hear(&w, said(&w, "b", BUY, NOW)).signal);
    assert_false(hear(&w, said(&w, "c", BUY, NOW + 60 * NS_PER_S + 1)).reckoning.late);
    assert_int_equal(w.ballot->n_votes, 1);
    arena_destroy(&w.arena);
}

static void who_was_against_stays_against(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 4);
    w.rule.min_agreement = E8(0.5);
    (void)hear(&w, said(&w, "d", SELL, NOW));
    (void)hear(&w, said(&w, "a", BUY, NOW));
    assert_null(hear(&w, said(&w, "b", BUY, NOW)).signal);
    assert_non_null(hear(&w, said(&w, "c", BUY, NOW)).signal);
    assert_int_equal(w.ballot->n_votes, 1);
    // with the one that said so all along
    assert_non_null(hear(&w, said(&w, "a", SELL, NOW)).signal);
    arena_destroy(&w.arena);
}

static void who_is_no_part_any_more_does_not_count(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 3);
    w.rule.min_agreement = E8(0.66);
    (void)hear(&w, said(&w, "c", BUY, NOW));
    w.rule.n_parts = 2;
    w.rule.min_agreement = E8(1);
    assert_null(hear(&w, said(&w, "a", BUY, NOW)).signal);
    assert_int_equal(w.ballot->n_votes, 1);
    arena_destroy(&w.arena);
}

static void only_an_opinion_is_a_vote(void **state) {
    (void)state;
    static const Signal__Direction none[] = {SIGNAL__DIRECTION__reverse, SIGNAL__DIRECTION__modify,
                                             SIGNAL__DIRECTION__cancel, SIGNAL__DIRECTION__target};
    Signal s = SIGNAL__INIT;
    s.symbol = (char *)"EURUSD";
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        s.direction = none[i];
        assert_false(consensus_hears(&s));
    }
    s.direction = CLOSE;
    assert_true(consensus_hears(&s));
    s.target_signal_id = (char *)"of one signal only";
    assert_false(consensus_hears(&s));
}

static void a_ballot_is_over_when_nothing_in_it_can_count(void **state) {
    (void)state;
    struct world w;
    world_open(&w, alike, 2);
    (void)hear(&w, said(&w, "a", BUY, NOW));
    assert_false(ballot_is_over(w.ballot, &w.rule, NOW + 60 * NS_PER_S));
    assert_true(ballot_is_over(w.ballot, &w.rule, NOW + 60 * NS_PER_S + 1));
    (void)hear(&w, said(&w, "b", BUY, NOW + NS_PER_S));
    assert_false(ballot_is_over(w.ballot, &w.rule, NOW + 61 * NS_PER_S));
    assert_true(ballot_is_over(w.ballot, &w.rule, NOW + 61 * NS_PER_S + 1));
    arena_destroy(&w.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_counted_as_written),
        cmocka_unit_test(the_signal_says_what_it_is),
        cmocka_unit_test(the_strategy_of_the_row_is_taken),
        cmocka_unit_test(the_first_or_the_latest_lends_its_prices),
        cmocka_unit_test(means_are_weighed_and_as_fine_as_the_parts),
        cmocka_unit_test(what_has_no_mean_is_the_latest),
        cmocka_unit_test(the_id_is_of_the_row_and_the_parts_in_any_order),
        cmocka_unit_test(a_vote_is_used_up_by_what_it_decided),
        cmocka_unit_test(a_late_vote_belongs_to_what_was_decided_without_it),
        cmocka_unit_test(after_the_window_nothing_is_late),
        cmocka_unit_test(who_was_against_stays_against),
        cmocka_unit_test(who_is_no_part_any_more_does_not_count),
        cmocka_unit_test(only_an_opinion_is_a_vote),
        cmocka_unit_test(a_ballot_is_over_when_nothing_in_it_can_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
