// test_outside - what happens at the broker that no order of ours asked for.
// SPDX-License-Identifier: MIT
#include "tests/unit/paper/broker.h"

static int start_with(void **state, bool netting) {
    struct broker *b = malloc(sizeof *b);
    AccountConfig a = ACCOUNT_CONFIG__INIT, *accounts[] = {&a};
    Welcome m = WELCOME__INIT;
    assert_non_null(b);
    *state = b;
    broker_start(b);
    a.account_id = WORD("A");
    a.broker_id = WORD("paper");
    a.has_netting = a.netting = netting;
    m.epoch = 7;
    m.accounts = accounts, m.n_accounts = 1;
    broker_hear(b, &m.base);
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    broker_buy(b, "t1", "0.30");
    broker_buy(b, "t2", "0.20");
    broker_price(b, "EURUSD", "1.10100", "1.10110");
    return 0;
}

static int hedging(void **state) { return start_with(state, false); }
static int netting(void **state) { return start_with(state, true); }

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static void assert_left(struct broker *b, const char *of_t1, const char *of_t2) {
    const char *ids[] = {"t1", "t2"}, *lots[] = {of_t1, of_t2};
    const AccountSnapshot *s = broker_snapshot(b, "A");
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        if (!lots[i]) continue;
        assert_true(n < s->n_holdings);
        assert_string_equal(s->holdings[n]->trade_id, ids[i]);
        assert_decimal(s->holdings[n]->lots, lots[i]);
        n++;
    }
    assert_int_equal(s->n_holdings, n);
}

static void closed_by_hand_in_part_and_then_whole(void **state) {
    struct broker *b = *state;
    CONTROL(b, "close_by_hand", WORD("t2"), WORD("0.05"));
    assert_report(b, 0, REPORT__KIND__position_closed, "t2");
    const Fill *f = b->reports[0]->fill;
    assert_decimal(f->lots, "0.05");
    assert_decimal(f->price, "1.101");
    assert_decimal(f->pnl, "5");
    assert_int_equal(f->n_closed, 1);
    assert_string_equal(f->closed[0]->trade_id, "t2");
    assert_decimal(f->closed[0]->lots, "0.05");
    assert_left(b, "0.3", "0.15");
    CONTROL(b, "close_by_hand", WORD("t2"));
    assert_decimal(b->reports[0]->fill->lots, "0.15");
    broker_restart(b);
    assert_left(b, "0.3", NULL);
    const OrderStatus *s = broker_ask(b, "t2");
    assert_int_equal(s->state, TRADE_STATE__STATE__closed);
    assert_int_equal(s->n_closings, 2);
}

static void quiet_it_is_in_the_history_only(void **state) {
    struct broker *b = *state;
    CONTROL(b, "close_by_hand", WORD("t1"), WORD("0.1"), WORD("quiet"));
    assert_int_equal(b->n_reports, 0);
    const OrderStatus *s = broker_ask(b, "t1");
    assert_int_equal(s->state, TRADE_STATE__STATE__filled);
    assert_int_equal(s->n_closings, 1);
    assert_decimal(s->closings[0]->lots, "0.1");
    assert_left(b, "0.2", "0.2");
    b->settings.can_query = false; // the gateway has not heard of it
    assert_int_equal(broker_ask(b, "t1")->n_closings + broker_ask(b, "t1")->n_fills, 0);
    b->settings.can_query = true;
    CONTROL(b, "close_by_hand", WORD("t1")); // this one is heard of
    assert_int_equal(b->n_reports, 1);
}

static void what_has_vanished_left_no_trace(void **state) {
    struct broker *b = *state;
    int64_t balance = broker_snapshot(b, "A")->balance;
    CONTROL(b, "vanish", WORD("t1"));
    assert_int_equal(b->n_reports, 0);
    assert_left(b, NULL, "0.2");
    broker_restart(b);
    assert_left(b, NULL, "0.2");
    const OrderStatus *s = broker_ask(b, "t1");
    assert_true(s->found);
    assert_int_equal(s->state, TRADE_STATE__STATE__closed);
    assert_int_equal(s->n_closings, 0);
    const AccountSnapshot *a = broker_snapshot(b, "A");
    assert_int_equal(a->balance, balance);
    assert_decimal(a->margin, "220"); // of t2 alone
    broker_price(b, "EURUSD", "1.10100", "1.10110");
    CONTROL(b, "vanish", WORD("t2"));
    assert_left(b, NULL, NULL);
    assert_decimal(broker_snapshot(b, "A")->margin, "0");
}

static void an_order_that_rests_can_vanish(void **state) {
    struct broker *b = *state;
    Submit m = at_price(an_order("rests", SIGNAL__DIRECTION__buy, "0.10"),
                        SIGNAL__ORDER_TYPE__limit, "1.09");
    broker_order(b, &m);
    CONTROL(b, "vanish", WORD("rests"));
    broker_price(b, "EURUSD", "1.08000", "1.08010");
    assert_int_equal(b->n_reports, 0);
    assert_int_equal(broker_ask(b, "rests")->state, TRADE_STATE__STATE__closed);
    assert_left(b, "0.3", "0.2");
}

static void what_appears_is_nobodys(void **state) {
    struct broker *b = *state;
    CONTROL(b, "appear", WORD("A"), WORD("EURUSD.m"), WORD("buy"), WORD("0.4"));
    assert_int_equal(b->n_reports, 0);
    broker_restart(b);
    const AccountSnapshot *s = broker_snapshot(b, "A");
    assert_int_equal(s->n_holdings, 3);
    bool found = false;
    for (size_t i = 0; i < 3; i++) {
        if (s->holdings[i]->trade_id) continue;
        assert_decimal(s->holdings[i]->lots, "0.4");
        found = true;
    }
    assert_true(found);
}

// Closed with the rest of the position, it has no trade to name: `closed` is shorter than the fill.
static void what_nobody_opened_is_not_among_what_was_closed(void **state) {
    struct broker *b = *state;
    CONTROL(b, "appear", WORD("A"), WORD("EURUSD.m"), WORD("buy"), WORD("0.5"));
    broker_sell(b, "s1", "1.00");
    const Fill *f = b->reports[0]->fill;
    assert_decimal(f->lots, "1");
    assert_int_equal(f->n_closed, 2);
    assert_decimal(f->closed[0]->lots + f->closed[1]->lots, "0.5");
    assert_left(b, NULL, NULL);
}

static void what_makes_no_sense_is_refused(void **state) {
    struct broker *b = *state;
    const struct {
        const char *verb;
        size_t n;
        const char *args[5];
    } wrong[] = {
        {"close_by_hand", 0, {NULL}},
        {"close_by_hand", 1, {"never"}},
        {"close_by_hand", 2, {"t1", "0.31"}},
        {"close_by_hand", 2, {"t1", "0"}},
        {"close_by_hand", 3, {"t1", "0.1", "loud"}},
        {"vanish", 1, {"never"}},
        {"vanish", 0, {NULL}},
        {"appear", 4, {"nobody", "EURUSD.m", "buy", "1"}},
        {"appear", 4, {"A", "EURUSD.m", "both", "1"}},
        {"appear", 4, {"A", "XAUUSD.m", "buy", "1"}}, // has no price
        {"appear", 3, {"A", "EURUSD.m", "buy"}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        buffer_t answer = {0};
        if (broker_control(b, wrong[i].verb, wrong[i].n, (char **)(uintptr_t)wrong[i].args,
                           &answer))
            fail_msg("row %zu", i);
        assert_true(answer.length > 0);
        buffer_destroy(&answer);
    }
    assert_left(b, "0.3", "0.2");
}

#define BOTH(test)                                                                                 \
    {#test " (hedging)", test, hedging, end, NULL}, { #test " (netting)", test, netting, end, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(closed_by_hand_in_part_and_then_whole),
        BOTH(quiet_it_is_in_the_history_only),
        BOTH(what_has_vanished_left_no_trace),
        BOTH(an_order_that_rests_can_vanish),
        BOTH(what_appears_is_nobodys),
        BOTH(what_makes_no_sense_is_refused),
        cmocka_unit_test_setup_teardown(what_nobody_opened_is_not_among_what_was_closed, netting,
                                        end),
    };
    return cmocka_run_group_tests_name("paper: outside", tests, NULL, NULL);
}
