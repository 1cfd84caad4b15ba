// test_batch_phase - every pair of phase and event of the loop's batch, and of a careful start's try.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/service/batch_phase.h"

// One row a phase; a column for each event, in the order of the enum: the phase after it by its
// first two letters, "--" refused.
//                                     begin seal own submit land retry close
static const char *const phases[] = {
    "no op -- -- -- -- -- --", //
    "op -- se -- -- -- -- no", //
    "se -- -- pe -- -- se --", //
    "pe -- -- -- su -- -- --", //
    "su -- -- -- -- co su --", //
    "co -- -- -- -- -- -- no", //
};

static void every_phase_takes_the_listed_events_and_no_other(void **state) {
    (void)state;
    assert_int_equal(sizeof phases / sizeof *phases, BATCH_PHASE_COUNT);
    for (unsigned from = 0; from < BATCH_PHASE_COUNT; from++) {
        assert_memory_equal(batch_phase_name((enum batch_phase)from), phases[from], 2);
        assert_int_equal(strlen(phases[from]), 3 * (BATCH_EVENT_COUNT + 1) - 1);
        for (unsigned event = 0; event < BATCH_EVENT_COUNT; event++) {
            enum batch_phase after = (enum batch_phase)from;
            const char *expected = phases[from] + 3 * (event + 1);
            bool listed = batch_phase_step(&after, (enum batch_event)event);
            assert_int_equal(listed, *expected != '-');
            if (listed)
                assert_memory_equal(batch_phase_name(after), expected, 2);
            else
                assert_int_equal(after, from);
        }
    }
}

// Rows and columns as above: none, counted, forgiven; count, forgive, end.
static void a_try_is_counted_once_and_ends_with_its_batch(void **state) {
    (void)state;
    static const int after[ATTEMPT_COUNT_OF][ATTEMPT_EVENT_COUNT] = {
        {ATTEMPT_COUNTED, -1, ATTEMPT_NONE},
        {-1, ATTEMPT_FORGIVEN, ATTEMPT_NONE},
        {-1, -1, ATTEMPT_NONE},
    };
    for (unsigned from = 0; from < ATTEMPT_COUNT_OF; from++) {
        for (unsigned event = 0; event < ATTEMPT_EVENT_COUNT; event++) {
            enum attempt a = (enum attempt)from;
            bool listed = attempt_step(&a, (enum attempt_event)event);
            assert_int_equal(listed, after[from][event] >= 0);
            assert_int_equal(a, listed ? after[from][event] : (int)from);
        }
    }
}

// The one way to an effect: no event leads to "committed" but landing what was submitted.
static void nothing_is_committed_but_what_was_submitted_and_landed(void **state) {
    (void)state;
    for (unsigned from = 0; from < BATCH_PHASE_COUNT; from++) {
        for (unsigned event = 0; event < BATCH_EVENT_COUNT; event++) {
            enum batch_phase after = (enum batch_phase)from;
            if (!batch_phase_step(&after, (enum batch_event)event) || after != BATCH_COMMITTED)
                continue;
            assert_int_equal(from, BATCH_SUBMITTED);
            assert_int_equal(event, BATCH_LAND);
        }
    }
}

static int signal_of_move(enum batch_phase phase, enum batch_event event) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        batch_phase_move(&phase, event);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_wrong_move_of_the_loop_aborts_it_before_anything_is_sent(void **state) {
    (void)state;
    assert_int_equal(signal_of_move(BATCH_SUBMITTED, BATCH_SUBMIT), SIGABRT); // written twice
    assert_int_equal(signal_of_move(BATCH_SEALED, BATCH_LAND), SIGABRT);
    assert_int_equal(signal_of_move(BATCH_SUBMITTED, BATCH_LAND), 0);
}

static void only_what_waits_for_its_commit_is_sealed(void **state) {
    (void)state;
    for (unsigned p = 0; p < BATCH_PHASE_COUNT; p++)
        assert_int_equal(batch_phase_is_sealed((enum batch_phase)p),
                         p != BATCH_NONE && p != BATCH_OPEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_phase_takes_the_listed_events_and_no_other),
        cmocka_unit_test(a_try_is_counted_once_and_ends_with_its_batch),
        cmocka_unit_test(nothing_is_committed_but_what_was_submitted_and_landed),
        cmocka_unit_test(a_wrong_move_of_the_loop_aborts_it_before_anything_is_sent),
        cmocka_unit_test(only_what_waits_for_its_commit_is_sealed),
    };
    return cmocka_run_group_tests_name("batch_phase", tests, NULL, NULL);
}
