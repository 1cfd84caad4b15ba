// test_monitor - what the monitor writes, and the commands it passes on.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // memmem
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/own.h"
#include "common/batch/batch_commit.h"
#include "common/http/host_names.h"
#include "heard.h"
#include "services/monitor/monitor.h"

static const struct monitor_settings settings = {.silent_ms = 3000,
                                                 .grace_ms = 10000,
                                                 .lag_max = 10,
                                                 .lag_for_ms = 5000,
                                                 .quiet_ms = 900000,
                                                 .currency = "USD"};
static struct outlet outlets[] = {{.name = "commands", .topic = TOPIC_commands},
                                  {.name = "incidents.monitor", .topic = TOPIC_incidents}};

struct bench {
    book_t *book;
    struct context context;
    struct monitor *monitor;
    batch_t *batch;
};

static void configure(book_t *book) {
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.account_id = (char *)"anna";
    account.broker_id = (char *)"alpha";
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.version = 1;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = (char *)"anna";
    change.account = &account;
    assert_int_equal(book_apply(book, &change), ERR_OK);
    InstanceConfig instance = INSTANCE_CONFIG__INIT;
    instance.instance_id = (char *)"paper-1";
    instance.broker_id = (char *)"alpha";
    change.version = 2;
    change.kind = CONFIG_CHANGE__KIND__instance_config;
    change.id = (char *)"paper-1";
    change.account = NULL;
    change.instance = &instance;
    assert_int_equal(book_apply(book, &change), ERR_OK);
}

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof *b);
    b->book = book_new();
    configure(b->book);
    b->context =
        (struct context){.name = "monitor", .shards = 1, .run_dir = "/nowhere", .book = b->book};
    b->monitor = monitor_new(&b->context, &settings);
    watch_end(&b->monitor->watch);
    watch_start(&b->monitor->watch, 1, 10, AT(100)); // not at this machine's own time
    b->batch = batch_new("monitor", monitor_slice, outlets, 2);
    batch_begin(b->batch, 7, AT(1800000000), AT(200));
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bench *b = *state;
    batch_destroy(&b->batch);
    monitor_destroy((void **)&b->monitor);
    book_destroy(&b->book);
    free(b);
    return 0;
}

static size_t next_tick(struct bench *b, uint64_t mono_ns) {
    char why[160];
    batch_begin(b->batch, 7, AT(1800000000) + mono_ns, mono_ns);
    assert_int_equal(monitor_tick(b->monitor, b->batch), ERR_OK);
    assert_int_equal(batch_fault(b->batch, why), ERR_OK);
    return batch_commands(b->batch);
}

static bool wrote(const struct bench *b, const char *text) {
    struct span bytes = batch_bytes(b->batch);
    return memmem(bytes.data, bytes.length, text, strlen(text)) != NULL;
}

static bool run(struct bench *b, const char *verb, const char *arg, buffer_t *answer) {
    char *args[] = {(char *)arg, (char *)"because", (char *)"olga"};
    ControlRequest request = CONTROL_REQUEST__INIT;
    request.verb = (char *)verb;
    request.args = args;
    request.n_args = 3;
    for (const struct control *c = monitor_controls; c->verb; c++) {
        if (strcmp(c->verb, verb) == 0) return c->run(b->monitor, b->batch, &request, answer);
    }
    fail_msg("no verb %s", verb);
    return false;
}

static void state_is_written_every_second_and_performance_when_it_changes(void **state) {
    struct bench *b = *state;
    hear_all(&b->monitor->watch, AT(102));
    assert_int_equal(next_tick(b, AT(102)), 2);
    assert_true(wrote(b, "\"state\":\"running\",\"market_status\":\"unknown\""));
    assert_true(wrote(b, "\"daily_pnl\":0,"));
    assert_int_equal(next_tick(b, AT(103)), 1);
    b->monitor->overview.positions = 2;
    b->monitor->overview.positions_at = 1;
    b->monitor->days[0].day.wins = 1;
    assert_int_equal(next_tick(b, AT(104)), 2);
    assert_true(wrote(b, "\"active_positions_count\":2"));
}

static void nothing_is_written_more_than_once_a_second(void **state) {
    struct bench *b = *state;
    assert_int_equal(next_tick(b, AT(102)), 2);
    hear_account(&b->monitor->watch, "anna", ACCOUNT_STATE__STATE__ready, NULL);
    assert_int_equal(next_tick(b, AT(102) + 900 * NS_PER_MS), 0);
    assert_int_equal(next_tick(b, AT(103)), 1);
}

static void it_keeps_quiet_until_the_grace_is_over(void **state) {
    struct bench *b = *state;
    (void)next_tick(b, AT(109));
    assert_false(wrote(b, "service_silent"));
    (void)next_tick(b, AT(110));
    assert_true(wrote(b, "alert:service_silent:router"));
    assert_true(wrote(b, "incidents.monitor"));
}

static void an_alert_that_is_over_is_marked_and_may_expire(void **state) {
    struct bench *b = *state;
    (void)next_tick(b, AT(110));
    hear_all(&b->monitor->watch, AT(111));
    (void)next_tick(b, AT(111));
    assert_true(wrote(b, "cleared_at"));
    assert_true(wrote(b, "PEXPIREAT"));
    assert_true(wrote(b, "SREM"));
    assert_true(wrote(b, "service_silent_over"));
    assert_int_equal(b->monitor->alerts.n, 0);
}

static void a_halt_is_a_command_with_an_id_of_its_own(void **state) {
    struct bench *b = *state;
    own(buffer) first = {0}, second = {0};
    const struct outgoing *out;
    assert_true(run(b, "halt", "-", &first));
    assert_true(run(b, "halt", "-", &second));
    assert_int_equal(batch_outgoing(b->batch, &out), 4); // each with its row of system_event_log
    const Command *one = (const Command *)batch_opened(b->batch, &out[0]),
                  *two = (const Command *)batch_opened(b->batch, &out[2]);
    assert_int_equal(one->action, COMMAND__ACTION__halt);
    assert_null(one->account_id);
    assert_string_equal(one->reason, "because");
    assert_string_not_equal(one->command_id, two->command_id);
    assert_int_equal(b->monitor->watch.mode, RISK_STATE__MODE__halted);
    assert_non_null(strstr(buffer_string(&first), one->command_id));
    const SystemEvent *row = (const SystemEvent *)batch_opened(b->batch, &out[1]);
    assert_string_equal(row->event, "operator");
    assert_string_equal(row->text, "halt: because");
    assert_string_equal(row->subject, "everything");
}

static void a_halt_of_an_account_that_does_not_exist_is_refused(void **state) {
    struct bench *b = *state;
    own(buffer) answer = {0};
    const struct outgoing *out;
    assert_false(run(b, "halt", "nobody", &answer));
    assert_int_equal(batch_outgoing(b->batch, &out), 0);
    assert_string_equal(buffer_string(&answer), "there is no account nobody");
    assert_true(run(b, "reduce-only", "anna", &answer));
}

static void a_word_on_a_trade_needs_the_trade(void **state) {
    struct bench *b = *state;
    own(buffer) answer = {0};
    const struct outgoing *out;
    assert_false(run(b, "close", "-", &answer));
    assert_true(run(b, "release", "trade-1", &answer));
    assert_int_equal(batch_outgoing(b->batch, &out), 2);
    assert_string_equal(((const Command *)batch_opened(b->batch, &out[0]))->trade_id, "trade-1");
}

static void answers_over_http_have_the_right_status(void **state) {
    struct bench *b = *state;
    static const struct {
        const char *method, *path;
        unsigned status;
    } rows[] = {
        {"GET", "/healthz", 200},  {"GET", "/readyz", 503},        {"GET", "/metrics", 200},
        {"HEAD", "/metrics", 200}, {"GET", "/api/v1/status", 200}, {"POST", "/metrics", 405},
        {"GET", "/", 404}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        own(buffer) out = {0};
        const char *type;
        assert_int_equal(monitor_answer(b->monitor, rows[i].method, rows[i].path, &type, &out),
                         rows[i].status);
        assert_true(out.length > 0);
    }
}

static void a_configured_gateway_is_waited_for(void **state) {
    struct bench *b = *state;
    uint64_t now = clock_mono_ns();
    own(buffer) out = {0};
    const char *type;
    hear_all(&b->monitor->watch, now);
    monitor_configured(b->monitor);
    assert_int_equal(monitor_answer(b->monitor, "GET", "/readyz", &type, &out), 503);
    hear_instance(&b->monitor->watch, "paper-1", INSTANCE_STATE__STATE__ready);
    buffer_clear(&out);
    assert_int_equal(monitor_answer(b->monitor, "GET", "/readyz", &type, &out), 200);
}

static void only_a_name_of_its_own_is_answered(void **state) {
    (void)state;
    static const char *const own[] = {NULL,
                                      "127.0.0.1:8301",
                                      "127.0.0.1",
                                      "localhost:8301",
                                      "[::1]:8301",
                                      "[::1]",
                                      "10.0.0.2:8301",
                                      "monitor:8301",
                                      "status.example.org",
                                      "STATUS.example.org:443",
                                      "desk.example.org"};
    static const char *const foreign[] = {"rebound.example.com",
                                          "rebound.example.com:8301",
                                          "example.org",
                                          "[rebound.example.com]:8301",
                                          "127.0.0.1.example.com",
                                          "status.example.org.",
                                          "1.2.3"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (!http_host_is_ours(own[i], "status.example.org, desk.example.org"))
            fail_msg("%s is its own", own[i]);
    }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (http_host_is_ours(foreign[i], "status.example.org, desk.example.org"))
            fail_msg("%s is foreign", foreign[i]);
    }
    assert_false(http_host_is_ours("status.example.org", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_name_of_its_own_is_answered),
        cmocka_unit_test_setup_teardown(
            state_is_written_every_second_and_performance_when_it_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_written_more_than_once_a_second, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(it_keeps_quiet_until_the_grace_is_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_alert_that_is_over_is_marked_and_may_expire, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_halt_is_a_command_with_an_id_of_its_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_halt_of_an_account_that_does_not_exist_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_word_on_a_trade_needs_the_trade, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_over_http_have_the_right_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_configured_gateway_is_waited_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
