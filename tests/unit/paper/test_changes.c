// test_changes - stop-limit orders, and what is changed of orders and positions.
// SPDX-License-Identifier: MIT
#include "tests/unit/paper/broker.h"

static int start(void **state) {
    struct broker *b = malloc(sizeof *b);
    assert_non_null(b);
    *state = b;
    broker_start(b);
    broker_price(b, "EURUSD", "1.10000", "1.10010");
    return 0;
}

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static Submit stop_limit(const char *id, Signal__Direction side, const char *stop,
                         const char *limit) {
    Submit m = at_price(an_order(id, side, "0.10"), SIGNAL__ORDER_TYPE__stop_limit, stop);
    m.terms->has_limit_price = true;
    m.terms->limit_price = dec(limit).e8;
    return m;
}

static ModifyOrder change_of(const char *id) {
    ModifyOrder m = MODIFY_ORDER__INIT;
    m.amendment = new_amendment();
    m.epoch = 7;
    m.trade_id = WORD(id);
    m.account_id = WORD("A");
    m.has_wanted_at = true;
    m.wanted_at = 99;
    return m;
}

static void assert_changed(struct broker *b, const ModifyOrder *m) {
    broker_hear(b, &m->base);
    assert_report(b, 0, REPORT__KIND__modified, m->trade_id);
    assert_int_equal(b->reports[0]->wanted_at, m->wanted_at);
}

static void assert_change_refused(struct broker *b, const ModifyOrder *m, const char *reason) {
    broker_hear(b, &m->base);
    assert_int_equal(b->n_reports, 1);
    assert_report(b, 0, REPORT__KIND__modify_rejected, m->trade_id);
    assert_string_equal(b->reports[0]->reason, reason);
    assert_int_equal(b->reports[0]->wanted_at, m->wanted_at);
}

// A price, and what comes of it: nothing, or a fill at a price.
struct quote_step {
    const char *bid, *ask, *filled_at;
};

static void a_stop_limit_order_waits_for_its_stop_and_then_for_its_limit(void **state) {
    struct broker *b = *state;
    static const struct {
        const char *name, *stop, *limit;
        Signal__Direction side;
        struct quote_step steps[4];
    } cases[] = {
        {"buy: at once",
         "1.10200",
         "1.10250",
         SIGNAL__DIRECTION__buy,
         {{"1.10180", "1.10190", NULL}, {"1.10190", "1.10200", "1.10200"}}},
        {"buy: exactly at the limit",
         "1.10200",
         "1.10250",
         SIGNAL__DIRECTION__buy,
         {{"1.10240", "1.10250", "1.10250"}}},
        {"buy: jumped over the limit, comes back",
         "1.10200",
         "1.10250",
         SIGNAL__DIRECTION__buy,
         {{"1.10290", "1.10300", NULL},
          {"1.10250", "1.10260", NULL},
          {"1.10230", "1.10240", "1.10240"}}},
        {"buy: a limit below the stop waits for the way back",
         "1.10200",
         "1.10150",
         SIGNAL__DIRECTION__buy,
         {{"1.10200", "1.10210", NULL}, {"1.10140", "1.10150", "1.10150"}}},
        {"buy: below its limit and never stopped",
         "1.10200",
         "1.10250",
         SIGNAL__DIRECTION__buy,
         {{"1.09000", "1.09010", NULL}}},
        {"sell: at once",
         "1.09800",
         "1.09750",
         SIGNAL__DIRECTION__sell,
         {{"1.09810", "1.09820", NULL}, {"1.09800", "1.09810", "1.09800"}}},
        {"sell: jumped over, comes back",
         "1.09800",
         "1.09750",
         SIGNAL__DIRECTION__sell,
         {{"1.09700", "1.09710", NULL},
          {"1.09749", "1.09760", NULL},
          {"1.09750", "1.09760", "1.09750"}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("  %s\n", cases[i].name);
        broker_price(b, "EURUSD", "1.10000", "1.10010");
        char id[16];
        (void)snprintf(id, sizeof id, "t%zu", i);
        Submit m = stop_limit(id, cases[i].side, cases[i].stop, cases[i].limit);
        broker_order(b, &m);
        assert_int_equal(b->n_reports, 1);
        assert_report(b, 0, REPORT__KIND__accepted, id);
        for (const struct quote_step *s = cases[i].steps; s->bid; s++) {
            broker_price(b, "EURUSD", s->bid, s->ask);
            assert_int_equal(b->n_reports, s->filled_at ? 1 : 0);
            if (s->filled_at) assert_fill(b, 0, "0.1", s->filled_at);
        }
    }
}

static void a_stop_limit_order_needs_both_prices(void **state) {
    struct broker *b = *state;
    Submit m = stop_limit("t1", SIGNAL__DIRECTION__buy, "1.10200", "1.10250");
    m.terms->has_limit_price = false;
    broker_order(b, &m);
    assert_refused(b, "invalid_price");
    m = stop_limit("t2", SIGNAL__DIRECTION__buy, "1.10200", "1.10250");
    m.terms->has_price = false;
    broker_order(b, &m);
    assert_refused(b, "invalid_price");
}

static void a_stop_that_was_reached_is_remembered_over_a_restart(void **state) {
    struct broker *b = *state;
    Submit m = stop_limit("t1", SIGNAL__DIRECTION__buy, "1.10200", "1.10250");
    broker_order(b, &m);
    broker_price(b, "EURUSD", "1.10290", "1.10300");
    broker_restart(b);
    broker_price(b, "EURUSD", "1.10100", "1.10110"); // under its stop again, and under its limit
    assert_int_equal(b->n_reports, 1);
    assert_fill(b, 0, "0.1", "1.1011");
}

static void a_moved_price_is_the_one_that_counts(void **state) {
    struct broker *b = *state;
    Submit m = at_price(an_order("t1", SIGNAL__DIRECTION__buy, "0.10"), SIGNAL__ORDER_TYPE__limit,
                        "1.09000");
    broker_order(b, &m);
    ModifyOrder c = change_of("t1");
    c.amendment->has_price = true;
    c.amendment->price = dec("1.09500").e8;
    assert_changed(b, &c);
    assert_changed(b, &c); // twice is as once
    broker_restart(b);
    broker_price(b, "EURUSD", "1.09500", "1.09510");
    assert_int_equal(b->n_reports, 0);
    broker_price(b, "EURUSD", "1.09490", "1.09500");
    assert_fill(b, 0, "0.1", "1.095");
}

static void a_price_moved_to_the_market_fills_at_once(void **state) {
    struct broker *b = *state;
    Submit m = stop_limit("t1", SIGNAL__DIRECTION__buy, "1.10200", "1.10250");
    broker_order(b, &m);
    ModifyOrder c = change_of("t1");
    c.amendment->has_price = c.amendment->has_limit_price = true;
    c.amendment->price = dec("1.10005").e8;
    c.amendment->limit_price = dec("1.10020").e8;
    assert_changed(b, &c);
    assert_int_equal(b->n_reports, 2);
    assert_fill(b, 1, "0.1", "1.1001");
}

static void what_cannot_be_changed_is_refused_and_stays_as_it_is(void **state) {
    struct broker *b = *state;
    broker_buy(b, "open", "0.10");
    Submit rests = at_price(an_order("rests", SIGNAL__DIRECTION__buy, "0.10"),
                            SIGNAL__ORDER_TYPE__limit, "1.09000");
    broker_order(b, &rests);
    Submit jumped = stop_limit("jumped", SIGNAL__DIRECTION__buy, "1.10005", "1.09000");
    broker_order(b, &jumped);
    enum what { SL, TP, PRICE, LIMIT };
    static const struct {
        const char *id, *level, *reason;
        enum what what;
    } cases[] = {
        {"open", "1.10000", "invalid_stops", SL},  {"open", "1.10000", "invalid_stops", TP},
        {"open", "-1", "invalid_price", SL},       {"open", "1.09", "not_resting", PRICE},
        {"open", "1.09", "not_resting", LIMIT},    {"rests", "0", "invalid_price", PRICE},
        {"rests", "1.08", "invalid_price", LIMIT}, {"rests", "-1", "invalid_price", TP},
        {"jumped", "1.2", "invalid_price", PRICE}, {"never", "1.08", "unknown_order", SL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ModifyOrder c = change_of(cases[i].id);
        int64_t level = dec(cases[i].level).e8;
        if (cases[i].what == SL) c.amendment->has_stop_loss = true, c.amendment->stop_loss = level;
        if (cases[i].what == TP)
            c.amendment->has_take_profit = true, c.amendment->take_profit = level;
        if (cases[i].what == PRICE) c.amendment->has_price = true, c.amendment->price = level;
        if (cases[i].what == LIMIT)
            c.amendment->has_limit_price = true, c.amendment->limit_price = level;
        assert_change_refused(b, &c, cases[i].reason);
    }
    ModifyOrder both = change_of("rests"); // all or nothing
    both.amendment->has_price = both.amendment->has_stop_loss = true;
    both.amendment->price = dec("1.099").e8;
    both.amendment->stop_loss = -1;
    assert_change_refused(b, &both, "invalid_price");
    broker_price(b, "EURUSD", "1.09890", "1.09900");
    assert_int_equal(b->n_reports, 0);
}

static void a_closed_position_cannot_be_changed(void **state) {
    struct broker *b = *state;
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.10");
    m.terms->has_stop_loss = true;
    m.terms->stop_loss = dec("1.09900").e8;
    broker_order(b, &m);
    broker_price(b, "EURUSD", "1.09890", "1.09900");
    assert_report(b, 0, REPORT__KIND__position_closed, "t1");
    ModifyOrder c = change_of("t1");
    c.amendment->has_stop_loss = true;
    c.amendment->stop_loss = dec("1.09").e8;
    assert_change_refused(b, &c, "not_open");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_stop_limit_order_waits_for_its_stop_and_then_for_its_limit, start, end),
        cmocka_unit_test_setup_teardown(a_stop_limit_order_needs_both_prices, start, end),
        cmocka_unit_test_setup_teardown(a_stop_that_was_reached_is_remembered_over_a_restart, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_moved_price_is_the_one_that_counts, start, end),
        cmocka_unit_test_setup_teardown(a_price_moved_to_the_market_fills_at_once, start, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_changed_is_refused_and_stays_as_it_is, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_closed_position_cannot_be_changed, start, end),
    };
    return cmocka_run_group_tests_name("paper: changes", tests, NULL, NULL);
}
