// test_alerts - each condition is raised once while it holds and cleared once when it is over.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heard.h"

static const struct limits limits = {.silent_ns = AT(3), .lag_for_ns = AT(5)};
static struct condition found[CONDITIONS_MAX];

struct said {
    unsigned raised, cleared;
    struct condition last;
};

static void hear_change(void *arg, const struct condition *condition, enum alert_change change) {
    struct said *said = arg;
    if (change == RAISED)
        said->raised++;
    else
        said->cleared++;
    said->last = *condition;
}

static size_t judge(const struct watch *w, uint64_t mono_ns) {
    return alerts_judge(w, &limits, mono_ns, found);
}

static void assert_one(const struct watch *w, uint64_t mono_ns, enum alert_kind kind,
                       const char *subject) {
    assert_int_equal(judge(w, mono_ns), 1);
    assert_int_equal(found[0].kind, kind);
    assert_string_equal(found[0].subject, subject);
}

static void nothing_is_wrong_when_all_are_heard(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 2, 10, AT(100));
    hear_all(&w, AT(101));
    assert_int_equal(judge(&w, AT(104)), 0);
    watch_end(&w);
}

static void a_service_is_silent_after_three_seconds(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    for (size_t i = 0; i < w.n_services; i++) {
        if (strcmp(w.services[i].name, "router") != 0) w.services[i].heard_at = AT(104);
    }
    assert_int_equal(judge(&w, AT(104)), 0);
    assert_one(&w, AT(104) + 1, SERVICE_SILENT, "router");
    watch_end(&w);
}

static void a_stalled_service_is_told_with_its_reason(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    Heartbeat beat = HEARTBEAT__INIT;
    beat.service = (char *)"executor.0";
    beat.stalled = true;
    beat.trouble = (char *)"Redis does not answer";
    watch_heartbeat(&w, &beat, AT(101));
    assert_one(&w, AT(102), SERVICE_STALLED, "executor.0");
    assert_non_null(strstr(found[0].text, "Redis does not answer"));
    watch_end(&w);
}

static void a_lag_is_told_when_it_lasts_and_not_before(void **state) {
    (void)state;
    struct watch w;
    const char *const names[] = {"signals", "ingest", "router"};
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(100));
    for (unsigned s = 0; s <= 5; s++) {
        hear_all(&w, AT(101 + s));
        hear_lag(&w, names, 100, 89, AT(101 + s));
        if (s < 5) assert_int_equal(judge(&w, AT(101 + s)), 0);
    }
    assert_one(&w, AT(106), TOPIC_LAG, "signals:router");
    hear_lag(&w, names, 100, 90, AT(106));
    assert_int_equal(judge(&w, AT(106)), 0);
    watch_end(&w);
}

static void dead_letters_are_told(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    Heartbeat beat = HEARTBEAT__INIT;
    beat.service = (char *)"archiver";
    beat.deadletters = 2;
    watch_heartbeat(&w, &beat, AT(101));
    assert_one(&w, AT(101), DEAD_LETTERS, "archiver");
    watch_end(&w);
}

static void a_lost_gateway_is_told_until_it_is_back(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    hear_instance(&w, "paper-1", INSTANCE_STATE__STATE__lost);
    assert_one(&w, AT(101), INSTANCE_LOST, "paper-1");
    hear_instance(&w, "paper-1", INSTANCE_STATE__STATE__ready);
    assert_int_equal(judge(&w, AT(101)), 0);
    watch_end(&w);
}

static void a_configured_gateway_that_never_came_is_told(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    watch_expect(&w, "paper-2");
    assert_one(&w, AT(101), INSTANCE_LOST, "paper-2");
    watch_expect_none(&w);
    assert_int_equal(judge(&w, AT(101)), 0);
    watch_end(&w);
}

static void a_quarantined_account_is_told_with_its_reason(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    hear_account(&w, "anna", ACCOUNT_STATE__STATE__ready, NULL);
    hear_account(&w, "ben", ACCOUNT_STATE__STATE__quarantined, "trade 7 is unknown");
    assert_one(&w, AT(101), ACCOUNT_QUARANTINED, "ben");
    assert_non_null(strstr(found[0].text, "trade 7 is unknown"));
    watch_end(&w);
}

static void what_holds_on_is_raised_once_and_cleared_once(void **state) {
    (void)state;
    static struct alerts alerts;
    struct said said = {0};
    struct condition one = {.kind = INSTANCE_LOST, .subject = "paper-1", .text = "gone"};
    for (int i = 0; i < 3; i++) alerts_settle(&alerts, &one, 1, hear_change, &said);
    assert_int_equal(said.raised, 1);
    assert_true(alerts_has(&alerts, INSTANCE_LOST, "paper-1"));
    for (int i = 0; i < 3; i++) alerts_settle(&alerts, NULL, 0, hear_change, &said);
    assert_int_equal(said.cleared, 1);
    assert_string_equal(said.last.subject, "paper-1");
    alerts_settle(&alerts, &one, 1, hear_change, &said);
    assert_int_equal(said.raised, 2);
}

static void what_was_raised_before_a_restart_is_not_raised_again(void **state) {
    (void)state;
    static struct alerts alerts;
    struct said said = {0};
    struct condition one = {.kind = SERVICE_SILENT, .subject = "router", .text = "silent"};
    alerts_put(&alerts, &one);
    alerts_put(&alerts, &one);
    alerts_settle(&alerts, &one, 1, hear_change, &said);
    assert_int_equal(said.raised + said.cleared, 0);
    alerts_settle(&alerts, NULL, 0, hear_change, &said);
    assert_int_equal(said.cleared, 1);
}

static void the_same_kind_on_another_subject_is_another_alert(void **state) {
    (void)state;
    static struct alerts alerts;
    struct said said = {0};
    struct condition two[] = {{.kind = SERVICE_SILENT, .subject = "router"},
                              {.kind = SERVICE_SILENT, .subject = "ingest"}};
    alerts_settle(&alerts, two, 1, hear_change, &said);
    alerts_settle(&alerts, two + 1, 1, hear_change, &said);
    assert_int_equal(said.raised, 2);
    assert_int_equal(said.cleared, 1);
}

static void every_code_is_known_again(void **state) {
    (void)state;
    for (enum alert_kind kind = 0; kind < ALERT_KINDS; kind++) {
        enum alert_kind again;
        assert_true(alert_kind_of(alert_code(kind), &again));
        assert_int_equal(again, kind);
    }
    enum alert_kind none;
    assert_false(alert_kind_of("nothing", &none));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wrong_when_all_are_heard),
        cmocka_unit_test(a_service_is_silent_after_three_seconds),
        cmocka_unit_test(a_stalled_service_is_told_with_its_reason),
        cmocka_unit_test(a_lag_is_told_when_it_lasts_and_not_before),
        cmocka_unit_test(dead_letters_are_told),
        cmocka_unit_test(a_lost_gateway_is_told_until_it_is_back),
        cmocka_unit_test(a_configured_gateway_that_never_came_is_told),
        cmocka_unit_test(a_quarantined_account_is_told_with_its_reason),
        cmocka_unit_test(what_holds_on_is_raised_once_and_cleared_once),
        cmocka_unit_test(what_was_raised_before_a_restart_is_not_raised_again),
        cmocka_unit_test(the_same_kind_on_another_subject_is_another_alert),
        cmocka_unit_test(every_code_is_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
