// test_lifecycle - every pair of state and event, for trades, results and instances.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/schema/record.h"
#include "services/executor/trade/lifecycle.h"
#include "tests/unit/terms.h"

// One row a state; a column for each event, in the order of the enum: the state after it by two
// letters, "--" refused.
//                                  submit unsent doubt accept found part all reject cancel expire
//                                  reopen close
static const char *const trades[] = {
    "pe su -- un wo wo pf fi re ca ex -- --", //
    "su -- pe un wo wo pf fi re ca ex -- --", //
    "wo -- -- -- wo wo pf fi re ca ex -- --", //
    "pf -- -- -- pf pf pf fi fi fi fi -- --", //
    "fi -- -- -- fi fi fi fi -- fi fi pf cl", //
    "cl -- -- -- cl cl fi fi -- cl cl -- --", //
    "un su pe un wo wo pf fi re ca ex -- --", //
    "re -- -- -- re wo pf fi re -- -- -- --", //
    "ca -- -- -- ca wo fi fi ca ca ca -- --", //
    "ex -- -- -- ex wo pf fi ex ex ex -- --", //
};
static const char *const results[] = {"pe ex pf fa", "ex -- pf fa", "pf -- -- --", "fa -- -- --"};
//                                     hello welcome beat strain silence
static const char *const instances[] = {"co co re -- -- lo", "re co -- re de lo",
                                        "de co -- re de lo", "lo co -- -- -- lo"};

// The two letters of a state: its first ones, but "pf" for partially_filled.
static void letters(const ProtobufCEnumDescriptor *d, int state, char out[static 3]) {
    const char *name = record_enum_name(d, state);
    (void)snprintf(out, 3, "%s", strncmp(name, "pa", 2) == 0 ? "pf" : name);
}

typedef bool step_fn(int *state, unsigned event);

static bool step_trade(int *state, unsigned event) {
    TradeState__State s = (TradeState__State)*state;
    bool ok = trade_step(&s, (enum trade_event)event);
    *state = (int)s;
    return ok;
}

static bool step_result(int *state, unsigned event) {
    TradeResult__State s = (TradeResult__State)*state;
    bool ok = result_step(&s, (enum result_event)event);
    *state = (int)s;
    return ok;
}

static bool step_instance(int *state, unsigned event) {
    InstanceState__State s = (InstanceState__State)*state;
    bool ok = instance_step(&s, (enum instance_event)event);
    *state = (int)s;
    return ok;
}

// What is known of a Submit, by name and event; what may be there is in capitals.
static const char *const sendings[SENDING_COUNT] = {
    [SENDING_NEVER] = "ne de -- -- -- cl", //        decide leave hold_back reconsider deny
    [SENDING_CLEARED] = "cl de -- -- -- --",
    [SENDING_EARLIER] = "EA DA -- -- -- cl",
    [SENDING_DECIDED] = "DE -- LE hb -- --",
    [SENDING_DECIDED_AGAIN] = "DA -- LE HA -- --",
    [SENDING_LEFT] = "LE DA -- -- -- --",
    [SENDING_HELD_BACK] = "hb de -- -- cl cl",
    [SENDING_HELD_BACK_AGAIN] = "HA DA -- -- LE --",
};

static bool is_same_sending(enum sending s, const char *letters) {
    return strncasecmp(sendings[s], letters, 2) == 0;
}

static void what_is_known_of_a_submit_is_as_listed(void **state) {
    (void)state;
    for (unsigned from = 0; from < SENDING_COUNT; from++) {
        assert_int_equal(sending_may_be_there((enum sending)from), sendings[from][0] < 'a');
        for (unsigned event = 0; event < SENDING_EVENT_COUNT; event++) {
            enum sending after = (enum sending)from;
            const char *expected = sendings[from] + 3 * (event + 1);
            bool listed = sending_step(&after, (enum sending_event)event);
            assert_int_equal(listed, expected[0] != '-');
            assert_true(listed ? is_same_sending(after, expected) : after == from);
        }
    }
}

static void check_row(const ProtobufCEnumDescriptor *d, int state, const char *row, step_fn *step,
                      unsigned events) {
    char word[3];
    letters(d, state, word);
    assert_memory_equal(row, word, 2);
    for (unsigned event = 0; event < events; event++) {
        const char *expected = row + 3 * (event + 1);
        int after = state;
        bool listed = step(&after, event);
        letters(d, after, word);
        if (listed != (expected[0] != '-') || (listed && memcmp(word, expected, 2) != 0) ||
            (!listed && after != state))
            fail_msg("%s, event %u: %s, expected %.2s", row, event, listed ? word : "refused",
                     expected);
    }
    assert_int_equal(strlen(row), 2 + 3 * events);
}

static void every_pair_of_a_trade_is_as_listed(void **state) {
    (void)state;
    assert_int_equal(sizeof trades / sizeof *trades, trade_state__state__descriptor.n_values);
    for (unsigned i = 0; i < sizeof trades / sizeof *trades; i++)
        check_row(&trade_state__state__descriptor, (int)i + 1, trades[i], step_trade,
                  TRADE_EVENT_COUNT);
}

static void every_pair_of_a_result_is_as_listed(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof results / sizeof *results; i++)
        check_row(&trade_result__state__descriptor, (int)i + 1, results[i], step_result,
                  RESULT_EVENT_COUNT);
}

static void every_pair_of_an_instance_is_as_listed(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof instances / sizeof *instances; i++)
        check_row(&instance_state__state__descriptor, (int)i + 1, instances[i], step_instance,
                  INSTANCE_EVENT_COUNT);
}

// Nothing but an answer of the broker, or an age that we state ourselves, leads out of unknown.
static void only_evidence_leads_out_of_unknown(void **state) {
    (void)state;
    TradeState__State s = TRADE_STATE__STATE__unknown;
    assert_true(trade_step(&s, TRADE_DOUBT));
    assert_int_equal(s, TRADE_STATE__STATE__unknown);
    assert_false(trade_step(&s, TRADE_CLOSE));
    assert_false(trade_step(&s, TRADE_REOPEN));
}

static void a_filled_closing_trade_is_over_and_an_opening_one_is_not(void **state) {
    (void)state;
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.wanted = new_amendment();
    t.state = TRADE_STATE__STATE__filled;
    t.direction = SIGNAL__DIRECTION__close;
    assert_true(trade_is_final(&t));
    t.direction = SIGNAL__DIRECTION__buy;
    assert_false(trade_is_final(&t));
    assert_false(trade_is_live(&t));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_a_trade_is_as_listed),
        cmocka_unit_test(what_is_known_of_a_submit_is_as_listed),
        cmocka_unit_test(every_pair_of_a_result_is_as_listed),
        cmocka_unit_test(every_pair_of_an_instance_is_as_listed),
        cmocka_unit_test(only_evidence_leads_out_of_unknown),
        cmocka_unit_test(a_filled_closing_trade_is_over_and_an_opening_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
