// test_netting - netting accounts: an execution is attributed to the trades that made the position,
// so that each ends exactly.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/fills.h"
#include "world.h"

static size_t n_made; // of the broker below

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
    n_made = 0;
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static const TradeState *trade(const struct world *w, const char *trade_id) {
    return trades_find(w->x->trades, trade_id)->s;
}

static int64_t open_lots(const struct world *w, const char *trade_id) {
    return fills_open_lots(trade(w, trade_id)).e8;
}

static void order(struct world *w, const char *trade_id, Signal__Direction side, int64_t lots) {
    Order o = order_of(w, trade_id);
    o.direction = side;
    o.terms->lot_size = lots;
    give(w, &o);
    world_commit(w);
}

// --- a broker that keeps one position, whose gateway says once what an execution closed: the
// oldest first

enum { LOTS_MOST = 2048, PIECES_MOST = 64 };
static struct {
    char id[16];
    Signal__Direction side;
    int64_t open;
} made[LOTS_MOST];
struct deal {
    char id[16], execution_id[16];
    Signal__Direction side;
    Fill fill;
    Closing pieces[PIECES_MOST];
    Closing *closed[PIECES_MOST];
    bool told;
};

static void add_piece(struct deal *d, size_t i, int64_t lots) {
    Closing *c = &d->pieces[d->fill.n_closed];
    closing__init(c);
    c->trade_id = made[i].id;
    c->lots = lots;
    d->closed[d->fill.n_closed++] = c;
    made[i].open -= lots;
}

// Profit stands on the first piece: how it is split is the gateway's business.
static void divide(struct deal *d, int64_t lots, bool opens) {
    for (size_t i = 0; i < n_made && lots; i++) {
        if (!made[i].open || made[i].side == d->side) continue;
        int64_t part = made[i].open < lots ? made[i].open : lots;
        add_piece(d, i, part);
        lots -= part;
    }
    d->fill.closed = d->closed;
    if (d->fill.n_closed && d->fill.has_pnl)
        d->pieces[0].has_pnl = true, d->pieces[0].pnl = d->fill.pnl;
    if (!opens || !lots) return;
    (void)snprintf(made[n_made].id, sizeof made[n_made].id, "%s", d->id);
    made[n_made].side = d->side;
    made[n_made++].open = lots;
}

static void deal(struct world *w, struct deal *d, const char *id, const char *execution_id,
                 Signal__Direction side, int64_t lots, int64_t pnl) {
    (void)snprintf(d->id, sizeof d->id, "%s", id);
    d->side = side;
    d->told = false;
    (void)snprintf(d->execution_id, sizeof d->execution_id, "%s", execution_id);
    d->fill = fill_of(w, d->execution_id, lots, LOT + LOT / 5);
    d->fill.has_net = d->fill.net = true;
    d->fill.has_pnl = pnl != 0;
    d->fill.pnl = pnl;
}

static void report_deal(struct world *w, Report__Kind kind, struct deal *d) {
    Report r = report_of(w, kind, d->id);
    r.fill = &d->fill;
    r.broker_symbol = (char *)"EURUSD.m";
    gateway_says(w, &r.base);
    world_commit(w);
    world_pass(w, MS);
}

static void fills(struct world *w, const char *trade_id, Signal__Direction side, int64_t lots,
                  int64_t pnl) {
    struct deal d;
    deal(w, &d, trade_id, trade_id, side, lots, pnl);
    divide(&d, lots, trades_find(w->x->trades, trade_id)->s->direction != SIGNAL__DIRECTION__close);
    report_deal(w, REPORT__KIND__filled, &d);
}

static void have(struct world *w, const char *trade_id, Signal__Direction side, int64_t lots,
                 int64_t pnl) {
    order(w, trade_id, side, lots);
    fills(w, trade_id, side, lots, pnl);
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
    o.terms->has_lot_size = false;
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->side, SIGNAL__DIRECTION__buy);
    assert_int_equal(last_submit(w)->lots, 2 * LOT);
    fills(w, "c1", SIGNAL__DIRECTION__buy, 2 * LOT, LOT);
    assert_state(w, "t2", closed);
    assert_state(w, "c1", filled);
}

static void pieces_net_as_the_whole_does(void **state) {
    struct world *w = *state;
    struct deal a, b, c;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    order(w, "t2", SIGNAL__DIRECTION__sell, 2 * LOT);
    deal(w, &a, "t2", "p1", SIGNAL__DIRECTION__sell, LOT / 2, LOT);
    divide(&a, LOT / 2, true);
    report_deal(w, REPORT__KIND__filled, &a);
    assert_state(w, "t2", partially_filled);
    assert_int_equal(open_lots(w, "t1"), LOT / 2);
    deal(w, &b, "t2", "p2", SIGNAL__DIRECTION__sell, LOT, LOT);
    divide(&b, LOT, true);
    report_deal(w, REPORT__KIND__filled, &b);
    assert_state(w, "t1", closed);
    assert_int_equal(open_lots(w, "t2"), LOT / 2);
    report_deal(w, REPORT__KIND__filled, &b); // told twice: counts once
    deal(w, &c, "t2", "p3", SIGNAL__DIRECTION__sell, LOT / 2, 0);
    divide(&c, LOT / 2, true);
    report_deal(w, REPORT__KIND__filled, &c);
    assert_state(w, "t2", filled);
    assert_int_equal(open_lots(w, "t2"), LOT);
}

static void a_stop_of_the_position_closes_every_trade_of_it(void **state) {
    struct world *w = *state;
    struct deal d;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    // t1 is closed; the broker's position is still the one that t1 began
    have(w, "t3", SIGNAL__DIRECTION__sell, LOT, 3 * LOT);
    deal(w, &d, "t1", "sl", SIGNAL__DIRECTION__sell, LOT, -2 * LOT);
    divide(&d, LOT, false);
    report_deal(w, REPORT__KIND__position_closed, &d);
    assert_state(w, "t2", closed);
    assert_int_equal(trade(w, "t2")->pnl, -2 * LOT);
    assert_int_equal(trade(w, "t1")->pnl, 3 * LOT);
    // its fill, and what the broker closed: one execution, one result
    assert_int_equal(results(w, "t1"), 2);
    assert_int_equal(results(w, "t2"), 1);
}

static void what_an_execution_closed_is_what_it_says_whatever_is_open_here(void **state) {
    struct world *w = *state;
    struct deal d;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    order(w, "t3", SIGNAL__DIRECTION__sell, LOT);
    deal(w, &d, "t3", "e3", SIGNAL__DIRECTION__sell, LOT, 0);
    add_piece(&d, n_made - 1, LOT); // the newest, as it is
    d.fill.closed = d.closed;
    report_deal(w, REPORT__KIND__filled, &d);
    assert_state(w, "t1", filled);
    assert_state(w, "t2", closed);
    assert_state(w, "t3", closed);
}

static void what_closed_a_trade_that_is_not_known_is_asked_about(void **state) {
    struct world *w = *state;
    struct deal d;
    order(w, "t3", SIGNAL__DIRECTION__sell, LOT);
    deal(w, &d, "t3", "e3", SIGNAL__DIRECTION__sell, LOT, 0);
    (void)snprintf(made[n_made].id, sizeof made[n_made].id, "lost");
    made[n_made++].open = LOT;
    add_piece(&d, n_made - 1, LOT);
    d.fill.closed = d.closed;
    report_deal(w, REPORT__KIND__filled, &d);
    assert_state(w, "t3", closed);
    assert_int_equal(questions(w, "lost"), 1);
    assert_non_null(orphans_find(w->x->orphans, "lost"));
}

static void stops_are_shared_by_the_trades_of_a_position(void **state) {
    struct world *w = *state;
    have(w, "t1", SIGNAL__DIRECTION__buy, LOT, 0);
    have(w, "t2", SIGNAL__DIRECTION__buy, LOT, 0);
    OrderCommand c = ORDER_COMMAND__INIT;
    c.amendment = new_amendment();
    c.trailing = new_trailing();
    c.command_id = (char *)"k1";
    c.account_id = (char *)"a1";
    c.action = ORDER_COMMAND__ACTION__modify;
    c.trade_id = (char *)"t2";
    c.amendment->has_stop_loss = true;
    c.amendment->stop_loss = LOT;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__modified, "t2");
    world_commit(w);
    assert_int_equal(trade(w, "t1")->terms->stop_loss, LOT);
    assert_int_equal(last_told(w, "t1")->terms->stop_loss, LOT);
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
            char id[16];
            (void)snprintf(id, sizeof id, "g%d-%d", run, i);
            Signal__Direction side = next(1) ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
            int64_t lots = (1 + next(30)) * LOT / 100,
                    signed_lots = side == SIGNAL__DIRECTION__buy ? lots : -lots;
            if (i == DEALS - 1 && net) { // the last one takes the rest
                side = net > 0 ? SIGNAL__DIRECTION__sell : SIGNAL__DIRECTION__buy;
                lots = net > 0 ? net : -net;
                signed_lots = -net;
            }
            order(w, id, side, lots);
            bool reduces = net && (net > 0) != (signed_lots > 0);
            deal(w, &deals[i], id, id, side, lots, reduces ? next(2000) * LOT - 1000 * LOT : 0);
            divide(&deals[i], lots, true);
            net += signed_lots;
            pnl += deals[i].fill.has_pnl ? deals[i].fill.pnl : 0;
            ordered++;
            world_pass(w, MS);
        }
        for (int left = DEALS; left; left--) {
            int i = (int)next(DEALS - 1);
            while (deals[i].told) i = (i + 1) % DEALS;
            deals[i].told = true;
            report_deal(w, REPORT__KIND__filled, &deals[i]);
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
        READY(what_an_execution_closed_is_what_it_says_whatever_is_open_here),
        READY(what_closed_a_trade_that_is_not_known_is_asked_about),
        READY(stops_are_shared_by_the_trades_of_a_position),
        READY(a_gateway_that_cannot_net_gets_no_entries),
        READY(in_whatever_order_reports_come_every_trade_ends_exactly),
    };
    return cmocka_run_group_tests_name("executor: netting", tests, NULL, NULL);
}
