// test_netting - netting accounts: an execution is attributed to the trades that made the position, so that each ends exactly.
// SPDX-License-Identifier: MIT
#include "world.h"

static int ready(void **state) {
    world_setup(state);
    struct world *w = *state;
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.account_id = (char *)"a1";
    account.broker_id = (char *)"b1";
    account.has_netting = account.netting = true;
    ConfigChange row = CONFIG_CHANGE__INIT;
    row.kind = CONFIG_CHANGE__KIND__account_config;
    row.id = account.account_id;
    row.account = &account;
    world_apply(w, &row);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static const TradeState *trade(const struct world *w, const char *trade_id) { return trades_find(w->x->trades, trade_id)->s; }

static int64_t open_lots(const struct world *w, const char *trade_id) { return fills_open_lots(trade(w, trade_id)).e8; }

static void order(struct world *w, const char *trade_id, Signal__Direction side, int64_t lots) {
    Order o = order_of(w, trade_id);
    o.direction = side;
    o.lot_size = lots;
    give(w, &o);
    world_commit(w);
}

static Fill net_fill(struct world *w, const char *trade_id, int64_t lots, int64_t pnl) {
    Fill f = fill_of(w, trade_id, lots, LOT + LOT / 5);
    f.has_net = f.net = true;
    f.has_pnl = pnl != 0;
    f.pnl = pnl;
    return f;
}

static void report_fill(struct world *w, Report__Kind kind, const char *trade_id, const Fill *f) {
    Report r = report_of(w, kind, trade_id);
    Fill copy = *f;
    r.fill = &copy;
    r.broker_symbol = (char *)"EURUSD.m";
    gateway_says(w, &r.base);
    world_commit(w);
    world_pass(w, MS);
}

static void fills(struct world *w, const char *trade_id, int64_t lots, int64_t pnl) {
    Fill f = net_fill(w, trade_id, lots, pnl);
    report_fill(w, REPORT__KIND__filled, trade_id, &f);
}

static void have(struct world *w, const char *trade_id, Signal__Direction side, int64_t lots, int64_t pnl) {
    order(w, trade_id, side, lots);
    fills(w, trade_id, lots, pnl);
}

static void an_order_of_the_other_side_closes_the_oldest_first(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t3", SIGNAL__DIRECTION__sell, LOT + LOT / 2, 15 * LOT);
    assert_state(w, "t1", closed);
    assert_int_equal(open_lots(w, "t2"), LOT / 2);
    assert_int_equal(trade(w, "t1")->pnl + trade(w, "t2")->pnl, 15 * LOT);
    assert_state(w, "t3", closed); // it opened nothing
    assert_int_equal(trade(w, "t3")->netted_lots, LOT + LOT / 2);
    assert_int_equal(trade(w, "t3")->closed_lots, 0);
    assert_int_equal(results(w, "t3"), 1);
}

static void a_larger_one_opens_what_is_over(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__sell, 3 * LOT, -7 * LOT);
    assert_state(w, "t1", closed);
    assert_int_equal(trade(w, "t1")->pnl, -7 * LOT);
    assert_state(w, "t2", filled);
    assert_int_equal(open_lots(w, "t2"), 2 * LOT);
    Order o = order_of(w, "c1");
    o.direction = SIGNAL__DIRECTION__close;
    o.has_lot_size = false;
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->side, SIGNAL__DIRECTION__buy);
    assert_int_equal(last_submit(w)->lots, 2 * LOT);
    fills(w, "c1", 2 * LOT, LOT);
    assert_state(w, "t2", closed);
    assert_state(w, "c1", filled);
}

static void pieces_net_as_the_whole_does(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    order(w, "t2", SIGNAL__DIRECTION__sell, 2 * LOT);
    Fill a = net_fill(w, "p1", LOT / 2, LOT), b = net_fill(w, "p2", LOT, LOT), c = net_fill(w, "p3", LOT / 2, 0);
    report_fill(w, REPORT__KIND__filled, "t2", &a);
    assert_state(w, "t2", partially_filled);
    assert_int_equal(open_lots(w, "t1"), LOT / 2);
    report_fill(w, REPORT__KIND__filled, "t2", &b);
    assert_state(w, "t1", closed);
    assert_int_equal(open_lots(w, "t2"), LOT / 2);
    report_fill(w, REPORT__KIND__filled, "t2", &b); // told twice: counts once
    report_fill(w, REPORT__KIND__filled, "t2", &c);
    assert_state(w, "t2", filled);
    assert_int_equal(open_lots(w, "t2"), LOT);
}

static void a_stop_of_the_position_closes_every_trade_of_it(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t3", SIGNAL__DIRECTION__sell, LOT, 3 * LOT); // t1 is closed; the broker's position is still the one that t1 began
    Fill f = net_fill(w, "sl", LOT, -2 * LOT);
    report_fill(w, REPORT__KIND__position_closed, "t1", &f);
    assert_state(w, "t2", closed);
    assert_int_equal(trade(w, "t2")->pnl, -2 * LOT);
    assert_int_equal(trade(w, "t1")->pnl, 3 * LOT);
    assert_int_equal(alerts(w, "net_surplus"), 0);
}

static void a_close_takes_what_is_open_even_if_it_names_what_is_gone(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    Order o = order_of(w, "c1");
    o.direction = SIGNAL__DIRECTION__close;
    o.has_lot_size = false;
    o.close_trade_id = (char *)"t1";
    give(w, &o);
    world_commit(w);
    have(w, "t3", SIGNAL__DIRECTION__sell, LOT, 0); // overtakes it, and takes t1
    assert_state(w, "t1", closed);
    fills(w, "c1", LOT, 0);
    assert_state(w, "t2", closed);
    assert_int_equal(alerts(w, "net_surplus"), 0);
}

static void a_named_position_is_taken_first(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    Order o = order_of(w, "c1");
    o.direction = SIGNAL__DIRECTION__close;
    o.has_lot_size = false;
    o.close_trade_id = (char *)"t2";
    give(w, &o);
    world_commit(w);
    fills(w, "c1", LOT, 0);
    assert_state(w, "t1", filled);
    assert_state(w, "t2", closed);
}

static void what_was_closed_before_it_was_known_comes_off_it(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    order(w, "t2", SIGNAL__DIRECTION__buy, LOT);
    Fill lost = net_fill(w, "t2", LOT, 0); // its report does not come
    world_pass(w, MS);
    Fill f = net_fill(w, "sl", 2 * LOT, -4 * LOT);
    report_fill(w, REPORT__KIND__position_closed, "t1", &f);
    assert_state(w, "t1", closed);
    assert_int_equal(alerts(w, "net_surplus"), 1);
    assert_non_null(strstr(w->committed, "execution_state:surplus:0"));
    gateway_knows(w, "t2", T(filled), &lost); // asked about
    world_commit(w);
    assert_state(w, "t2", closed);
    world_pass(w, MS);
    have(w, "t3", SIGNAL__DIRECTION__buy, LOT, 0); // later: not meant
    assert_int_equal(open_lots(w, "t3"), LOT);
}

static void a_surplus_is_of_what_was_filled_before_it(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    Fill f = net_fill(w, "sl", 2 * LOT, 0); // somebody else's lot was with it
    report_fill(w, REPORT__KIND__position_closed, "t1", &f);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    assert_int_equal(open_lots(w, "t2"), LOT);
}

static void stops_are_shared_by_the_trades_of_a_position(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    OrderCommand c = ORDER_COMMAND__INIT;
    c.command_id = (char *)"k1";
    c.account_id = (char *)"a1";
    c.action = ORDER_COMMAND__ACTION__modify;
    c.trade_id = (char *)"t2";
    c.has_stop_loss = true;
    c.stop_loss = LOT;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__modified, "t2");
    world_commit(w);
    assert_int_equal(trade(w, "t1")->stop_loss, LOT);
    assert_int_equal(last_told(w, "t1")->stop_loss, LOT);
}

static void a_gateway_that_cannot_net_gets_no_entries(void **state) {
    struct world *w = *state;
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g1";
    h.broker_id = (char *)"b1";
    h.kind = (char *)"paper";
    h.duplicate_check = HELLO__DUPLICATE_CHECK__forever;
    h.can_query = true;
    h.books = 77;
    h.has_can_net = true;
    h.can_net = false;
    gateway_says(w, &h.base);
    order(w, "t1", SIGNAL__DIRECTION__buy, LOT);
    assert_string_equal(last_told(w, "t1")->reason, "netting_unsupported");
}

// --- generated: a broker that nets, and whose reports come in another order than it worked

static uint64_t seed = 5;
static int64_t next(int64_t most) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)(most + 1));
}

enum { DEALS = 12 };

struct deal {
    char id[16];
    Signal__Direction side;
    Fill fill;
    bool told;
};

static int64_t net_of(const struct world *w) {
    int64_t net = 0, sides[2] = {0};
    size_t cursor = 0;
    for (struct trade *t; (t = trades_next(w->x->trades, &cursor)) != NULL;) {
        int64_t lots = fills_open_lots(t->s).e8;
        assert_true(t->s->closed_lots + t->s->netted_lots <= t->s->filled_lots);
        sides[t->s->side == SIGNAL__DIRECTION__sell] += lots;
        net += t->s->side == SIGNAL__DIRECTION__sell ? -lots : lots;
    }
    assert_true(!sides[0] || !sides[1]); // one position
    return net;
}

static int64_t pnl_of(const struct world *w) {
    int64_t pnl = 0;
    size_t cursor = 0;
    for (struct trade *t; (t = trades_next(w->x->trades, &cursor)) != NULL;) pnl += t->s->pnl;
    return pnl;
}

static void in_whatever_order_reports_come_every_trade_ends_exactly(void **state) {
    struct world *w = *state;
    static struct deal deals[DEALS];
    int64_t net = 0, pnl = 0, ordered = 0;
    for (int run = 0; run < 60; run++) {
        for (int i = 0; i < DEALS; i++) {
            struct deal *d = &deals[i];
            (void)snprintf(d->id, sizeof d->id, "g%d-%d", run, i);
            d->side = next(1) ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
            int64_t lots = (1 + next(30)) * LOT / 100, signed_lots = d->side == SIGNAL__DIRECTION__buy ? lots : -lots;
            if (i == DEALS - 1 && net) { // the last one takes the rest
                d->side = net > 0 ? SIGNAL__DIRECTION__sell : SIGNAL__DIRECTION__buy;
                lots = net > 0 ? net : -net;
                signed_lots = -net;
            }
            order(w, d->id, d->side, lots);
            bool reduces = net && (net > 0) != (signed_lots > 0);
            d->fill = net_fill(w, d->id, lots, reduces ? next(2000) * LOT - 1000 * LOT : 0);
            d->told = false;
            net += signed_lots;
            pnl += d->fill.has_pnl ? d->fill.pnl : 0;
            ordered++;
            world_pass(w, MS);
        }
        for (int left = DEALS; left; left--) {
            int i = (int)next(DEALS - 1);
            while (deals[i].told) i = (i + 1) % DEALS;
            deals[i].told = true;
            report_fill(w, REPORT__KIND__filled, deals[i].id, &deals[i].fill);
        }
        assert_int_equal(net_of(w), net);
        assert_int_equal(pnl_of(w), pnl);
        w->n_letters = w->n_told = 0;
    }
    for (size_t cursor = 0, n = 0; n < (size_t)ordered; n++) {
        struct trade *t = trades_next(w->x->trades, &cursor);
        assert_int_equal(t->s->state, T(closed));
    }
}

int main(void) {
#define READY(test) cmocka_unit_test_setup_teardown(test, ready, world_teardown)
    const struct CMUnitTest tests[] = {
        READY(an_order_of_the_other_side_closes_the_oldest_first),
        READY(a_larger_one_opens_what_is_over),
        READY(pieces_net_as_the_whole_does),
        READY(a_stop_of_the_position_closes_every_trade_of_it),
        READY(a_close_takes_what_is_open_even_if_it_names_what_is_gone),
        READY(a_named_position_is_taken_first),
        READY(what_was_closed_before_it_was_known_comes_off_it),
        READY(a_surplus_is_of_what_was_filled_before_it),
        READY(stops_are_shared_by_the_trades_of_a_position),
        READY(a_gateway_that_cannot_net_gets_no_entries),
        READY(in_whatever_order_reports_come_every_trade_ends_exactly),
    };
    return cmocka_run_group_tests_name("executor: netting", tests, NULL, NULL);
}
