// test_metrics - the text that Prometheus reads, and the JSON of the status.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/own.h"
#include "heard.h"
#include "services/monitor/status.h"

static struct alerts alerts;

static struct view view_of(const struct watch *w) {
    return (struct view){w, &alerts, AT(101), AT(1800000000), AT(3), NULL};
}

static void start(struct watch *w) {
    const char *const names[] = {"signals", "ingest", "router"};
    watch_start(w, 1, 10, AT(100));
    hear_all(w, AT(101));
    hear_lag(w, names, 100, 60, AT(101));
    Heartbeat beat = HEARTBEAT__INIT;
    beat.service = (char *)"archiver";
    beat.messages = 12345;
    beat.commit_us_p99 = 1250;
    watch_heartbeat(w, &beat, AT(101));
    alerts = (struct alerts){
        .n = 1, .active = {{.kind = INSTANCE_LOST, .subject = "a\"b\\c\n", .text = "text"}}};
}

static void every_sample_stands_under_its_help_and_type(void **state) {
    (void)state;
    struct watch w;
    own(buffer) out = {0};
    start(&w);
    struct view view = view_of(&w);
    metrics_write(&view, &out);
    char name[80] = "", *rest = NULL;
    for (char *line = strtok_r((char *)buffer_string(&out), "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 7, " "), line + 7);
            assert_true(strlen(line + 7 + strlen(name)) > 3);
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) line += 7;
        assert_memory_equal(line, name, strlen(name));
        assert_non_null(strchr(" {", line[strlen(name)]));
    }
    watch_end(&w);
}

static void numbers_come_out_as_heard(void **state) {
    (void)state;
    static const char *const lines[] = {
        "tradecast_ready 1\n",
        "tradecast_messages_total{service=\"archiver\"} 12345\n",
        "tradecast_commit_latency_seconds{service=\"archiver\",quantile=\"0.99\"} 0.001250\n",
        "tradecast_topic_lag_entries{topic=\"signals\",consumer=\"router\"} 40\n",
        "tradecast_topic_head_sequence{topic=\"signals\"} 100\n",
        "tradecast_alert_active{code=\"instance_lost\",subject=\"a\\\"b\\\\c\\n\"} 1\n",
        "tradecast_trade_changes_total{state=\"filled\"} 0\n",
    };
    struct watch w;
    own(buffer) out = {0};
    start(&w);
    struct view view = view_of(&w);
    metrics_write(&view, &out);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(strstr(buffer_string(&out), lines[i]));
    watch_end(&w);
}

static void decisions_come_by_reason_with_the_routers_heartbeat(void **state) {
    (void)state;
    struct watch w;
    own(buffer) out = {0};
    start(&w);
    DecisionCount late = DECISION_COUNT__INIT, part = DECISION_COUNT__INIT;
    late.reason = REASON__CODE__signal_too_old;
    late.count = 7;
    part.reason = REASON__CODE__part_only;
    part.count = 2;
    Heartbeat router = HEARTBEAT__INIT;
    router.service = (char *)"router";
    router.n_decisions = 2;
    router.decisions = (DecisionCount *[]){&late, &part};
    watch_heartbeat(&w, &router, AT(101));
    struct view view = view_of(&w);
    metrics_write(&view, &out);
    assert_non_null(
        strstr(buffer_string(&out), "tradecast_decisions_total{reason=\"signal_too_old\"} 7\n"));
    assert_non_null(
        strstr(buffer_string(&out), "tradecast_decisions_total{reason=\"part_only\"} 2\n"));
    // a rate needs its zero
    assert_non_null(
        strstr(buffer_string(&out), "tradecast_decisions_total{reason=\"ordered\"} 0\n"));
    buffer_clear(&out);
    status_write(&view, &out);
    assert_non_null(
        strstr(buffer_string(&out), "\"decisions\":{\"signal_too_old\":7,\"part_only\":2}"));
    watch_end(&w);
}

static void what_copies_the_archive_is_there_once_it_is_heard(void **state) {
    (void)state;
    struct watch w;
    own(buffer) out = {0};
    start(&w);
    struct view view = view_of(&w);
    metrics_write(&view, &out);
    assert_null(strstr(buffer_string(&out), "tradecast_sync_up{"));
    SyncState copy = SYNC_STATE__INIT;
    copy.name = (char *)"sync-backend";
    copy.delivered = 41;
    copy.unsynced = 2;
    copy.lag_ms = 61007;
    watch_copy(&w, &copy, view.mono_ns);
    copy.delivered = 42;
    watch_copy(&w, &copy, view.mono_ns);
    buffer_clear(&out);
    metrics_write(&view, &out);
    static const char *const lines[] = {"sync_up{copy=\"sync-backend\"} 1\n",
                                        "sync_delivered_total{copy=\"sync-backend\"} 42\n",
                                        "sync_unsynced{copy=\"sync-backend\"} 2\n",
                                        "sync_lag_seconds{copy=\"sync-backend\"} 61.007\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(strstr(buffer_string(&out), lines[i]));
    view.mono_ns += view.silent_ns + 1;
    buffer_clear(&out);
    metrics_write(&view, &out);
    assert_non_null(strstr(buffer_string(&out), "sync_up{copy=\"sync-backend\"} 0\n"));
    buffer_clear(&out);
    status_write(&view, &out);
    assert_non_null(strstr(buffer_string(&out),
                           "\"copies\":[{\"alive\":false,\"state\":{\"name\":\"sync-backend\""));
    watch_end(&w);
}

static void a_service_never_heard_is_down_and_has_no_numbers(void **state) {
    (void)state;
    struct watch w;
    own(buffer) out = {0};
    watch_start(&w, 1, 10, AT(100));
    struct view view = view_of(&w);
    metrics_write(&view, &out);
    assert_non_null(strstr(buffer_string(&out), "tradecast_up{service=\"router\"} 0\n"));
    assert_null(strstr(buffer_string(&out), "tradecast_messages_total{service=\"router\"}"));
    assert_non_null(strstr(buffer_string(&out), "tradecast_ready 0\n"));
    watch_end(&w);
}

// Brackets and quotes match; a whole JSON parser reads it in the flow tests.
static void assert_balanced(const char *json) {
    int depth = 0;
    bool quoted = false;
    for (; *json; json++) {
        if (quoted && *json == '\\')
            json++;
        else if (*json == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (*json == '{' || *json == '[') - (*json == '}' || *json == ']');
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_false(quoted);
}

static void the_status_tells_lags_and_what_is_wrong(void **state) {
    (void)state;
    struct watch w;
    own(buffer) out = {0};
    start(&w);
    hear_instance(&w, "paper-1", INSTANCE_STATE__STATE__ready);
    hear_account(&w, "anna", ACCOUNT_STATE__STATE__ready, NULL);
    watch_expect(&w, "paper-2");
    struct view view = view_of(&w);
    status_write(&view, &out);
    const char *json = buffer_string(&out);
    assert_balanced(json);
    assert_non_null(strstr(
        json, "{\"consumer\":\"router\",\"position\":\"7-60\",\"lag\":40,\"behind\":false}"));
    assert_non_null(strstr(
        json, "\"wrong\":[\"gateway paper-2 is not connected\"],\"warnings\":[],\"ready\":false"));
    assert_non_null(strstr(json, "\"account_id\":\"anna\""));
    watch_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_stands_under_its_help_and_type),
        cmocka_unit_test(numbers_come_out_as_heard),
        cmocka_unit_test(decisions_come_by_reason_with_the_routers_heartbeat),
        cmocka_unit_test(a_service_never_heard_is_down_and_has_no_numbers),
        cmocka_unit_test(what_copies_the_archive_is_there_once_it_is_heard),
        cmocka_unit_test(the_status_tells_lags_and_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
