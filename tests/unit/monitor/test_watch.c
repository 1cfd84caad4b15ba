// test_watch - what the monitor remembers of what it hears.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "heard.h"
#include "tests/unit/terms.h"

static void it_expects_every_service_and_every_shard(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 3, 10, AT(1));
    assert_int_equal(w.n_services, 8);
    assert_non_null(watch_find(&w, "executor.2"));
    assert_null(watch_find(&w, "executor.3"));
    watch_end(&w);
}

static void it_is_ready_when_all_are_heard_and_gateways_are_ready(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(1));
    assert_int_equal(watch_troubles(&w, AT(1), AT(3), NULL, NULL), 6);
    hear_all(&w, AT(2));
    assert_int_equal(watch_troubles(&w, AT(5), AT(3), NULL, NULL), 0);
    assert_int_equal(watch_troubles(&w, AT(5) + 1, AT(3), NULL, NULL), 6);
    watch_expect(&w, "paper-1");
    assert_int_equal(watch_troubles(&w, AT(5), AT(3), NULL, NULL), 1);
    hear_instance(&w, "paper-1", INSTANCE_STATE__STATE__connecting);
    assert_int_equal(watch_troubles(&w, AT(5), AT(3), NULL, NULL), 1);
    hear_instance(&w, "paper-1", INSTANCE_STATE__STATE__ready);
    assert_int_equal(watch_troubles(&w, AT(5), AT(3), NULL, NULL), 0);
    watch_end(&w);
}

// Nothing of trading waits for an advisor: that it is silent is an alert, and no more.
static void an_optional_service_makes_nothing_unready(void **state) {
    (void)state;
    struct watch w;
    char wrong[256];
    assert_true(topology_want("advisor", wrong));
    watch_start(&w, 1, 10, AT(1));
    assert_int_equal(w.n_services, 7);
    assert_non_null(watch_find(&w, "advisor"));
    for (size_t i = 0; i < w.n_services; i++) {
        Heartbeat beat = HEARTBEAT__INIT;
        beat.service = w.services[i].name;
        if (strcmp(beat.service, "advisor") != 0) watch_heartbeat(&w, &beat, AT(2));
    }
    assert_int_equal(watch_troubles(&w, AT(3), AT(3), NULL, NULL), 0);
    watch_end(&w);
    assert_true(topology_want(NULL, wrong));
}

static void what_was_heard_after_the_batch_began_is_fresh(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(1));
    hear_all(&w, AT(2) + 1);
    assert_int_equal(watch_troubles(&w, AT(2), AT(3), NULL, NULL), 0);
    watch_end(&w);
}

static void keep_words(void *arg, const char *why) { snprintf(arg, 240, "%s", why); }

static void it_says_who_is_stalled_and_why(void **state) {
    (void)state;
    struct watch w;
    char why[240] = "";
    watch_start(&w, 1, 10, AT(1));
    hear_all(&w, AT(2));
    Heartbeat beat = HEARTBEAT__INIT;
    beat.service = (char *)"ingest";
    beat.stalled = true;
    beat.trouble = (char *)"disk full";
    watch_heartbeat(&w, &beat, AT(2));
    assert_int_equal(watch_troubles(&w, AT(2), AT(3), keep_words, why), 1);
    assert_string_equal(why, "ingest is stalled: disk full");
    watch_end(&w);
}

static void a_lag_is_the_distance_within_an_incarnation(void **state) {
    (void)state;
    assert_int_equal(lag_between((struct entry_id){7, 5}, (struct entry_id){7, 9}), 4);
    assert_int_equal(lag_between((struct entry_id){7, 9}, (struct entry_id){7, 9}), 0);
    assert_int_equal(lag_between((struct entry_id){8, 1}, (struct entry_id){7, 9}), 0);
    assert_int_equal(lag_between((struct entry_id){6, 500}, (struct entry_id){7, 9}), 9);
    assert_int_equal(lag_between(ENTRY_ID_NONE, ENTRY_ID_NONE), 0);
}

static void an_entry_is_counted_once(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(1));
    assert_true(watch_is_new(&w, "signals", (struct entry_id){7, 1}));
    assert_false(watch_is_new(&w, "signals", (struct entry_id){7, 1}));
    assert_true(watch_is_new(&w, "routings", (struct entry_id){7, 1}));
    assert_true(watch_is_new(&w, "signals", (struct entry_id){8, 1}));
    assert_false(watch_is_new(&w, "signals", (struct entry_id){7, 900}));
    assert_true(watch_is_new(&w, "heartbeat", ENTRY_ID_NONE));
    assert_true(watch_is_new(&w, "heartbeat", ENTRY_ID_NONE));
    watch_end(&w);
}

static void what_happens_is_counted_by_state(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(1));
    Signal signal = SIGNAL__INIT;
    signal.created_at = 5000;
    watch_event(&w, &signal.base);
    TradeState trade = TRADE_STATE__INIT;
    trade.terms = new_terms();
    trade.state = TRADE_STATE__STATE__filled;
    TradeResult result = TRADE_RESULT__INIT;
    result.state = TRADE_RESULT__STATE__executed;
    Execution execution = EXECUTION__INIT;
    execution.trade = &trade;
    execution.result = &result;
    watch_event(&w, &execution.base);
    SignalExecutionStatus status = SIGNAL_EXECUTION_STATUS__INIT;
    status.status = SIGNAL__STATUS__completed;
    Outcome outcome = OUTCOME__INIT;
    outcome.signal = &status;
    watch_event(&w, &outcome.base);
    assert_int_equal(w.counts.accepted, 1);
    assert_int_equal(w.signal_at, 5000);
    assert_int_equal(w.counts.trades[TRADE_STATE__STATE__filled], 1);
    assert_int_equal(w.counts.results[TRADE_RESULT__STATE__executed], 1);
    assert_int_equal(w.counts.completed, 1);
    assert_int_equal(w.counts.failed, 0);
    watch_end(&w);
}

static void a_global_halt_is_the_mode_and_one_of_an_account_is_not(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(1));
    Command command = COMMAND__INIT;
    command.action = COMMAND__ACTION__halt;
    command.account_id = (char *)"anna";
    watch_event(&w, &command.base);
    assert_int_equal(w.mode, RISK_STATE__MODE__trading);
    command.account_id = NULL;
    watch_event(&w, &command.base);
    assert_int_equal(w.mode, RISK_STATE__MODE__halted);
    command.action = COMMAND__ACTION__resume;
    watch_event(&w, &command.base);
    assert_int_equal(w.mode, RISK_STATE__MODE__trading);
    watch_end(&w);
}

static void the_latest_state_of_an_account_counts(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(1));
    for (int i = 0; i < 3; i++) hear_account(&w, "anna", ACCOUNT_STATE__STATE__ready, NULL);
    hear_account(&w, "ben", ACCOUNT_STATE__STATE__ready, NULL);
    assert_int_equal(HASH_COUNT(w.accounts), 2);
    assert_int_equal(watch_open_positions(&w), 4);
    watch_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_expects_every_service_and_every_shard),
        cmocka_unit_test(it_is_ready_when_all_are_heard_and_gateways_are_ready),
        cmocka_unit_test(an_optional_service_makes_nothing_unready),
        cmocka_unit_test(what_was_heard_after_the_batch_began_is_fresh),
        cmocka_unit_test(it_says_who_is_stalled_and_why),
        cmocka_unit_test(a_lag_is_the_distance_within_an_incarnation),
        cmocka_unit_test(an_entry_is_counted_once),
        cmocka_unit_test(what_happens_is_counted_by_state),
        cmocka_unit_test(a_global_halt_is_the_mode_and_one_of_an_account_is_not),
        cmocka_unit_test(the_latest_state_of_an_account_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
