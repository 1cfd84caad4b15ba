// test_careful - after an unclean start: one message at a time, and each gets its turn.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

#include "common/service/loop.h"

static void a_message_that_found_no_room_is_taken_again_after_its_empty_batch(void **state) {
    (void)state;
    static const struct service service = {.role = ROUTER};
    struct loop *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->service = &service;
    l->settings.batch_max = 8;
    l->batch = batch_new("router", NULL, NULL, 0);
    batch_begin(l->batch, 1, 1, 1);
    l->careful.left = 8;
    l->progress.phase = BATCH_OPEN;
    // its handler had no room, so it was put back and has written nothing
    l->careful.attempt = ATTEMPT_COUNTED;
    assert_true(intake_full(l));
    loop_commit(l);
    assert_int_equal(l->progress.phase, BATCH_NONE);
    assert_false(intake_full(l));
    assert_int_equal(l->careful.left, 8); // it has not been handled yet
    batch_destroy(&l->batch);
    free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_found_no_room_is_taken_again_after_its_empty_batch),
    };
    return cmocka_run_group_tests_name("careful", tests, NULL, NULL);
}
