// test_holdings - the union of what we believe brokers hold and what they say they hold.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "services/reconciler/holdings.h"
#include "tests/unit/terms.h"

#define T1  "0195bcd4-0000-8000-8000-000000000001"
#define T2  "0195bcd4-0000-8000-8000-000000000002"
#define LOT INT64_C(100000000)

struct world {
    holdings_t *holdings;
    const char *on_its_way; // a trade that explains its order
    unsigned unexplained, missing;
    char last[64]; // trade_id of the last finding
};

static bool explains(void *arg, const char *trade_id) {
    struct world *w = arg;
    return w->on_its_way && strcmp(w->on_its_way, trade_id) == 0;
}

static void unexplained(void *arg, const BrokerSnapshot *s, const Holding *h) {
    struct world *w = arg;
    (void)s;
    (void)h;
    w->unexplained++;
}

static void missing(void *arg, const BrokerSnapshot *s, const char *trade_id) {
    struct world *w = arg;
    (void)s;
    w->missing++;
    memcpy(w->last, trade_id, strlen(trade_id) + 1);
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->holdings = holdings_new();
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    holdings_destroy(&w->holdings);
    free(w);
    return 0;
}

static bool take(struct world *w, const char *trade_id, TradeState__State trade_state,
                 uint64_t at) {
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.trade_id = (char *)trade_id;
    t.account_id = (char *)"a1";
    t.broker_symbol = (char *)"EURUSD";
    t.direction = SIGNAL__DIRECTION__buy;
    t.state = trade_state;
    t.updated_at = at;
    if (trade_state == TRADE_STATE__STATE__filled ||
        trade_state == TRADE_STATE__STATE__partially_filled)
        t.filled_lots = LOT;
    return holdings_take(w->holdings, &t);
}

// A snapshot of account a1 with up to two holdings, "" being one without a trade_id.
static void snapshot(struct world *w, uint64_t taken_at, const char *first, const char *second) {
    Holding h[2] = {HOLDING__INIT, HOLDING__INIT};
    Holding *list[2];
    BrokerSnapshot s = BROKER_SNAPSHOT__INIT;
    s.instance_id = (char *)"gw";
    s.account_id = (char *)"a1";
    s.taken_at = taken_at;
    s.holdings = list;
    const char *ids[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        if (!ids[i]) continue;
        h[i].trade_id = ids[i][0] ? (char *)ids[i] : NULL;
        h[i].broker_symbol = (char *)"EURUSD";
        h[i].kind = HOLDING__KIND__position;
        h[i].side = SIGNAL__DIRECTION__buy;
        list[s.n_holdings++] = &h[i];
    }
    const struct holdings_visitor visitor = {w, explains, unexplained, missing};
    w->unexplained = w->missing = 0;
    holdings_compare(w->holdings, &s, &visitor);
}

static void what_both_sides_know_is_no_finding(void **state) {
    struct world *w = *state;
    (void)take(w, T1, TRADE_STATE__STATE__filled, 10);
    for (uint64_t at = 20; at < 60; at += 10) {
        snapshot(w, at, T1, NULL);
        assert_int_equal(w->unexplained + w->missing, 0);
    }
}

static void a_stranger_is_told_from_its_second_snapshot_on(void **state) {
    struct world *w = *state;
    snapshot(w, 10, T1, "");
    assert_int_equal(w->unexplained, 0);
    snapshot(w, 20, T1, "");
    assert_int_equal(w->unexplained, 2);
    snapshot(w, 30, T1, NULL);
    assert_int_equal(w->unexplained, 1);
}

static void a_stranger_that_comes_and_goes_is_not_told(void **state) {
    struct world *w = *state;
    for (uint64_t at = 10; at < 80; at += 20) {
        snapshot(w, at, T1, NULL);
        assert_int_equal(w->unexplained, 0);
        snapshot(w, at + 10, T2, NULL);
        assert_int_equal(w->unexplained, 0);
    }
}

static void a_trade_on_its_way_explains_its_order(void **state) {
    struct world *w = *state;
    w->on_its_way = T1;
    snapshot(w, 10, T1, NULL);
    snapshot(w, 20, T1, NULL);
    assert_int_equal(w->unexplained, 0);
}

static void a_closed_trade_does_not_explain_a_position(void **state) {
    struct world *w = *state;
    (void)take(w, T1, TRADE_STATE__STATE__filled, 10);
    (void)take(w, T1, TRADE_STATE__STATE__closed, 20);
    snapshot(w, 30, T1, NULL);
    snapshot(w, 40, T1, NULL);
    assert_int_equal(w->unexplained, 1);
}

static void what_the_broker_does_not_list_twice_is_missing(void **state) {
    struct world *w = *state;
    (void)take(w, T1, TRADE_STATE__STATE__filled, 10);
    snapshot(w, 20, NULL, NULL);
    assert_int_equal(w->missing, 0);
    snapshot(w, 30, NULL, NULL);
    assert_int_equal(w->missing, 1);
    assert_string_equal(w->last, T1);
    snapshot(w, 40, T1, NULL);
    snapshot(w, 50, NULL, NULL);
    assert_int_equal(w->missing, 0);
}

static void a_snapshot_from_before_the_last_change_says_nothing_of_the_trade(void **state) {
    struct world *w = *state;
    (void)take(w, T1, TRADE_STATE__STATE__working, 100);
    snapshot(w, 90, NULL, NULL);
    snapshot(w, 100, NULL, NULL);
    snapshot(w, 110, NULL, NULL);
    assert_int_equal(w->missing, 0);
    (void)take(w, T1, TRADE_STATE__STATE__filled, 115);
    snapshot(w, 120, NULL, NULL);
    assert_int_equal(w->missing, 0);
    snapshot(w, 130, NULL, NULL);
    assert_int_equal(w->missing, 1);
}

static void an_older_snapshot_is_passed_over(void **state) {
    struct world *w = *state;
    snapshot(w, 20, T1, NULL);
    snapshot(w, 20, T1, NULL);
    snapshot(w, 10, T1, NULL);
    assert_int_equal(w->unexplained, 0);
    snapshot(w, 30, T1, NULL);
    assert_int_equal(w->unexplained, 1);
}

static void a_trade_in_doubt_may_be_there_or_not(void **state) {
    struct world *w = *state;
    (void)take(w, T1, TRADE_STATE__STATE__working, 10);
    (void)take(w, T1, TRADE_STATE__STATE__unknown, 11);
    snapshot(w, 20, NULL, NULL);
    snapshot(w, 30, NULL, NULL);
    assert_int_equal(w->missing, 0);
    snapshot(w, 40, T1, NULL);
    snapshot(w, 50, T1, NULL);
    assert_int_equal(w->unexplained, 0);
}

static void a_new_position_is_told_once(void **state) {
    struct world *w = *state;
    assert_false(take(w, T1, TRADE_STATE__STATE__submitting, 10));
    assert_false(take(w, T1, TRADE_STATE__STATE__working, 11));
    assert_true(take(w, T1, TRADE_STATE__STATE__filled, 12));
    assert_false(take(w, T1, TRADE_STATE__STATE__filled, 13));
    assert_false(take(w, T1, TRADE_STATE__STATE__closed, 14));
    assert_false(take(w, T1, TRADE_STATE__STATE__closed, 15));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

// Up to two parts of the one position of a netting account, under the names of their trades; NULL:
// a
// part without a name.
static void net_parts(struct world *w, uint64_t taken_at, const char *symbol, size_t n,
                      const char *const *trade_ids) {
    Holding h[2] = {HOLDING__INIT, HOLDING__INIT}, *list[2];
    BrokerSnapshot s = BROKER_SNAPSHOT__INIT;
    s.instance_id = (char *)"gw";
    s.account_id = (char *)"a1";
    s.taken_at = taken_at;
    s.holdings = list;
    for (size_t i = 0; i < n; i++) {
        list[s.n_holdings++] = &h[i];
        h[i].trade_id = (char *)(uintptr_t)trade_ids[i];
        h[i].broker_symbol = (char *)(uintptr_t)symbol;
        h[i].kind = HOLDING__KIND__position;
        h[i].side = SIGNAL__DIRECTION__buy;
        h[i].has_net = h[i].net = true;
    }
    const struct holdings_visitor visitor = {w, explains, unexplained, missing};
    w->unexplained = w->missing = 0;
    holdings_compare(w->holdings, &s, &visitor);
}

static void net_snapshot(struct world *w, uint64_t taken_at, const char *symbol) {
    const char *nobody = NULL;
    net_parts(w, taken_at, symbol, 1, &nobody);
}

static void a_net_position_is_that_of_every_trade_in_its_symbol(void **state) {
    struct world *w = *state;
    (void)take(w, T1, TRADE_STATE__STATE__filled, 10);
    (void)take(w, T2, TRADE_STATE__STATE__filled, 10);
    for (uint64_t at = 20; at < 60; at += 10) {
        net_snapshot(w, at, "EURUSD");
        assert_int_equal(w->unexplained + w->missing, 0);
    }
    net_snapshot(w, 60, "GBPUSD"); // another one explains nothing, and is a stranger itself
    net_snapshot(w, 70, "GBPUSD");
    assert_int_equal(w->missing, 2);
    assert_int_equal(w->unexplained, 1);
}

// As the broker divides it; and where it divides it otherwise than we do, nothing is missing
// either.
static void the_parts_of_a_net_position_are_no_finding(void **state) {
    struct world *w = *state;
    const char *both[] = {T1, T2}, *carrier[] = {T2};
    (void)take(w, T1, TRADE_STATE__STATE__filled, 10);
    (void)take(w, T2, TRADE_STATE__STATE__filled, 10);
    for (uint64_t at = 20; at < 60; at += 10) {
        net_parts(w, at, "EURUSD", at < 40 ? 2 : 1, at < 40 ? both : carrier);
        assert_int_equal(w->unexplained + w->missing, 0);
    }
    (void)take(w, T1, TRADE_STATE__STATE__closed, 61);
    for (uint64_t at = 70; at < 90; at += 10) {
        net_parts(w, at, "EURUSD", 2, both);
        assert_int_equal(w->unexplained + w->missing, 0);
    }
    (void)take(w, T2, TRADE_STATE__STATE__closed, 91);
    net_parts(w, 100, "EURUSD", 2, both);
    net_parts(w, 110, "EURUSD", 2, both);
    assert_int_equal(w->unexplained, 2);
    assert_int_equal(w->missing, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_both_sides_know_is_no_finding),
        CASE(a_stranger_is_told_from_its_second_snapshot_on),
        CASE(a_stranger_that_comes_and_goes_is_not_told),
        CASE(a_trade_on_its_way_explains_its_order),
        CASE(a_closed_trade_does_not_explain_a_position),
        CASE(what_the_broker_does_not_list_twice_is_missing),
        CASE(a_snapshot_from_before_the_last_change_says_nothing_of_the_trade),
        CASE(an_older_snapshot_is_passed_over),
        CASE(a_trade_in_doubt_may_be_there_or_not),
        CASE(a_new_position_is_told_once),
        CASE(a_net_position_is_that_of_every_trade_in_its_symbol),
        CASE(the_parts_of_a_net_position_are_no_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
