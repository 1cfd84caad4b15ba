// test_body - what is posted of a signal, and that its key stays.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "common/base/own.h"
#include "sync/backend/body.h"

static SignalRow row_of(void) {
    SignalRow row = SIGNAL_ROW__INIT;
    row.signal_id = (char *)"s-1";
    row.symbol = (char *)"EUR\"USD";
    row.action = (char *)"BUY";
    row.entry_price = 108432000;
    row.strategy = row.asset_type = row.data_source = row.source = row.sha256 = (char *)"";
    row.timestamp = row.created_at = UINT64_C(1742638530123456000);
    row.status = SIGNAL__STATUS__completed;
    row.order_type = SIGNAL__ORDER_TYPE__market;
    row.outcome = (char *)"win";
    row.has_exit_price = 1;
    row.exit_price = -1;
    row.order_id = (char *)"t-1";
    return row;
}

static void a_signal_is_told_without_what_changes_later(void **state) {
    (void)state;
    own(buffer) out = {0};
    SignalRow row = row_of();
    body_write(&row, EVENT_SIGNAL, &out);
    const char *text = buffer_string(&out);
    assert_non_null(strstr(text, "{\"event\":\"signal\",\"signal_id\":\"s-1\",\"symbol\":"
                                 "\"EUR\\\"USD\",\"action\":\"BUY\",\"entry_price\":1.08432,"));
    assert_non_null(strstr(text, "\"timestamp\":\"2025-03-22T10:15:30.123456Z\""));
    static const char *const later[] = {"status",          "outcome",  "exit_price",
                                        "profit_loss_pct", "order_id", "lot_size"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        char name[40];
        snprintf(name, sizeof name, "\"%s\":", later[i]);
        assert_null(strstr(text, name));
    }
}

static void an_outcome_is_told_with_every_digit(void **state) {
    (void)state;
    own(buffer) out = {0};
    SignalRow row = row_of();
    body_write(&row, EVENT_OUTCOME, &out);
    assert_string_equal(buffer_string(&out),
                        "{\"event\":\"outcome\",\"signal_id\":\"s-1\",\"outcome\":\"win\",\"exit_"
                        "price\":-0.00000001,\"order_id\":\"t-1\"}");
}

static void a_key_is_of_the_event_and_not_of_what_else_is_known(void **state) {
    (void)state;
    char first[BODY_KEY], again[BODY_KEY], outcome[BODY_KEY], corrected[BODY_KEY];
    SignalRow row = row_of();
    body_key(&row, EVENT_SIGNAL, first);
    body_key(&row, EVENT_OUTCOME, outcome);
    row.status = SIGNAL__STATUS__failed;
    row.order_id = NULL;
    body_key(&row, EVENT_SIGNAL, again);
    assert_string_equal(first, again);
    assert_string_equal(first, "3f6ecda70015b0ed8a43a22734e83c69");
    body_key(&row, EVENT_OUTCOME, again);
    assert_string_equal(outcome, again);
    row.exit_price = 0;
    body_key(&row, EVENT_OUTCOME, corrected);
    assert_string_not_equal(outcome, corrected);
    assert_string_not_equal(outcome, first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_is_told_without_what_changes_later),
        cmocka_unit_test(an_outcome_is_told_with_every_digit),
        cmocka_unit_test(a_key_is_of_the_event_and_not_of_what_else_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
