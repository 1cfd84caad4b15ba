// test_division - a netting account's one position, divided over the orders that it is made of:
// once, for good, to the last digit.
// SPDX-License-Identifier: MIT
#include "common/sql/sql.h"
#include "tests/unit/paper/broker.h"

static void welcome(struct broker *b) {
    AccountConfig a = ACCOUNT_CONFIG__INIT, *accounts[] = {&a};
    Welcome m = WELCOME__INIT;
    a.account_id = WORD("A");
    a.broker_id = WORD("paper");
    a.has_netting = a.netting = true;
    m.epoch = 7;
    m.accounts = accounts, m.n_accounts = 1;
    broker_hear(b, &m.base);
}

static int start(void **state) {
    struct broker *b = malloc(sizeof *b);
    assert_non_null(b);
    *state = b;
    broker_start(b);
    welcome(b);
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    return 0;
}

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static void assert_closed(const Fill *f, size_t at, const char *trade_id, const char *lots,
                          const char *pnl) {
    assert_true(at < f->n_closed);
    assert_string_equal(f->closed[at]->trade_id, trade_id);
    assert_decimal(f->closed[at]->lots, lots);
    assert_decimal(f->closed[at]->pnl, pnl);
}

// Of the one position: whose, and how much of it, in that order. "" ends the list.
static void assert_holdings(struct broker *b, const char *const *names_and_lots) {
    const AccountSnapshot *s = broker_snapshot(b, "A");
    size_t n = 0;
    for (; names_and_lots[2 * n]; n++) {
        assert_true(n < s->n_holdings);
        assert_string_equal(s->holdings[n]->trade_id, names_and_lots[2 * n]);
        assert_decimal(s->holdings[n]->lots, names_and_lots[2 * n + 1]);
        assert_true(s->holdings[n]->net);
    }
    assert_int_equal(s->n_holdings, n);
}
#define HOLDINGS(b, ...)                                                                           \
    assert_holdings(b, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL, NULL})

static void what_an_order_closes_is_the_oldest_first(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t2", "0.10");
    broker_buy(b, "t1", "0.20"); // at the same time: by id
    b->now += NS_PER_S;
    broker_buy(b, "t0", "0.30");
    HOLDINGS(b, "t2", "0.1", "t1", "0.2", "t0", "0.3");
    broker_price(b, "EURUSD", "1.10100", "1.10100");
    broker_sell(b, "s1", "0.35");
    const Fill *f = b->reports[0]->fill;
    assert_int_equal(f->n_closed, 3);
    assert_closed(f, 0, "t1", "0.2", "20");
    assert_closed(f, 1, "t2", "0.1", "10");
    assert_closed(f, 2, "t0", "0.05", "5");
    assert_decimal(f->pnl, "35");
    HOLDINGS(b, "t0", "0.25");
    assert_int_equal(broker_ask(b, "t2")->state,
                     TRADE_STATE__STATE__closed); // though it carries the position
    assert_int_equal(broker_ask(b, "t0")->state, TRADE_STATE__STATE__filled);
    const OrderStatus *s = broker_ask(b, "t1");
    assert_int_equal(s->n_closings, 1);
    assert_decimal(s->closings[0]->lots, "0.2");
    assert_decimal(s->closings[0]->pnl, "20");
    assert_true(s->closings[0]->net);
}

static void what_is_over_opens_on_the_other_side(void **state) {
    struct broker *b = *state;
    for (int side = 0; side < 2; side++) {
        char ids[3][8];
        for (int i = 0; i < 3; i++)
            (void)snprintf(ids[i], sizeof ids[i], "%c%d", side ? 's' : 'l', i);
        void (*opens)(struct broker *, const char *, const char *) =
            side ? broker_sell : broker_buy;
        void (*turns)(struct broker *, const char *, const char *) =
            side ? broker_buy : broker_sell;
        opens(b, ids[0], "0.40");
        turns(b, ids[1], "1.00");
        const Fill *f = b->reports[0]->fill;
        assert_decimal(f->lots, "1");
        assert_int_equal(f->n_closed, 1);
        assert_closed(f, 0, ids[0], "0.4", "0");
        HOLDINGS(b, ids[1], "0.6");
        broker_restart(b);
        broker_price(b, "EURUSD", "1.10000", "1.10000");
        opens(b, ids[2], "0.60");
        assert_closed(b->reports[0]->fill, 0, ids[1], "0.6", "0");
        HOLDINGS(b);
    }
}

static void a_close_takes_first_what_it_names(void **state) {
    struct broker *b = *state;
    broker_buy(b, "t1", "0.20");
    broker_buy(b, "t2", "0.20");
    broker_buy(b, "t3", "0.20");
    Closing c[3] = {CLOSING__INIT, CLOSING__INIT, CLOSING__INIT}, *closes[] = {&c[0], &c[1], &c[2]};
    c[0].trade_id = WORD("t3"), c[0].lots = dec("0.15").e8;
    c[1].trade_id = WORD("unknown"), c[1].lots = dec("0.1").e8;
    c[2].trade_id = WORD("t2"), c[2].lots = dec("0.05").e8;
    Submit m = an_order("c1", SIGNAL__DIRECTION__sell, "0.30");
    m.closes = closes, m.n_closes = 3;
    b->settings.latency_min = b->settings.latency_max = 100;
    b->settings.partial_probability = DECIMAL_SCALE;
    b->settings.partial_count = 2;
    b->settings.partial_gap = 100;
    broker_order(b, &m);
    int64_t sums[3] = {0};
    for (size_t i = 0; i < 2; i++) { // in two pieces, and the process dies before each
        broker_restart(b);
        broker_price(b, "EURUSD", "1.10000", "1.10000");
        broker_wait(b, 100);
        assert_int_equal(b->n_reports, 1);
        assert_non_null(b->reports[0]->plan);
        assert_int_equal(b->reports[0]->plan->n_closes, 3);
        assert_decimal(b->reports[0]->plan->closes[0]->lots, "0.15");
        const Fill *f = b->reports[0]->fill;
        for (size_t k = 0; k < f->n_closed; k++)
            sums[f->closed[k]->trade_id[1] - '1'] += f->closed[k]->lots;
    }
    assert_decimal(sums[2], "0.15");
    assert_decimal(sums[1], "0.05");
    assert_decimal(sums[0], "0.1"); // not named: the oldest
    HOLDINGS(b, "t1", "0.1", "t2", "0.15", "t3", "0.05");
}

static void the_profit_of_the_parts_adds_up_to_that_of_the_fill(void **state) {
    struct broker *b = *state;
    broker_price(b, "EURUSD", "1.10001", "1.10001");
    broker_buy(b, "t1", "0.01");
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    broker_buy(b, "t2", "0.01");
    broker_buy(b, "t3", "0.01"); // the average is not a whole number
    broker_price(b, "EURUSD", "1.10007", "1.10007");
    broker_sell(b, "s1", "0.03");
    const Fill *f = b->reports[0]->fill;
    assert_int_equal(f->n_closed, 3);
    int64_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(f->closed[i]->pnl, dec("0.066").e8, dec("0.067").e8);
        sum += f->closed[i]->pnl;
    }
    assert_int_equal(sum, f->pnl);
}

static void a_stop_loss_closes_every_part(void **state) {
    struct broker *b = *state;
    b->settings.commission = dec("10").e8;
    broker_buy(b, "t1", "0.10");
    Submit m = an_order("t2", SIGNAL__DIRECTION__buy, "0.20");
    m.terms->has_stop_loss = true;
    m.terms->stop_loss = dec("1.09").e8;
    broker_order(b, &m);
    broker_price(b, "EURUSD", "1.09000", "1.09000");
    assert_report(b, 0, REPORT__KIND__position_closed, "t1");
    const Fill *f = b->reports[0]->fill;
    assert_decimal(f->lots, "0.3");
    assert_int_equal(f->n_closed, 2);
    assert_closed(f, 0, "t1", "0.1", "-100");
    assert_closed(f, 1, "t2", "0.2", "-200");
    char execution[64];
    (void)snprintf(execution, sizeof execution, "%s", f->execution_id);
    // whose execution it is has it whole
    const char *ids[] = {"t1", "t2"}, *lots[] = {"0.3", "0.2"};
    for (size_t i = 0; i < 2; i++) {
        const OrderStatus *s = broker_ask(b, ids[i]);
        assert_int_equal(s->state, TRADE_STATE__STATE__closed);
        assert_int_equal(s->n_closings, 1);
        assert_string_equal(s->closings[0]->execution_id, execution);
        assert_decimal(s->closings[0]->lots, lots[i]);
        assert_int_equal(s->closings[0]->n_closed, i == 0 ? 2 : 0);
        assert_int_equal(s->closings[0]->closed_by != NULL, i == 1);
        assert_int_equal(s->closings[0]->has_commission,
                         i == 0); // paid once, by the order under which it is reported
    }
    HOLDINGS(b);
}

// Who carried the position has had its own lots closed: what is left is reported under an order
// that it is made of.
static void who_has_nothing_left_of_it_is_not_named(void **state) {
    struct broker *b = *state;
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.10");
    m.terms->has_stop_loss = true;
    m.terms->stop_loss = dec("1.09").e8;
    broker_order(b, &m);
    broker_buy(b, "t2", "0.20");
    broker_sell(b, "s1", "0.10");
    broker_restart(b);
    broker_price(b, "EURUSD", "1.09000", "1.09000");
    assert_report(b, 0, REPORT__KIND__position_closed, "t2");
    assert_int_equal(b->reports[0]->fill->n_closed, 1);
    assert_closed(b->reports[0]->fill, 0, "t2", "0.2", "-200");
}

// The position is what the books say of it; who changes it there by hand is believed.
static void a_position_made_smaller_in_the_books_is_smaller_by_the_oldest(void **state) {
    struct broker *b = *state;
    char why[200];
    broker_buy(b, "t1", "0.20");
    broker_buy(b, "t2", "0.20");
    broker_forget_reports(b);
    gateway_close(&b->context);
    sql_t *db = sql_open(b->books, SQL_WRITE, why);
    assert_non_null(db);
    assert_int_equal(sql_run(db, "UPDATE orders SET open_lots = '0.1' WHERE trade_id = 't1'"),
                     ERR_OK);
    sql_destroy(&db);
    broker_open(b);
    HOLDINGS(b, "t2", "0.1");
    broker_price(b, "EURUSD", "1.10000", "1.10000");
    broker_sell(b, "s1", "0.10");
    assert_closed(b->reports[0]->fill, 0, "t2", "0.1", "0");
    HOLDINGS(b);
}

// --- any sequence

static uint64_t seed;
static uint64_t next(uint64_t most) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed % (most + 1);
}

enum { ORDERS = 250 };

static int64_t held_of(const AccountSnapshot *s, const char *trade_id) {
    for (size_t i = 0; i < s->n_holdings; i++) {
        if (strcmp(s->holdings[i]->trade_id, trade_id) == 0) return s->holdings[i]->lots;
    }
    return 0;
}

// Filled, less what its fills closed, less what others closed of it: that is what is left of an
// order.
static int64_t left_of(const OrderStatus *s) {
    int64_t left = 0;
    for (size_t i = 0; i < s->n_fills; i++) {
        int64_t pnl = 0;
        left += s->fills[i]->lots;
        for (size_t k = 0; k < s->fills[i]->n_closed; k++) {
            left -= s->fills[i]->closed[k]->lots;
            pnl += s->fills[i]->closed[k]->pnl;
        }
        assert_int_equal(pnl, s->fills[i]->pnl);
    }
    for (size_t i = 0; i < s->n_closings; i++) {
        left -= s->closings[i]->lots;
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(s->closings[i]->execution_id, s->closings[k]->execution_id);
    }
    return left;
}

static void from_the_answers_follows_what_is_open_of_each(void **state) {
    struct broker *b = *state;
    int64_t left[ORDERS], sum = 0, net = 0;
    b->settings.check_margin = false;
    b->settings.partial_probability = dec("0.5").e8;
    b->settings.partial_count = 3;
    seed = 20260102;
    for (int i = 0; i < ORDERS; i++) {
        char id[16], bid[24];
        int64_t lots = (int64_t)(1 + next(50)) * DECIMAL_SCALE / 100;
        bool buys = next(1);
        (void)snprintf(id, sizeof id, "g%d", i);
        decimal_print(D((110000 + (int64_t)next(400)) * 1000), bid);
        b->now += next(1) * NS_PER_S;
        broker_price(b, "EURUSD", bid, bid);
        Submit m = an_order(id, buys ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell, "0.01");
        m.lots = lots;
        broker_order(b, &m);
        net += buys ? lots : -lots;
        if (i % 37 == 0) broker_restart(b);
    }
    for (int i = 0; i < ORDERS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "g%d", i);
        left[i] = left_of(broker_ask(b, id));
        sum += left[i];
    }
    const AccountSnapshot *s = broker_snapshot(b, "A");
    for (int i = 0; i < ORDERS; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "g%d", i);
        assert_int_equal(held_of(s, id), left[i]);
    }
    assert_int_equal(sum, net < 0 ? -net : net);
    assert_int_not_equal(net, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_an_order_closes_is_the_oldest_first, start, end),
        cmocka_unit_test_setup_teardown(what_is_over_opens_on_the_other_side, start, end),
        cmocka_unit_test_setup_teardown(a_close_takes_first_what_it_names, start, end),
        cmocka_unit_test_setup_teardown(the_profit_of_the_parts_adds_up_to_that_of_the_fill, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_stop_loss_closes_every_part, start, end),
        cmocka_unit_test_setup_teardown(who_has_nothing_left_of_it_is_not_named, start, end),
        cmocka_unit_test_setup_teardown(
            a_position_made_smaller_in_the_books_is_smaller_by_the_oldest, start, end),
        cmocka_unit_test_setup_teardown(from_the_answers_follows_what_is_open_of_each, start, end),
    };
    return cmocka_run_group_tests_name("paper: division", tests, NULL, NULL);
}
