// test_lifecycle - every (state, event) pair.
// SPDX-License-Identifier: MIT
#include "services/ingest/rules/lifecycle.h"
#include "world.h"

#define NO 0

// Rows: pending, processing, completed, failed; columns as in SIGNAL_EVENTS.
static const int expected[4][SIGNAL_EVENT_COUNT] = {
    {SIGNAL__STATUS__failed, SIGNAL__STATUS__processing, SIGNAL__STATUS__failed, NO, NO, NO},
    {NO, NO, NO, SIGNAL__STATUS__completed, SIGNAL__STATUS__failed, NO},
    {NO, NO, NO, NO, NO, NO},
    {NO, NO, NO, NO, NO, SIGNAL__STATUS__completed},
};

static void every_pair_moves_as_the_table_says_and_no_other(void **state) {
    (void)state;
    for (int from = SIGNAL__STATUS__pending; from <= (int)SIGNAL__STATUS__failed; from++) {
        for (int event = 0; event < (int)SIGNAL_EVENT_COUNT; event++) {
            Signal__Status status = (Signal__Status)from;
            int to = expected[from - 1][event];
            assert_int_equal(lifecycle_step(&status, (enum signal_event)event),
                             to ? ERR_OK : ERR_STATE);
            assert_int_equal((int)status, to ? to : from);
        }
    }
}

static void what_is_final_waits_for_nothing(void **state) {
    (void)state;
    assert_true(lifecycle_is_final(SIGNAL__STATUS__completed));
    assert_true(lifecycle_is_final(SIGNAL__STATUS__failed));
    assert_false(lifecycle_is_final(SIGNAL__STATUS__pending));
    assert_false(lifecycle_is_final(SIGNAL__STATUS__processing));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_moves_as_the_table_says_and_no_other),
        cmocka_unit_test(what_is_final_waits_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
