// test_entry - entries are shown decoded, and found by what they concern, however deep it stands.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/operator/entry.h"
#include "common/base/own.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "tests/unit/terms.h"

static TradeState trade;
static Execution execution;

static int set_up(void **state) {
    (void)state;
    trade_state__init(&trade);
    trade.terms = new_terms();
    trade.trade_id = (char *)"t-1";
    trade.signal_id = (char *)"s-1";
    trade.account_id = (char *)"anna";
    trade.broker_id = (char *)"alpha";
    trade.symbol = (char *)"EURUSD";
    trade.broker_symbol = (char *)"EURUSD.m";
    execution__init(&execution);
    execution.trade = &trade;
    return 0;
}

static void an_account_is_found_inside_nested_messages(void **state) {
    (void)state;
    assert_true(filter_takes(&(struct filter){.account = "anna"}, &execution.base));
    assert_false(filter_takes(&(struct filter){.account = "ben"}, &execution.base));
}

static void an_account_is_found_in_every_one_of_several(void **state) {
    (void)state;
    Decision a = DECISION__INIT, b = DECISION__INIT;
    a.account_id = (char *)"anna";
    b.account_id = (char *)"ben";
    Decision *both[] = {&a, &b};
    Routing routing = ROUTING__INIT;
    routing.n_decisions = 2;
    routing.decisions = both;
    assert_true(filter_takes(&(struct filter){.account = "ben"}, &routing.base));
    assert_false(filter_takes(&(struct filter){.account = "carla"}, &routing.base));
}

static void a_symbol_is_found_by_either_name(void **state) {
    (void)state;
    assert_true(filter_takes(&(struct filter){.symbol = "EURUSD"}, &execution.base));
    assert_true(filter_takes(&(struct filter){.symbol = "EURUSD.m"}, &execution.base));
    assert_false(filter_takes(&(struct filter){.symbol = "t-1"}, &execution.base));
}

static void all_conditions_must_hold(void **state) {
    (void)state;
    assert_true(filter_takes(&(struct filter){NULL, NULL, NULL}, &execution.base));
    assert_true(filter_takes(&(struct filter){"Execution", "anna", "EURUSD"}, &execution.base));
    assert_false(filter_takes(&(struct filter){"Order", "anna", "EURUSD"}, &execution.base));
    assert_false(filter_takes(&(struct filter){"Execution", "anna", "GBPUSD"}, &execution.base));
}

static void an_entry_is_one_line_of_text_or_of_json(void **state) {
    (void)state;
    own(buffer) out = {0};
    struct envelope e = {.id = {7, 3}, .type = "Execution"};
    entry_json("executions.0", &e, &execution.base, 0, &out);
    assert_memory_equal(
        out.data,
        "{\"topic\":\"executions.0\",\"id\":\"7-3\",\"type\":\"Execution\",\"body\":{\"trade\":{",
        strlen("{\"topic\":\"executions.0\",\"id\":\"7-3\",\"type\":\"Execution\",\"body\":{"
               "\"trade\":{"));
    assert_ptr_equal(strchr(buffer_string(&out), '\n'), out.data + out.length - 1);
    buffer_clear(&out);
    entry_line("executions.0", &e, NULL, UINT64_C(1742638530123000000), &out);
    assert_string_equal(
        buffer_string(&out),
        "10:15:30.123  executions.0  7-3  Execution  (this version cannot decode it)\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_account_is_found_inside_nested_messages, set_up),
        cmocka_unit_test_setup(an_account_is_found_in_every_one_of_several, set_up),
        cmocka_unit_test_setup(a_symbol_is_found_by_either_name, set_up),
        cmocka_unit_test_setup(all_conditions_must_hold, set_up),
        cmocka_unit_test_setup(an_entry_is_one_line_of_text_or_of_json, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
