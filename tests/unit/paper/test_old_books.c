// test_old_books - books of the version before are taken over: nothing is lost, and what they never
// had is not made up.
// SPDX-License-Identifier: MIT
#include "common/sql/sql.h"
#include "tests/unit/paper/broker.h"
#include "tests/unit/paper/old_books.h"

static int start(void **state) {
    struct broker *b = malloc(sizeof *b);
    char command[128], why[200];
    assert_non_null(b);
    *state = b;
    broker_start(b);
    broker_forget_reports(b);
    gateway_close(&b->context);
    (void)snprintf(command, sizeof command, "rm %s*", b->books);
    assert_int_equal(system(command), 0);
    sql_t *db = sql_open(b->books, SQL_WRITE, why);
    assert_non_null(db);
    assert_int_equal(sql_run(db, old_books), ERR_OK);
    sql_destroy(&db);
    b->now = T0 + 60 * NS_PER_S;
    broker_open(b);
    broker_price(b, "EURUSD", "1.10010", "1.10010");
    return 0;
}

static int end(void **state) {
    broker_end(*state);
    free(*state);
    return 0;
}

static void it_has_every_submit_since_it_was_taken_over(void **state) {
    struct broker *b = *state;
    uint64_t since = b->context->link.books_since;
    assert_int_equal(since, T0 + 60 * NS_PER_S);
    assert_int_equal(b->context->link.head, 6);
    broker_wait(b, 5000);
    broker_restart(b);
    assert_int_equal(b->context->link.books_since, since);
}

static void what_was_submitted_before_is_not_known_and_not_denied(void **state) {
    struct broker *b = *state;
    const OrderStatus *s = broker_ask(b, "h1");
    assert_true(s->found);
    assert_null(s->submitted);
    assert_false(s->never_submitted);
    assert_int_equal(s->n_fills, 1);
    broker_price(b, "EURUSD", "1.08900", "1.09000");
    assert_report(b, 0, REPORT__KIND__filled, "h3");
    assert_null(b->reports[0]->plan);
    broker_buy(b, "new", "0.10");
    assert_decimal(b->reports[0]->plan->lots, "0.1");
}

static Submit of_netting(const char *trade_id, Signal__Direction side, const char *lots) {
    Submit m = an_order(trade_id, side, lots);
    m.account_id = WORD("N");
    return m;
}

// Whose lots the position of a netting account was made of, they do not say: it is that of who
// carried it.
static void a_netting_position_is_its_carriers(void **state) {
    struct broker *b = *state;
    const AccountSnapshot *s = broker_snapshot(b, "N");
    assert_int_equal(s->n_holdings, 1);
    assert_string_equal(s->holdings[0]->trade_id, "n1");
    assert_decimal(s->holdings[0]->lots, "0.2");
    Submit m = of_netting("n4", SIGNAL__DIRECTION__buy, "0.10");
    broker_order(b, &m);
    broker_restart(b);
    broker_price(b, "EURUSD", "1.10010", "1.10010");
    m = of_netting("n5", SIGNAL__DIRECTION__sell, "0.25");
    broker_order(b, &m);
    const Fill *f = b->reports[0]->fill;
    assert_int_equal(f->n_closed, 2);
    assert_string_equal(f->closed[0]->trade_id, "n1");
    assert_decimal(f->closed[0]->lots, "0.2");
    assert_string_equal(f->closed[1]->trade_id, "n4");
    assert_decimal(f->closed[1]->lots, "0.05");
    broker_restart(b);
    s = broker_snapshot(b, "N");
    assert_int_equal(s->n_holdings, 1);
    assert_string_equal(s->holdings[0]->trade_id, "n4");
    assert_decimal(s->holdings[0]->lots, "0.05");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_has_every_submit_since_it_was_taken_over, start, end),
        cmocka_unit_test_setup_teardown(what_was_submitted_before_is_not_known_and_not_denied,
                                        start, end),
        cmocka_unit_test_setup_teardown(a_netting_position_is_its_carriers, start, end),
    };
    return cmocka_run_group_tests_name("paper: old books", tests, NULL, NULL);
}
