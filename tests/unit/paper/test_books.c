// test_books - what is in the books stays, whenever the process dies; what is reported was in the
// books before.
// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/sql/sql.h"
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

static void a_restart_loses_nothing(void **state) {
    struct broker *b = *state;
    char before[512], after[512];
    b->settings.commission = dec("7").e8;
    broker_buy(b, "bought", "0.30");
    broker_sell(b, "sold", "0.20");
    Submit rests = at_price(an_order("rests", SIGNAL__DIRECTION__buy, "0.10"),
                            SIGNAL__ORDER_TYPE__limit, "1.09");
    rests.terms->has_stop_loss = true;
    rests.terms->stop_loss = dec("1.08").e8;
    broker_order(b, &rests);
    b->settings.latency_min = b->settings.latency_max = 100;
    broker_buy(b, "waits", "0.10");
    for (int run = 0; run < 2; run++) {
        if (run) broker_restart(b);
        broker_price(b, "EURUSD", "1.10100", "1.10110");
        const AccountSnapshot *s = broker_snapshot(b, "A");
        (void)snprintf(run ? after : before, sizeof before, "%lld %lld %lld %zu %u %s",
                       (long long)s->balance, (long long)s->equity, (long long)s->margin,
                       s->n_holdings, s->leverage, s->currency);
    }
    assert_string_equal(before, after);
    broker_wait(b, 100);
    assert_fill(b, 0, "0.1", "1.1011");
    broker_price(b, "EURUSD", "1.08990", "1.09000");
    assert_fill(b, 0, "0.1", "1.09");
    broker_price(b, "EURUSD", "1.08000", "1.08010");
    assert_report(b, 0, REPORT__KIND__position_closed, "rests");
    assert_decimal(b->reports[0]->fill->pnl, "-100");
    const OrderStatus *s = broker_ask(b, "bought");
    assert_int_equal(s->n_fills, 1);
    assert_decimal(s->fills[0]->commission, "2.1");
}

static void closing_orders_remember_over_a_restart_what_they_close(void **state) {
    struct broker *b = *state;
    Closing one = CLOSING__INIT, two = CLOSING__INIT, *closes[] = {&one, &two};
    broker_buy(b, "t1", "0.10");
    broker_buy(b, "t2", "0.10");
    b->settings.latency_min = b->settings.latency_max = 100;
    Submit m = an_order("t3", SIGNAL__DIRECTION__sell, "0.15");
    one.trade_id = WORD("t1"), two.trade_id = WORD("t2");
    one.lots = dec("0.1").e8, two.lots = dec("0.05").e8;
    m.closes = closes;
    m.n_closes = 2;
    broker_order(b, &m);
    broker_restart(b);
    broker_price(b, "EURUSD", "1.10110", "1.10120");
    broker_wait(b, 100);
    assert_fill(b, 0, "0.15", "1.1011");
    assert_decimal(b->reports[0]->fill->pnl, "15");
    const AccountSnapshot *s = broker_snapshot(b, "A");
    assert_int_equal(s->n_holdings, 1);
    assert_string_equal(s->holdings[0]->trade_id, "t2");
    assert_decimal(s->holdings[0]->lots, "0.05");
}

struct numbers {
    uint64_t seen[64];
    size_t n;
};

static bool note(void *arg, uint64_t number, struct span report) {
    struct numbers *n = arg;
    Report *r = report__unpack(NULL, report.length, report.data);
    assert_non_null(r);
    assert_int_equal(r->report, number);
    report__free_unpacked(r, NULL);
    n->seen[n->n++] = number;
    return n->n < 64;
}

static void reports_are_numbered_without_a_gap_and_read_again(void **state) {
    struct broker *b = *state;
    for (int i = 0; i < 5; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        broker_buy(b, id, "0.01");
        assert_int_equal(b->reports[0]->report, (uint64_t)i + 1);
        if (i == 2) broker_restart(b), broker_price(b, "EURUSD", "1.10000", "1.10010");
    }
    struct numbers n = {0};
    assert_int_equal(books_reports(b->context->books, 2, 10, note, &n), ERR_OK);
    assert_int_equal(n.n, 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(n.seen[i], i + 3);
    n.n = 0;
    assert_int_equal(books_reports(b->context->books, 0, 2, note, &n), ERR_OK);
    assert_int_equal(n.n, 2);
}

static void old_reports_leave_only_once_they_are_acknowledged(void **state) {
    struct broker *b = *state;
    struct numbers n = {0};
    for (int i = 0; i < 3; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        broker_buy(b, id, "0.01");
    }
    b->context->link.acked = 2;
    b->context->link.changed = true;
    broker_wait(b, 3600 * 1000 + 1);
    assert_int_equal(books_reports(b->context->books, 0, 10, note, &n), ERR_OK);
    assert_int_equal(n.n, 1);
    assert_int_equal(n.seen[0], 3);
    assert_int_equal(b->context->link.first, 3);
    broker_restart(b);
    assert_int_equal(b->context->link.first, 3);
    assert_int_equal(b->context->link.acked, 2);
    assert_int_equal(b->context->link.head, 3);
}

static void books_keep_their_identity_and_the_highest_epoch(void **state) {
    struct broker *b = *state;
    uint64_t books = b->context->link.books;
    b->context->link.epoch = 41;
    broker_wait(b, 1);
    broker_restart(b);
    assert_int_equal(b->context->link.books, books);
    assert_int_not_equal(books, 0);
    assert_int_equal(b->context->link.epoch, 41);
    assert_int_equal(b->context->n_accounts, 2);
}

static void books_say_since_when_they_have_every_order(void **state) {
    struct broker *b = *state;
    assert_int_equal(b->context->link.books_since, T0);
    broker_buy(b, "t1", "0.10");
    b->now += NS_PER_S;
    broker_restart(b);
    assert_int_equal(b->context->link.books_since, T0);
}

static void an_opening_balance_counts_once(void **state) {
    struct broker *b = *state;
    b->settings.commission = dec("10").e8;
    broker_buy(b, "t1", "0.10");
    broker_restart(b);
    broker_welcome(b);
    assert_decimal(broker_snapshot(b, "A")->balance, "9999");
}

static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_commit_that_the_disk_refuses_is_tried_again_whole(void **state) {
    struct broker *b = *state;
    Submit m = an_order("t1", SIGNAL__DIRECTION__buy, "0.10");
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    gateway_begin(b->context, b->now);
    gateway_handle(b->context, &m.base);
    limit_files(4096);
    for (int i = 0; i < 3; i++) assert_int_equal(gateway_commit(b->context), ERR_DISK);
    limit_files(RLIM_INFINITY);
    broker_commit(b);
    assert_report(b, 0, REPORT__KIND__filled, "t1");
    broker_restart(b);
    assert_int_equal(broker_ask(b, "t1")->n_fills, 1);
    assert_int_equal(b->context->link.head, 1);
}

// A Submit as books of the version before Terms have it: a limit order of 0.10 at 1.09, made by
// protoc from that version's .proto.
#define FORMER_SUBMIT                                                                              \
    "080712001a002200280230013980969800000000004140357f06000000004960d68606000000005100f36f060000" \
    "00005900fcac06000000"                                                                         \
    "006900148f9882182f18aa01200a02733112064555525553442100148f9882182f182900148f9882182f183001"

static void what_was_submitted_to_the_version_before_is_said_with_its_terms(void **state) {
    struct broker *b = *state;
    char why[200];
    Submit m =
        at_price(an_order("t1", SIGNAL__DIRECTION__buy, "0.10"), SIGNAL__ORDER_TYPE__limit, "1.09");
    broker_order(b, &m);
    broker_forget_reports(b);
    gateway_close(&b->context);
    sql_t *db = sql_open(b->books, SQL_WRITE, why);
    assert_non_null(db);
    assert_int_equal(sql_run(db, "UPDATE orders SET submit = x'" FORMER_SUBMIT "'"), ERR_OK);
    assert_int_equal(sql_changes(db), 1);
    sql_destroy(&db);
    broker_open(b);
    const OrderStatus *s = broker_ask(b, "t1");
    assert_non_null(s->submitted);
    assert_string_equal(s->submitted->broker_symbol, "EURUSD.m");
    assert_decimal(s->submitted->lots, "0.1");
    assert_decimal(s->submitted->terms->price, "1.09");
    assert_decimal(s->submitted->terms->requested_price, "1.095");
    assert_decimal(s->submitted->terms->stop_loss, "1.08");
    broker_price(b, "EURUSD", "1.08900", "1.09000");
    assert_report(b, 0, REPORT__KIND__filled, "t1");
    assert_decimal(b->reports[0]->plan->lots, "0.1");
}

// This program again, as a process that takes one order. The fail point's plan is read once a
// process: hence exec.
static int take_one_order(const char *books) {
    struct broker b = {.now = T0};
    char wrong[256];
    if (settings_read(&paper_gateway, &b.settings, wrong) != ERR_OK) return 2;
    b.settings.common.books = books;
    broker_open(&b);
    broker_price(&b, "EURUSD", "1.10000", "1.10010");
    broker_buy(&b, "killed", "0.10");
    return 0;
}

// Another process dies at the fail point while it takes an order; then we look at the books.
static void die_at(struct broker *b, const char *point) {
    gateway_close(&b->context);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("TRADECAST_FAIL", point, 1);
        execl("/proc/self/exe", "test_books", b->books, NULL);
        _exit(3);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    broker_open(b);
}

static void killed_before_its_commit_an_order_was_never_there(void **state) {
    struct broker *b = *state;
    die_at(b, "gateway.before_commit:1");
    assert_false(broker_ask(b, "killed")->found);
    assert_int_equal(b->context->link.head, 0);
    assert_int_equal(broker_snapshot(b, "A")->n_holdings, 0);
}

static void killed_after_its_commit_an_order_is_there_with_its_report(void **state) {
    struct broker *b = *state;
    struct numbers n = {0};
    die_at(b, "gateway.after_commit_before_report:1");
    assert_int_equal(broker_ask(b, "killed")->state, TRADE_STATE__STATE__filled);
    assert_int_equal(books_reports(b->context->books, b->context->link.acked, 10, note, &n),
                     ERR_OK);
    assert_int_equal(n.n, 1);
    assert_decimal(broker_snapshot(b, "A")->holdings[0]->lots, "0.1");
    assert_int_equal(ledger_of(b, "executions"), 1);
}

// Books as the first program kept them: without limit prices, and before accounts could net.
static void books_of_the_first_version_are_taken_over(void **state) {
    struct broker *b = *state;
    char why[200];
    broker_buy(b, "open", "0.10");
    Submit rests = at_price(an_order("rests", SIGNAL__DIRECTION__buy, "0.10"),
                            SIGNAL__ORDER_TYPE__limit, "1.09");
    broker_order(b, &rests);
    broker_forget_reports(b);
    gateway_close(&b->context);
    sql_t *db = sql_open(b->books, SQL_WRITE, why);
    assert_non_null(db);
    assert_int_equal(
        sql_run(
            db,
            "ALTER TABLE orders DROP COLUMN limit_price; ALTER TABLE orders DROP COLUMN triggered;"
            "ALTER TABLE orders DROP COLUMN attributed; ALTER TABLE orders DROP COLUMN unheard;"
            "ALTER TABLE orders DROP COLUMN submit; ALTER TABLE link DROP COLUMN books_since;"
            "ALTER TABLE accounts DROP COLUMN netting; PRAGMA user_version = 1;"),
        ERR_OK);
    sql_destroy(&db);
    broker_open(b);
    assert_int_equal(broker_snapshot(b, "A")->n_holdings, 2);
    broker_price(b, "EURUSD", "1.0890", "1.0895");
    assert_fill(b, 0, "0.1", "1.0895");
}

int main(int argc, char **argv) {
    if (argc == 2) return take_one_order(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_restart_loses_nothing, start, end),
        cmocka_unit_test_setup_teardown(closing_orders_remember_over_a_restart_what_they_close,
                                        start, end),
        cmocka_unit_test_setup_teardown(reports_are_numbered_without_a_gap_and_read_again, start,
                                        end),
        cmocka_unit_test_setup_teardown(old_reports_leave_only_once_they_are_acknowledged, start,
                                        end),
        cmocka_unit_test_setup_teardown(books_keep_their_identity_and_the_highest_epoch, start,
                                        end),
        cmocka_unit_test_setup_teardown(books_say_since_when_they_have_every_order, start, end),
        cmocka_unit_test_setup_teardown(an_opening_balance_counts_once, start, end),
        cmocka_unit_test_setup_teardown(
            what_was_submitted_to_the_version_before_is_said_with_its_terms, start, end),
        cmocka_unit_test_setup_teardown(a_commit_that_the_disk_refuses_is_tried_again_whole, start,
                                        end),
        cmocka_unit_test_setup_teardown(killed_before_its_commit_an_order_was_never_there, start,
                                        end),
        cmocka_unit_test_setup_teardown(killed_after_its_commit_an_order_is_there_with_its_report,
                                        start, end),
        cmocka_unit_test_setup_teardown(books_of_the_first_version_are_taken_over, start, end),
    };
    return cmocka_run_group_tests_name("paper: books", tests, NULL, NULL);
}
