// test_closing - closing by side, trade, lots and percent: what is taken, and what rounding keeps.
// SPDX-License-Identifier: MIT
#include "world.h"

static int ready(void **state) {
    world_setup(state);
    gateway_hello(*state, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static const TradeState *trade(const struct world *w, const char *trade_id) {
    return trades_find(w->x->trades, trade_id)->s;
}

static void have(struct world *w, const char *trade_id, Signal__Direction side, int64_t lots) {
    char execution[80];
    (void)snprintf(execution, sizeof execution, "e-%s", trade_id);
    Order o = order_of(w, trade_id);
    o.direction = side;
    o.terms->lot_size = lots;
    give(w, &o);
    world_commit(w);
    gateway_fills(w, trade_id, execution, lots);
    world_commit(w);
    world_pass(w, MS);
}

static Order close_of(const struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    o.direction = SIGNAL__DIRECTION__close;
    o.terms->has_lot_size = o.terms->has_requested_price = false;
    return o;
}

static void filled(struct world *w, const char *trade_id, int64_t lots) {
    char execution[80];
    (void)snprintf(execution, sizeof execution, "x-%s", trade_id);
    gateway_fills(w, trade_id, execution, lots);
    world_commit(w);
}

// A close that is filled; returns its lots, 0 when it was rejected.
static int64_t close_percent(struct world *w, const char *trade_id, int64_t percent_e8) {
    size_t before = submits(w, NULL);
    Order o = close_of(w, trade_id);
    o.terms->has_close_percent = true;
    o.terms->close_percent = percent_e8;
    give(w, &o);
    world_commit(w);
    if (submits(w, NULL) == before) return 0;
    int64_t lots = last_submit(w)->lots;
    filled(w, trade_id, lots);
    return lots;
}

static void one_side_is_closed_and_the_other_stays(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT);
    have(w, "t2", SIGNAL__DIRECTION__sell, LOT);
    Order o = close_of(w, "c1");
    o.terms->has_close_side = true;
    o.terms->close_side = SIGNAL__DIRECTION__sell;
    give(w, &o);
    world_commit(w);
    assert_int_equal(submits(w, NULL), 3);
    assert_int_equal(last_submit(w)->side, SIGNAL__DIRECTION__buy);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "t2");
    filled(w, "c1", LOT);
    o.trade_id = (char *)"c2"; // nothing short is left
    give(w, &o);
    world_commit(w);
    assert_string_equal(last_told(w, "c2")->reason, "no_position");
    assert_state(w, "t1", filled);
}

static void the_position_of_one_trade_is_closed(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT);
    Order o = close_of(w, "c1");
    o.terms->close_trade_id = (char *)"t2";
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->n_closes, 1);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "t2");
}

static void percent_is_of_what_is_open_when_it_is_executed(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT / 2);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT / 2);
    Order o = close_of(w, "c1");
    o.terms->has_close_percent = true;
    o.terms->close_percent = 60 * LOT;
    give(w, &o);
    world_commit(w);
    const Submit *m = last_submit(w);
    assert_int_equal(m->lots, LOT * 6 / 10);
    assert_int_equal(m->n_closes, 2); // oldest first
    assert_int_equal(m->closes[0]->lots, LOT / 2);
    assert_int_equal(m->closes[1]->lots, LOT / 10);
    o.trade_id = (char *)"c2"; // 60 % of what is not being closed already
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->lots, LOT * 24 / 100);
}

static void percent_closes_both_sides(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT);
    have(w, "t2", SIGNAL__DIRECTION__sell, LOT / 2);
    Order o = close_of(w, "c1");
    o.terms->has_close_percent = true;
    o.terms->close_percent = 50 * LOT;
    give(w, &o);
    world_commit(w);
    assert_int_equal(submits(w, NULL), 4);
    assert_int_equal(last_submit(w)->side, SIGNAL__DIRECTION__buy);
    assert_int_equal(last_submit(w)->lots, LOT / 4);
}

static void three_partial_closes_come_to_zero(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT / 10);
    assert_int_equal(close_percent(w, "c1", 33 * LOT), 3 * LOT / 100);
    assert_int_equal(trade(w, "t1")->residual, 3 * LOT / 1000);        // 0.033 was asked
    assert_int_equal(close_percent(w, "c2", 33 * LOT), 2 * LOT / 100); // 0.0231 and 0.003
    assert_int_equal(trade(w, "t1")->residual, 61 * LOT / 10000);
    assert_int_equal(close_percent(w, "c3", 100 * LOT), 5 * LOT / 100);
    assert_state(w, "t1", closed);
    assert_int_equal(trade(w, "t1")->closed_lots, LOT / 10);
}

static void what_is_too_little_counts_with_the_next(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT / 10);
    assert_int_equal(close_percent(w, "c1", 5 * LOT), 0);
    assert_string_equal(last_told(w, "c1")->reason, "below_min_lot");
    assert_int_equal(trade(w, "t1")->residual, LOT / 200);
    world_restart(w);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    world_live(w, 1);
    assert_int_equal(close_percent(w, "c2", 5 * LOT), LOT / 100);
    assert_int_equal(trade(w, "t1")->residual, 0);
}

static void a_close_that_closed_nothing_leaves_no_residual(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT / 10);
    Order o = close_of(w, "c1");
    o.terms->has_close_percent = true;
    o.terms->close_percent = 33 * LOT;
    give(w, &o);
    world_commit(w);
    assert_int_equal(trade(w, "t1")->residual, 3 * LOT / 1000);
    gateway_reports(w, REPORT__KIND__rejected, "c1");
    world_commit(w);
    assert_int_equal(trade(w, "t1")->residual, 0);
    assert_int_equal(close_percent(w, "c2", 33 * LOT), 3 * LOT / 100);
}

static void a_residual_stays_with_what_is_closed_last(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT / 100);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT / 10);
    assert_int_equal(close_percent(w, "c1", 14 * LOT), LOT / 100); // 0.0154 of 0.11
    assert_state(w, "t1", closed);
    assert_int_equal(trade(w, "t2")->residual, 54 * LOT / 10000);
}

static void the_rest_is_closed_or_left_as_configured(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT / 50);
    struct executor_settings *settings = w->settings;
    settings->partial_rest = "leave";
    assert_int_equal(close_percent(w, "c1", 90 * LOT), LOT / 100); // 0.018 of 0.02
    assert_int_equal(trade(w, "t1")->residual, 8 * LOT / 1000);
    have(w, "t2", SIGNAL__DIRECTION__sell, 3 * LOT / 200); // 0.015: two orders cannot be made of it
    settings->partial_rest = "close";
    Order o = close_of(w, "c2");
    o.terms->has_close_side = o.terms->has_lot_size = true;
    o.terms->close_side = SIGNAL__DIRECTION__sell;
    o.terms->lot_size = LOT / 100;
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->lots, 3 * LOT / 200);
}

// --- generated

static uint64_t seed = 3;
static int64_t next(int64_t most) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)(most + 1));
}

static void whatever_is_closed_in_part_the_sums_are_exact(void **state) {
    struct world *w = *state;
    for (int run = 0; run < 20; run++) {
        int64_t open = 0, closed = 0;
        char id[24];
        for (int i = 0; i < 3; i++) {
            int64_t lots = (1 + next(40)) * LOT / 100;
            (void)snprintf(id, sizeof id, "p%d-%d", run, i);
            have(w, id, SIGNAL__DIRECTION__buy, lots);
            open += lots;
        }
        for (int i = 0; closed < open; i++) {
            (void)snprintf(id, sizeof id, "c%d-%d", run, i);
            int64_t lots = close_percent(w, id, i > 20 ? 100 * LOT : (1 + next(6000)) * LOT / 100);
            assert_in_range((uint64_t)lots, 0, (uint64_t)(open - closed));
            closed += lots;
        }
        assert_int_equal(closed, open);
        (void)snprintf(id, sizeof id, "p%d-2", run);
        assert_state(w, id, closed);
        w->n_letters = w->n_told = 0;
    }
}

int main(void) {
#define READY(test) cmocka_unit_test_setup_teardown(test, ready, world_teardown)
    const struct CMUnitTest tests[] = {
        READY(one_side_is_closed_and_the_other_stays),
        READY(the_position_of_one_trade_is_closed),
        READY(percent_is_of_what_is_open_when_it_is_executed),
        READY(percent_closes_both_sides),
        READY(three_partial_closes_come_to_zero),
        READY(what_is_too_little_counts_with_the_next),
        READY(a_close_that_closed_nothing_leaves_no_residual),
        READY(a_residual_stays_with_what_is_closed_last),
        READY(the_rest_is_closed_or_left_as_configured),
        READY(whatever_is_closed_in_part_the_sums_are_exact),
    };
    return cmocka_run_group_tests_name("executor: closing", tests, NULL, NULL);
}
