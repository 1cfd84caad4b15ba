// test_netting - accounts with one position in a symbol: average price, reduction, reversal through
// zero, to the last digit.
// SPDX-License-Identifier: MIT
#include "tests/unit/paper/broker.h"

static void welcome(struct broker *b, bool netting) {
    AccountConfig a = ACCOUNT_CONFIG__INIT, *accounts[] = {&a};
    Welcome m = WELCOME__INIT;
    a.account_id = WORD("A");
    a.broker_id = WORD("paper");
    a.has_netting = true;
    a.netting = netting;
    m.epoch = 7;
    m.accounts = accounts, m.n_accounts = 1;
    broker_hear(b, &m.base);
}

static int start(void **state) {
    struct broker *b = malloc(sizeof *b);
    assert_non_null(b);
    *state = b;
    broker_start(b);
    welcome(b, true);
    broker_price(b, "EURUSD", "1.10000", "1.10010");
    return 0;
}

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static void assert_net(struct broker *b, const char *side, const char *lots, const char *price) {
    const AccountSnapshot *s = broker_snapshot(b, "A");
    if (!side) {
        assert_int_equal(s->n_holdings, 0);
        assert_decimal(s->margin, "0");
        return;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < s->n_holdings; i++) { // one for each order that it is made of
        const Holding *h = s->holdings[i];
        assert_true(h->net);
        assert_string_equal(side, h->side == SIGNAL__DIRECTION__buy ? "long" : "short");
        assert_decimal(h->price, price);
        sum += h->lots;
    }
    assert_decimal(sum, lots);
}

static void assert_pnl(const struct broker *b, const char *pnl) {
    const Fill *f = b->reports[0]->fill;
    assert_non_null(f);
    assert_true(f->net);
    if (pnl)
        assert_decimal(f->pnl, pnl);
    else
        assert_false(f->has_pnl);
}

static void orders_of_one_side_make_one_position_at_their_average(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.10");
    assert_pnl(b, NULL);
    broker_price(b, "EURUSD", "1.10200", "1.10210");
    broker_buy(b, "t2", "0.30");
    assert_pnl(b, NULL);
    assert_net(b, "long", "0.4", "1.1016");
    broker_restart(b);
    assert_net(b, "long", "0.4", "1.1016");
}

static void an_order_of_the_other_side_reduces_it(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.40");
    broker_price(b, "EURUSD", "1.10200", "1.10210");
    broker_sell(b, "t2", "0.10");
    assert_fill(b, 0, "0.1", "1.102");
    assert_pnl(b, "19"); // 0.1 lots, 19 points of 1 USD each
    assert_net(b, "long", "0.3", "1.1001");
    broker_sell(b, "t3", "0.30");
    assert_pnl(b, "57");
    assert_net(b, NULL, NULL, NULL);
    assert_int_equal(broker_ask(b, "t1")->state, TRADE_STATE__STATE__closed);
}

static void a_larger_order_of_the_other_side_turns_it_round(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.40");
    broker_price(b, "EURUSD", "1.10200", "1.10210");
    broker_sell(b, "t2", "1.00");
    assert_int_equal(b->n_reports, 1);
    assert_fill(b, 0, "1", "1.102");
    assert_pnl(b, "76");
    assert_net(b, "short", "0.6", "1.102");
    broker_restart(b);
    broker_price(b, "EURUSD", "1.10100", "1.10110");
    broker_buy(b, "t3", "0.60");
    assert_pnl(b, "54");
    assert_net(b, NULL, NULL, NULL);
}

static void a_close_takes_what_is_open_and_never_more(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.20");
    Closing named = CLOSING__INIT, *closes[] = {&named};
    named.trade_id = WORD("whichever");
    named.lots = dec("0.5").e8;
    Submit m = an_order("c1", SIGNAL__DIRECTION__sell, "0.50");
    m.closes = closes;
    m.n_closes = 1;
    broker_order(b, &m);
    assert_int_equal(b->n_reports, 2);
    assert_fill(b, 0, "0.2", "1.1");
    assert_report(b, 1, REPORT__KIND__cancelled, "c1");
    assert_net(b, NULL, NULL, NULL);
    m.trade_id = WORD("c2");
    broker_order(b, &m);
    assert_refused(b, "no_position");
    broker_sell(b, "t2", "0.10");
    m.trade_id = WORD("c3"); // of the same side as what is open: nothing for it to close
    broker_order(b, &m);
    assert_refused(b, "no_position");
}

static void stops_belong_to_the_position_whichever_order_brought_them(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.10");
    Submit m = an_order("t2", SIGNAL__DIRECTION__buy, "0.10");
    m.terms->has_stop_loss = true;
    m.terms->stop_loss = dec("1.09900").e8;
    broker_order(b, &m);
    ModifyOrder c = MODIFY_ORDER__INIT;
    c.amendment = new_amendment();
    c.epoch = 7;
    c.trade_id = WORD("t2");
    c.account_id = WORD("A");
    c.amendment->has_stop_loss = true;
    c.amendment->stop_loss = dec("1.09950").e8;
    broker_hear(b, &c.base);
    assert_report(b, 0, REPORT__KIND__modified, "t2");
    broker_price(b, "EURUSD", "1.09940", "1.09950");
    assert_int_equal(b->n_reports, 1);
    assert_report(b, 0, REPORT__KIND__position_closed, "t1"); // that carries it
    assert_decimal(b->reports[0]->fill->lots, "0.2");
    assert_pnl(b, "-14");
    assert_net(b, NULL, NULL, NULL);
    broker_hear(b, &c.base);
    assert_report(b, 0, REPORT__KIND__modify_rejected, "t2");
}

static void reducing_needs_no_margin(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "9.00"); // 9900 of 10000
    broker_sell(b, "t2", "18.00");
    assert_fill(b, 0, "18", "1.1");
    assert_net(b, "short", "9", "1.1");
    broker_sell(b, "t3", "1.00");
    assert_refused(b, "no_money");
}

static void an_account_with_positions_stays_as_it_is(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.10");
    welcome(b, false);
    broker_sell(b, "t2", "0.10");
    assert_net(b, NULL, NULL, NULL);
    welcome(b, false);
    broker_buy(b, "t3", "0.10");
    broker_sell(b, "t4", "0.10");
    assert_int_equal(broker_snapshot(b, "A")->n_holdings, 2);
}

// --- against a model, by generated orders

static uint64_t seed;
static uint64_t next(uint64_t most) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed % (most + 1);
}

struct model {
    int64_t net; // lots, e8; short below zero
    __int128 cost_e16, realised_e16;
};

// One order at a price: what it takes off is realised at the average, what is over opens.
static void model_trade(struct model *m, int64_t lots, int64_t price) {
    bool reduces = m->net && (m->net > 0) != (lots > 0);
    int64_t size = lots < 0 ? -lots : lots, open = m->net < 0 ? -m->net : m->net,
            taken = !reduces      ? 0
                    : size < open ? size
                                  : open;
    if (taken) {
        __int128 cost = m->cost_e16 * taken / open;
        m->realised_e16 +=
            m->net > 0 ? (__int128)price * taken - cost : cost - (__int128)price * taken;
        m->cost_e16 -= cost;
        m->net += m->net > 0 ? -taken : taken;
    }
    int64_t left = size - taken;
    m->net += lots > 0 ? left : -left;
    m->cost_e16 += (__int128)left * price;
}

static void any_sequence_of_orders_nets_as_the_model_does(void **state) {
    struct broker *b = *state;
    b->settings.check_margin = false;
    seed = 20260101;
    struct model m = {0};
    for (int i = 0; i < 400; i++) {
        char id[16], bid[24];
        int64_t points = 110000 + (int64_t)next(400) - 200,
                lots = (int64_t)(1 + next(50)) * DECIMAL_SCALE / 100;
        bool buys = next(1);
        (void)snprintf(id, sizeof id, "g%d", i);
        decimal_print(D(points * 1000), bid);
        broker_price(b, "EURUSD", bid, bid);
        Submit s = an_order(id, buys ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell, "0.01");
        s.lots = lots;
        broker_order(b, &s);
        assert_int_equal(b->n_reports, 1);
        model_trade(&m, buys ? lots : -lots, points * 1000);
        if (i % 97 == 0) broker_restart(b);
        const AccountSnapshot *a = broker_snapshot(b, "A");
        assert_int_equal(a->n_holdings != 0, m.net != 0);
        int64_t sum = 0;
        for (size_t k = 0; k < a->n_holdings; k++)
            sum += a->holdings[k]->side == SIGNAL__DIRECTION__sell ? -a->holdings[k]->lots
                                                                   : a->holdings[k]->lots;
        assert_int_equal(sum, m.net);
    }
    // The average is rounded to 8 decimals once an order: realised profit differs from the exact
    // one by less than a cent an order.
    int64_t exact = (int64_t)(m.realised_e16 / DECIMAL_SCALE * 100000);
    struct account *a = account_find(&b->paper->accounts, "A");
    assert_in_range((uint64_t)(a->realised.e8 - exact + 4 * DECIMAL_SCALE), 0,
                    8 * (uint64_t)DECIMAL_SCALE);
    assert_int_equal(a->balance.e8, dec("10000").e8 + a->realised.e8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(orders_of_one_side_make_one_position_at_their_average,
                                        start, end),
        cmocka_unit_test_setup_teardown(an_order_of_the_other_side_reduces_it, start, end),
        cmocka_unit_test_setup_teardown(a_larger_order_of_the_other_side_turns_it_round, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_close_takes_what_is_open_and_never_more, start, end),
        cmocka_unit_test_setup_teardown(stops_belong_to_the_position_whichever_order_brought_them,
                                        start, end),
        cmocka_unit_test_setup_teardown(reducing_needs_no_margin, start, end),
        cmocka_unit_test_setup_teardown(an_account_with_positions_stays_as_it_is, start, end),
        cmocka_unit_test_setup_teardown(any_sequence_of_orders_nets_as_the_model_does, start, end),
    };
    return cmocka_run_group_tests_name("paper: netting", tests, NULL, NULL);
}
