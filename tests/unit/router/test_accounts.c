// test_accounts - what the router holds of an account: the lots of its trades, as orders and executions change them.
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

#include "services/router/slice.h"
#include "tests/unit/terms.h"

#define LOT DECIMAL_SCALE

struct world {
    accounts_t *all;
    struct account *a;
    const char *eur;
};

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->all = router_accounts_new();
    w->a = router_accounts_get(w->all, "a1");
    w->eur = accounts_symbol(w->all, "EURUSD");
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    router_accounts_destroy(&w->all);
    free(w);
    return 0;
}

static TradeState trade(const char *id, Signal__Direction direction, TradeState__State state,
                        int64_t lots, int64_t filled) {
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.trade_id = (char *)id;
    t.symbol = (char *)"EURUSD";
    t.direction = direction;
    t.state = state;
    t.terms->has_lot_size = t.has_filled_lots = true;
    t.terms->lot_size = lots;
    t.filled_lots = filled;
    return t;
}

static void take(struct world *w, const TradeState *t) {
    const struct stake s = stake_of(t);
    (void)accounts_hold(w->all, t->trade_id, w->a, w->eur, &s);
}

static const struct holding *held(const struct world *w) { return account_holding(w->a, w->eur); }

static void an_entry_moves_from_working_to_open_as_it_is_filled(void **state) {
    struct world *w = *state;
    TradeState t = trade("t1", SIGNAL__DIRECTION__buy, TRADE_STATE__STATE__working, 3 * LOT, 0);
    take(w, &t);
    assert_true(held(w)->buys == 3 * LOT && held(w)->longs == 0 && held(w)->working == 1);
    t = trade("t1", SIGNAL__DIRECTION__buy, TRADE_STATE__STATE__partially_filled, 3 * LOT, 2 * LOT);
    take(w, &t);
    assert_true(held(w)->buys == LOT && held(w)->longs == 2 * LOT);
    t = trade("t1", SIGNAL__DIRECTION__buy, TRADE_STATE__STATE__filled, 3 * LOT, 3 * LOT);
    t.closed_lots = LOT;
    take(w, &t);
    assert_true(held(w)->buys == 0 && held(w)->longs == 2 * LOT && held(w)->entries == 1 &&
                held(w)->working == 0);
    assert_int_equal(w->a->open, 1);
    assert_true(accounts_drop(w->all, "t1"));
    assert_true(held(w)->longs == 0 && holding_is_empty(held(w)));
    assert_int_equal(w->a->open, 0);
}

static void a_sell_counts_on_the_other_side(void **state) {
    struct world *w = *state;
    TradeState t =
        trade("t1", SIGNAL__DIRECTION__sell, TRADE_STATE__STATE__partially_filled, 3 * LOT, LOT);
    take(w, &t);
    assert_true(held(w)->sells == 2 * LOT && held(w)->shorts == LOT && held(w)->longs == 0 &&
                held(w)->buys == 0);
}

static void what_met_the_other_side_of_a_netting_account_opened_nothing(void **state) {
    struct world *w = *state;
    TradeState t =
        trade("t1", SIGNAL__DIRECTION__sell, TRADE_STATE__STATE__filled, 3 * LOT, 3 * LOT);
    t.has_netted_lots = true, t.netted_lots = 2 * LOT;
    take(w, &t);
    assert_true(held(w)->shorts == LOT);
    assert_true(trade_is_open(&t));
    t.netted_lots = 3 * LOT;
    assert_false(trade_is_open(&t));
}

static void a_close_under_way_takes_its_lots_off_until_it_is_done(void **state) {
    struct world *w = *state;
    TradeState t =
        trade("t1", SIGNAL__DIRECTION__buy, TRADE_STATE__STATE__filled, 3 * LOT, 3 * LOT);
    take(w, &t);
    TradeState c = trade("c1", SIGNAL__DIRECTION__close, TRADE_STATE__STATE__working, 2 * LOT, 0);
    c.has_side = true, c.side = SIGNAL__DIRECTION__sell;
    take(w, &c);
    assert_true(holding_long(held(w)) == LOT && holding_short(held(w)) == 0);
    assert_int_equal(w->a->open, 1);
    c.filled_lots = LOT, c.state = TRADE_STATE__STATE__partially_filled;
    take(w, &c);
    t.closed_lots = LOT;
    take(w, &t);
    assert_true(holding_long(held(w)) == LOT);
    assert_true(accounts_drop(w->all, "c1"));
    assert_true(holding_long(held(w)) == 2 * LOT);
}

static void closing_more_than_is_open_leaves_nothing_and_no_less(void **state) {
    struct world *w = *state;
    TradeState t = trade("t1", SIGNAL__DIRECTION__sell, TRADE_STATE__STATE__filled, LOT, LOT);
    take(w, &t);
    (void)accounts_hold(w->all, "c1", w->a, w->eur,
                        &(struct stake){.closing = true, .rest = 5 * LOT, .other = 5 * LOT});
    assert_true(holding_long(held(w)) == 0 && holding_short(held(w)) == 0);
}

static void many_large_trades_do_not_run_over(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 100; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        TradeState t =
            trade(id, SIGNAL__DIRECTION__buy, TRADE_STATE__STATE__filled, INT64_MAX, INT64_MAX);
        take(w, &t);
    }
    assert_true(held(w)->longs == (__int128)100 * INT64_MAX);
}

static void symbols_are_held_apart(void **state) {
    struct world *w = *state;
    TradeState t = trade("t1", SIGNAL__DIRECTION__buy, TRADE_STATE__STATE__filled, LOT, LOT);
    take(w, &t);
    assert_null(account_holding(w->a, accounts_symbol(w->all, "GBPUSD")));
    assert_ptr_equal(accounts_symbol(w->all, "EURUSD"), w->eur);
}

static void what_is_kept_in_redis_is_read_as_it_was_written(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool readable;
        struct stake stake;
    } cases[] = {
        {"EURUSD long 0 1.25 0", true, {.rest = LOT + LOT / 4}},
        {"EURUSD short 0.5 0 0", true, {.is_short = true, .open = LOT / 2}},
        {"EURUSD close_long 0 1 2", true, {.closing = true, .rest = LOT, .other = 2 * LOT}},
        {"EURUSD close_short 0 1 0", true, {.closing = true, .is_short = true, .rest = LOT}},
        {"EURUSD sideways 0 1 0", false, {0}},
        {"EURUSD long 0 1", false, {0}},
        {"EURUSD long 0 1 0 7", false, {0}},
        {"EURUSD long 0 x 0", false, {0}},
        {"", false, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64], *symbol = NULL;
        struct stake got = {0};
        (void)snprintf(text, sizeof text, "%s", cases[i].text);
        assert_int_equal(stake_read(text, &symbol, &got), cases[i].readable);
        if (!cases[i].readable) continue;
        assert_string_equal(symbol, "EURUSD");
        assert_true(got.closing == cases[i].stake.closing &&
                    got.is_short == cases[i].stake.is_short);
        assert_true(got.open == cases[i].stake.open && got.rest == cases[i].stake.rest &&
                    got.other == cases[i].stake.other);
    }
}

static void an_older_word_on_an_accounts_money_is_passed_over(void **state) {
    struct world *w = *state;
    AccountState s = ACCOUNT_STATE__INIT;
    s.has_balance = s.has_equity = true;
    s.balance = 100 * LOT, s.equity = 90 * LOT, s.updated_at = 5;
    s.currency = (char *)"EUR";
    account_take(w->a, &s);
    s.balance = 1, s.updated_at = 4;
    account_take(w->a, &s);
    assert_true(w->a->money.known && w->a->money.balance.e8 == 100 * LOT &&
                w->a->money.equity.e8 == 90 * LOT);
    assert_string_equal(w->a->money.currency, "EUR");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(an_entry_moves_from_working_to_open_as_it_is_filled),
        CASE(a_sell_counts_on_the_other_side),
        CASE(what_met_the_other_side_of_a_netting_account_opened_nothing),
        CASE(a_close_under_way_takes_its_lots_off_until_it_is_done),
        CASE(closing_more_than_is_open_leaves_nothing_and_no_less),
        CASE(many_large_trades_do_not_run_over),
        CASE(symbols_are_held_apart),
        CASE(what_is_kept_in_redis_is_read_as_it_was_written),
        CASE(an_older_word_on_an_accounts_money_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
