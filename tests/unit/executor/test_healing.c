// test_healing - the broker's books against ours: each discrepancy has its remedy, and what differs
// is healed or an operator's.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/fills.h"
#include "services/executor/trade/in_doubt/discrepancy.h"
#include "witness.h"

// --- the table

static const struct {
    bool known, over;
    int64_t here, there;
    enum discrepancy d;
    enum remedy first, again, patient;
} rows[] = {
    {true, false, 5, 5, DISCREPANCY_NONE, REMEDY_NOTHING, REMEDY_NOTHING, REMEDY_NOTHING},
    {true, true, 0, 0, DISCREPANCY_NONE, REMEDY_NOTHING, REMEDY_NOTHING, REMEDY_NOTHING},
    {false, false, 0, 5, DISCREPANCY_UNKNOWN, REMEDY_SEEK, REMEDY_SEEK, REMEDY_SEEK},
    {true, false, 5, 3, DISCREPANCY_FEWER, REMEDY_ASK, REMEDY_ASK, REMEDY_CLOSE_HERE},
    {true, false, 5, 0, DISCREPANCY_FEWER, REMEDY_ASK, REMEDY_ASK, REMEDY_CLOSE_HERE},
    {true, false, 3, 5, DISCREPANCY_MORE, REMEDY_ASK, REMEDY_ASK, REMEDY_ALERT},
    {true, false, 0, 5, DISCREPANCY_MORE, REMEDY_ASK, REMEDY_ASK, REMEDY_ALERT},
    {true, true, 0, 5, DISCREPANCY_FINISHED, REMEDY_ASK, REMEDY_ASK, REMEDY_ALERT},
};

static void every_discrepancy_has_the_remedy_of_its_row(void **state) {
    (void)state;
    bool seen[DISCREPANCY_COUNT] = {false};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct discrepancy_view v = {rows[i].known, rows[i].over, rows[i].here,
                                           rows[i].there};
        enum discrepancy d = discrepancy_of(&v);
        assert_int_equal(d, rows[i].d);
        seen[d] = true;
        for (unsigned times = 0; times < 300; times++) {
            enum remedy r = times <= 1                     ? rows[i].first
                            : times < DISCREPANCY_PATIENCE ? rows[i].again
                                                           : rows[i].patient;
            assert_int_equal(discrepancy_remedy(d, times), r);
        }
        assert_true(strlen(discrepancy_text(d)) > 5);
    }
    seen[DISCREPANCY_UNLISTED] = true; // of orders: it has no lots
    assert_int_equal(discrepancy_remedy(DISCREPANCY_UNLISTED, 1), REMEDY_ASK);
    assert_int_equal(discrepancy_remedy(DISCREPANCY_UNLISTED, DISCREPANCY_PATIENCE - 1),
                     REMEDY_ASK);
    assert_int_equal(discrepancy_remedy(DISCREPANCY_UNLISTED, DISCREPANCY_PATIENCE),
                     REMEDY_END_HERE);
    for (int d = 0; d < DISCREPANCY_COUNT; d++) assert_true(seen[d]);
}

// --- snapshots

struct snapshot {
    AccountSnapshot m;
    Holding held[4], *holdings[4];
};

static void snapshot_of(const struct world *w, struct snapshot *s) {
    account_snapshot__init(&s->m);
    s->m.account_id = (char *)"a1";
    s->m.currency = (char *)"USD";
    s->m.leverage = 100;
    s->m.taken_at = w->now;
    s->m.holdings = s->holdings;
    s->m.has_reports = true;
    s->m.reports = w->report;
}

static void holds(struct snapshot *s, const char *trade_id, int64_t lots) {
    Holding *h = s->holdings[s->m.n_holdings] = &s->held[s->m.n_holdings];
    s->m.n_holdings++;
    holding__init(h);
    h->kind = HOLDING__KIND__position;
    h->trade_id = (char *)(uintptr_t)trade_id;
    h->broker_symbol = (char *)"EURUSD.m";
    h->side = SIGNAL__DIRECTION__buy;
    h->lots = lots;
}

static void shows(struct world *w, struct snapshot *s) {
    gateway_says(w, &s->m.base);
    world_commit(w);
}

// `times` snapshots in which the position has so many lots (0: none).
static void show(struct world *w, const char *trade_id, int64_t lots, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        struct snapshot s = {0};
        world_live(w, 1);
        snapshot_of(w, &s);
        if (lots) holds(&s, trade_id, lots);
        shows(w, &s);
    }
}

static int64_t open_lots(const struct world *w, const char *trade_id) {
    return fills_open_lots(trade_of(w, trade_id)).e8;
}

static void what_agrees_is_left_alone(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    show(w, "p1", LOT, 5);
    assert_int_equal(questions(w, NULL), 0);
    assert_state(w, "p1", filled);
}

static void what_the_broker_has_no_more_is_asked_about_and_then_closed_here(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    show(w, "p1", 0, 2);
    assert_state(w, "p1", filled);
    assert_int_equal(questions(w, "p1"), 2);
    show(w, "p1", 0, 1);
    assert_state(w, "p1", closed);
    assert_int_equal(trade_of(w, "p1")->unseen_lots, LOT);
    assert_false(trade_of(w, "p1")->has_exit_price);
    assert_int_equal(alerts(w, "position_gone"), 1);
    assert_int_equal(last_told(w, "p1")->state, T(closed));
}

static void what_is_missing_of_a_position_is_closed_here(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    show(w, "p1", LOT / 4, 3);
    assert_state(w, "p1", filled);
    assert_int_equal(open_lots(w, "p1"), LOT / 4);
}

static void a_late_history_takes_the_place_of_what_was_closed_unseen(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    show(w, "p1", 0, 3);
    Report r = report_of(w, REPORT__KIND__position_closed, "p1");
    Fill f = fill_of(w, "e2", LOT, LOT);
    f.has_pnl = true;
    f.pnl = -3 * LOT;
    r.fill = &f;
    gateway_says(w, &r.base);
    world_commit(w);
    assert_int_equal(trade_of(w, "p1")->closed_lots, LOT);
    assert_int_equal(trade_of(w, "p1")->unseen_lots, 0);
    assert_int_equal(trade_of(w, "p1")->pnl, -3 * LOT);
    assert_int_equal(results(w, "p1"), 2);
}

static void a_snapshot_counts_only_when_what_is_in_it_has_been_applied(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    for (int i = 0; i < 5; i++) {
        struct snapshot s = {0};
        snapshot_of(w, &s);
        s.m.reports = w->report + (i % 2 ? 1 : -1);
        s.m.has_reports = i != 4;
        shows(w, &s);
    }
    struct snapshot s = {0};
    snapshot_of(w, &s);
    s.m.has_holdings_left_out = s.m.holdings_left_out = true;
    shows(w, &s);
    assert_int_equal(questions(w, NULL), 0);
    assert_state(w, "p1", filled);
}

static void more_than_is_on_record_is_asked_about_and_then_an_operators(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    show(w, "p1", 2 * LOT, 2);
    assert_int_equal(questions(w, "p1"), 2);
    assert_int_equal(alerts(w, "position_differs"), 0);
    show(w, "p1", 2 * LOT, 3);
    assert_int_equal(alerts(w, "position_differs"), 1);
    assert_int_equal(questions(w, "p1"), 2);
    assert_int_equal(open_lots(w, "p1"), LOT);
}

static void a_position_that_is_over_here_is_asked_about_and_adopted(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    show(w, "p1", 0, 3);
    assert_state(w, "p1", closed);
    show(w, "p1", LOT, 1); // it had only not been listed
    assert_int_equal(questions(w, "p1"), 3);
    show(w, "p1", LOT, 2);
    assert_int_equal(alerts(w, "position_differs"), 1);
}

static void a_position_that_nobody_knows_is_sought(void **state) {
    struct world *w = *state;
    struct answer a;
    show(w, "x1", LOT, 1);
    assert_int_equal(questions(w, "x1"), 1);
    Fill f = fill_of(w, "e1", LOT, LOT);
    answer_about(w, &a, "x1");
    a.fills[a.m.n_fills++] = &f;
    answer_found(w, &a, T(filled));
    assert_state(w, "x1", filled);
    show(w, "x1", LOT, 4);
    assert_int_equal(alerts(w, "position_differs"), 0);
}

// However often it is seen: when it is asked about again, and is an operator's, is the orphan's.
static void what_is_sought_stays_one_orphan(void **state) {
    struct world *w = *state;
    show(w, "x1", LOT, DISCREPANCY_PATIENCE + 2);
    // by its clock, not by snapshots
    assert_in_range(questions(w, "x1"), 1, DISCREPANCY_PATIENCE + 1);
    assert_int_equal(orphans_count(w->x->orphans), 1);
    assert_int_equal(alerts(w, "position_differs"), 0);
}

static void what_differs_is_counted_only_in_a_row(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    for (int i = 0; i < 5; i++) {
        show(w, "p1", 0, 2);
        show(w, "p1", LOT, 1);
    }
    assert_state(w, "p1", filled);
}

// --- a netting account

static int netting(void **state) {
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
    witness_hello(w, FOREVER);
    return 0;
}

static void a_netting_account_is_compared_by_its_one_position(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    have_position(w, "p2");
    show(w, "p2", 2 * LOT, 5); // under whatever name
    assert_int_equal(questions(w, NULL), 0);
    assert_state(w, "p1", filled);
    show(w, "p2", LOT, 3);
    assert_state(w, "p1", closed);
    assert_int_equal(open_lots(w, "p2"), LOT);
    show(w, "p2", LOT, 5);
    assert_state(w, "p2", filled);
}

static void what_differs_on_a_netting_account_is_counted_only_in_a_row(void **state) {
    struct world *w = *state;
    have_position(w, "p1");
    for (int i = 0; i < 5; i++) {
        show(w, "p1", 0, 2);
        show(w, "p1", LOT, 1);
    }
    assert_state(w, "p1", filled);
}

// --- orders

static void have_order(struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    o.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    o.terms->has_price = true;
    o.terms->price = LOT;
    give(w, &o);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, trade_id);
    world_commit(w);
    assert_state(w, trade_id, working);
}

static void show_order(struct world *w, const char *trade_id, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        struct snapshot s = {0};
        world_live(w, 1);
        snapshot_of(w, &s);
        if (trade_id) holds(&s, trade_id, LOT);
        if (trade_id) s.held[0].kind = HOLDING__KIND__order;
        shows(w, &s);
    }
}

static void an_order_that_the_broker_lists_no_more_is_asked_about_and_then_over(void **state) {
    struct world *w = *state;
    have_order(w, "o1");
    show_order(w, "o1", 4);
    assert_int_equal(questions(w, "o1"), 0);
    show_order(w, NULL, 2);
    assert_int_equal(questions(w, "o1"), 2);
    assert_state(w, "o1", working);
    show_order(w, NULL, 1);
    assert_state(w, "o1", cancelled);
}

// An earlier life sent it, and that was forgotten: here it is too old to be sent.
static void give_up(struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    o.valid_until = w->now - 1;
    give(w, &o);
    world_commit(w);
    assert_state(w, trade_id, expired);
}

static void an_order_that_works_and_is_over_here_is_asked_about_and_works(void **state) {
    struct world *w = *state;
    give_up(w, "o1");
    show_order(w, "o1", 1);
    assert_int_equal(questions(w, "o1"), 1);
    gateway_knows(w, "o1", T(working), NULL);
    world_commit(w);
    assert_state(w, "o1", working);
    assert_int_equal(alerts(w, "evidence_overrides"), 1);
}

static void what_was_given_up_and_is_accepted_is_asked_about(void **state) {
    struct world *w = *state;
    give_up(w, "o1");
    gateway_reports(w, REPORT__KIND__accepted, "o1");
    world_commit(w);
    assert_int_equal(questions(w, "o1"), 1);
    assert_state(w, "o1", expired); // the report may be late
}

int main(void) {
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_discrepancy_has_the_remedy_of_its_row),
        WITH(with_witness, what_agrees_is_left_alone),
        WITH(with_witness, what_the_broker_has_no_more_is_asked_about_and_then_closed_here),
        WITH(with_witness, what_is_missing_of_a_position_is_closed_here),
        WITH(with_witness, a_late_history_takes_the_place_of_what_was_closed_unseen),
        WITH(with_witness, a_snapshot_counts_only_when_what_is_in_it_has_been_applied),
        WITH(with_witness, more_than_is_on_record_is_asked_about_and_then_an_operators),
        WITH(with_witness, a_position_that_is_over_here_is_asked_about_and_adopted),
        WITH(with_witness, a_position_that_nobody_knows_is_sought),
        WITH(with_witness, what_is_sought_stays_one_orphan),
        WITH(with_witness, what_differs_is_counted_only_in_a_row),
        WITH(with_witness, an_order_that_the_broker_lists_no_more_is_asked_about_and_then_over),
        WITH(with_witness, an_order_that_works_and_is_over_here_is_asked_about_and_works),
        WITH(with_witness, what_was_given_up_and_is_accepted_is_asked_about),
        WITH(netting, a_netting_account_is_compared_by_its_one_position),
        WITH(netting, what_differs_on_a_netting_account_is_counted_only_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
