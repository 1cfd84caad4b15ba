// test_gateway - what the skeleton promises for every broker, shown with the smallest one
// (tests/gateway).
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka needs those before it
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "gateways/link/settings.h"
#include "tests/gateway/filler.h"
#include "tests/unit/terms.h"

#define T0         (UINT64_C(1760000000) * NS_PER_S)
#define WORD(text) ((char *)(uintptr_t)(text)) // messages have no const

struct stand { // a gateway in a directory of its own
    struct gateway_settings settings;
    gateway_context_t *context;
    uint64_t now;
    char directory[64], books[96];
};

static void open_gateway(struct stand *s) {
    char why[200] = "";
    s->context = gateway_open(&filler_gateway, &s->settings, s->now, why);
    if (!s->context) fail_msg("%s", why);
}

// As after kill -9: what was not committed is gone.
static void restart(struct stand *s) {
    gateway_close(&s->context);
    open_gateway(s);
}

static int start(void **state) {
    struct stand *s = calloc(1, sizeof *s);
    char wrong[256];
    assert_non_null(s);
    assert_true(sodium_init() >= 0);
    *state = s;
    (void)snprintf(s->directory, sizeof s->directory, "/tmp/gateway-test-XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    (void)snprintf(s->books, sizeof s->books, "%s/books", s->directory);
    assert_int_equal(settings_read(&filler_gateway, &s->settings, wrong), ERR_OK);
    s->settings.books = s->books;
    s->settings.snapshot = 0;
    s->now = T0;
    open_gateway(s);
    return 0;
}

static int end(void **state) {
    struct stand *s = *state;
    char command[128];
    gateway_close(&s->context);
    (void)snprintf(command, sizeof command, "rm -rf %s", s->directory);
    assert_int_equal(system(command), 0);
    free(s);
    return 0;
}

static void begin(struct stand *s) { gateway_begin(s->context, s->now); }

static void hear(struct stand *s, const ProtobufCMessage *m) {
    begin(s);
    gateway_handle(s->context, m);
    assert_int_equal(gateway_commit(s->context), ERR_OK);
}

static Submit an_order(const char *trade_id) {
    Submit m = SUBMIT__INIT;
    m.epoch = 7;
    m.terms = new_terms();
    m.terms->order_type = SIGNAL__ORDER_TYPE__market;
    m.trade_id = WORD(trade_id);
    m.account_id = WORD("A");
    m.broker_symbol = WORD("EURUSD");
    m.side = SIGNAL__DIRECTION__buy;
    m.lots = DECIMAL_SCALE;
    m.sent_at = T0;
    return m;
}

static void buy(struct stand *s, const char *trade_id) {
    Submit m = an_order(trade_id);
    hear(s, &m.base);
}

static size_t count_reports(const struct stand *s) {
    size_t n = 0;
    for (const struct gateway_report *r = s->context->reports; r; r = r->next) n++;
    return n;
}

static void welcome(struct stand *s, const char *symbol_suffix) {
    BrokerConfig broker = BROKER_CONFIG__INIT;
    AccountConfig a = ACCOUNT_CONFIG__INIT, b = ACCOUNT_CONFIG__INIT, *accounts[] = {&a, &b};
    Welcome m = WELCOME__INIT;
    broker.broker_id = a.broker_id = b.broker_id = WORD("filler");
    broker.symbol_suffix = WORD(symbol_suffix);
    a.account_id = WORD("A"), b.account_id = WORD("B");
    m.epoch = 7;
    m.broker = &broker;
    m.accounts = accounts, m.n_accounts = 2;
    hear(s, &m.base);
}

static void presets_are_made_of_its_kind(void **state) {
    const struct stand *s = *state;
    assert_string_equal(s->settings.instance_id, "filler-1");
    assert_string_equal(s->settings.broker_id, "filler");
    assert_string_equal(s->settings.run_dir, "var/run");
    assert_int_equal(s->settings.heartbeat, 1000);
    assert_non_null(strstr(s->settings.books_preset, "filler-1.books"));
    assert_non_null(strstr(s->settings.executor_at.address, "executor.0"));
}

static void its_own_variables_count_before_those_of_all(void **state) {
    struct gateway_settings settings = {0};
    char wrong[256];
    (void)state;
    (void)setenv("TRADECAST_RESEND", "2s", 1);
    (void)setenv("TRADECAST_FILLER_RESEND", "3s", 1);
    (void)setenv("TRADECAST_PAPER_RESEND", "4s", 1);
    assert_int_equal(settings_read(&filler_gateway, &settings, wrong), ERR_OK);
    assert_int_equal(settings.resend, 3000);
    (void)setenv("TRADECAST_FILLER_RESEND", "soon", 1);
    assert_int_equal(settings_read(&filler_gateway, &settings, wrong), ERR_CONFIG);
    assert_non_null(strstr(wrong, "TRADECAST_FILLER_RESEND"));
    (void)unsetenv("TRADECAST_RESEND");
    (void)unsetenv("TRADECAST_FILLER_RESEND");
    (void)unsetenv("TRADECAST_PAPER_RESEND");
}

static void an_order_is_filled_once_however_often_it_comes(void **state) {
    struct stand *s = *state;
    buy(s, "t1");
    assert_int_equal(count_reports(s), 1);
    buy(s, "t1");
    assert_int_equal(count_reports(s), 0);
    assert_non_null(s->context->answers);
    restart(s);
    buy(s, "t1");
    assert_int_equal(count_reports(s), 0);
    const OrderStatus *told = (const OrderStatus *)s->context->answers->message;
    assert_true(told->found);
    assert_int_equal(told->n_fills, 1);
    assert_string_equal(told->submitted->trade_id, "t1");
}

static void what_was_not_committed_was_never_there(void **state) {
    struct stand *s = *state;
    Submit m = an_order("t1");
    QueryOrder asked = QUERY_ORDER__INIT;
    begin(s);
    gateway_handle(s->context, &m.base);
    restart(s);
    asked.trade_id = WORD("t1"), asked.account_id = WORD("A");
    hear(s, &asked.base);
    const OrderStatus *told = (const OrderStatus *)s->context->answers->message;
    assert_false(told->found);
    assert_true(told->never_submitted);
    assert_int_equal(s->context->link.head, 0);
}

struct numbers {
    uint64_t seen[8];
    size_t n;
};

static bool note_number(void *arg, uint64_t number, struct span report) {
    struct numbers *n = arg;
    Report *r = report__unpack(NULL, report.length, report.data);
    assert_non_null(r);
    assert_int_equal(r->report, number);
    assert_int_equal(r->kind, REPORT__KIND__filled);
    assert_int_equal(r->plan->lots, DECIMAL_SCALE);
    report__free_unpacked(r, NULL);
    n->seen[n->n++] = number;
    return n->n < 8;
}

static void reports_are_kept_and_numbered_without_a_gap(void **state) {
    struct stand *s = *state;
    struct numbers n = {0};
    buy(s, "t1");
    buy(s, "t2");
    uint64_t books = s->context->link.books;
    restart(s);
    buy(s, "t3");
    assert_int_equal(s->context->link.books, books);
    assert_int_equal(books_reports(s->context->books, 1, 8, note_number, &n), ERR_OK);
    assert_int_equal(n.n, 2);
    assert_int_equal(n.seen[0], 2);
    assert_int_equal(n.seen[1], 3);
}

static void reports_leave_the_books_acknowledged_and_old(void **state) {
    struct stand *s = *state;
    struct numbers n = {0};
    buy(s, "t1");
    buy(s, "t2");
    s->context->link.acked = 1;
    s->context->link.changed = true;
    s->now += (uint64_t)s->settings.report_keep * NS_PER_MS + 1;
    begin(s);
    assert_int_equal(gateway_commit(s->context), ERR_OK);
    assert_int_equal(books_reports(s->context->books, 0, 8, note_number, &n), ERR_OK);
    assert_int_equal(n.n, 1);
    assert_int_equal(n.seen[0], 2);
    assert_int_equal(s->context->link.first, 2);
}

static void an_acknowledgement_alone_waits_a_second(void **state) {
    struct stand *s = *state;
    buy(s, "t1");
    s->context->link.acked = 1;
    s->context->link.changed = true;
    begin(s);
    assert_int_equal(gateway_commit(s->context), ERR_OK);
    assert_true(s->context->link.changed);
    s->now += NS_PER_S;
    begin(s);
    assert_int_equal(gateway_commit(s->context), ERR_OK);
    assert_false(s->context->link.changed);
    restart(s);
    assert_int_equal(s->context->link.acked, 1);
}

static void an_epoch_is_in_the_books_at_once(void **state) {
    struct stand *s = *state;
    buy(s, "t1"); // what is written now is written; nothing else is due for a second
    begin(s);
    s->context->link.epoch = 41;
    assert_int_equal(gateway_commit(s->context), ERR_OK);
    restart(s);
    assert_int_equal(s->context->link.epoch, 41);
}

static void the_brokers_configuration_is_known_after_a_restart(void **state) {
    struct stand *s = *state;
    assert_null(s->context->config);
    welcome(s, ".m");
    restart(s);
    assert_string_equal(s->context->config->symbol_suffix, ".m");
    welcome(s, ".m");
    assert_false(s->context->config_changed);
    welcome(s, ".x");
    restart(s);
    assert_string_equal(s->context->config->symbol_suffix, ".x");
}

static void accounts_are_named_and_told(void **state) {
    struct stand *s = *state;
    SnapshotRequest m = SNAPSHOT_REQUEST__INIT;
    welcome(s, "");
    assert_int_equal(s->context->n_accounts, 2);
    assert_string_equal(s->context->accounts[1], "B");
    buy(s, "t1");
    hear(s, &m.base);
    const struct gateway_answer *first = s->context->answers;
    const AccountSnapshot *told = (const AccountSnapshot *)first->message;
    assert_string_equal(told->account_id, "A");
    assert_int_equal(told->n_holdings, 1);
    assert_int_equal(told->reports, 1); // the fill is in it
    assert_string_equal(((const AccountSnapshot *)first->next->message)->account_id, "B");
    assert_null(first->next->next);
}

static void snapshots_come_by_themselves(void **state) {
    struct stand *s = *state;
    welcome(s, "");
    s->settings.snapshot = 5000;
    for (int i = 0; i < 3; i++) {
        begin(s);
        gateway_tick(s->context);
        assert_int_equal(s->context->answers != NULL, i != 1);
        s->now += i ? NS_PER_S * 5 : NS_PER_S;
    }
}

static bool ask(struct stand *s, const char *verb, buffer_t *answer) {
    ControlRequest m = CONTROL_REQUEST__INIT;
    m.verb = WORD(verb);
    buffer_clear(answer);
    return gateway_control(s->context, &m, answer);
}

static void every_gateway_answers_whether_it_runs(void **state) {
    struct stand *s = *state;
    buffer_t answer = {0};
    assert_true(ask(s, "ping", &answer));
    assert_string_equal(buffer_string(&answer), "{\"service\":\"filler-1\",\"stalled\":false}");
    assert_false(ask(s, "dance", &answer));
    assert_string_equal(buffer_string(&answer), "say one of: ping");
    buffer_destroy(&answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(presets_are_made_of_its_kind, start, end),
        cmocka_unit_test_setup_teardown(its_own_variables_count_before_those_of_all, start, end),
        cmocka_unit_test_setup_teardown(an_order_is_filled_once_however_often_it_comes, start, end),
        cmocka_unit_test_setup_teardown(what_was_not_committed_was_never_there, start, end),
        cmocka_unit_test_setup_teardown(reports_are_kept_and_numbered_without_a_gap, start, end),
        cmocka_unit_test_setup_teardown(reports_leave_the_books_acknowledged_and_old, start, end),
        cmocka_unit_test_setup_teardown(an_acknowledgement_alone_waits_a_second, start, end),
        cmocka_unit_test_setup_teardown(an_epoch_is_in_the_books_at_once, start, end),
        cmocka_unit_test_setup_teardown(the_brokers_configuration_is_known_after_a_restart, start,
                                        end),
        cmocka_unit_test_setup_teardown(accounts_are_named_and_told, start, end),
        cmocka_unit_test_setup_teardown(snapshots_come_by_themselves, start, end),
        cmocka_unit_test_setup_teardown(every_gateway_answers_whether_it_runs, start, end),
    };
    return cmocka_run_group_tests_name("link: gateway", tests, NULL, NULL);
}
