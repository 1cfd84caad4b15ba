// test_edges - corners of the delivery core that no simulated world reaches.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/own.h"
#include "common/delivery/ring.h"
#include "services/executor/trade/in_doubt/doubt.h"

// With sanitizers, too, memory that is not to be had is told by NULL.
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

static void leave(int signal_number) {
    (void)signal_number;
    exit(77); // and not at once, so that what was covered is written
}

static void out_of_memory_ends_the_process_before_any_effect(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        volatile size_t all = SIZE_MAX / 2;
        (void)signal(SIGABRT, leave);
        own(ring) *ring = ring_new(all, 1);
        ring_push(ring, 1, "", all, 1, 0);
        exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 77);
}

static void a_ring_of_which_all_is_written_is_empty(void **state) {
    (void)state;
    own(ring) *ring = ring_new(1000, 1000);
    for (uint64_t b = 1; b <= 3; b++) ring_push(ring, b, "x", 1, 1, b);
    ring_written(ring, 2);
    assert_int_equal(ring_count(ring), 1);
    ring_written(ring, 9);
    assert_int_equal(ring_count(ring), 0);
    assert_int_equal(ring_bytes(ring), 0);
    ring_written(ring, 9);
    assert_null(ring_find(ring, 3));
}

static void a_check_from_a_newer_gateway_covers_nothing(void **state) {
    (void)state;
    const struct gateway_checks g = {.check = (Hello__DuplicateCheck)99,
                                     .can_query = true,
                                     .window = UINT64_MAX,
                                     .session_since = 1};
    assert_false(doubt_covered(&g, 5, 6));
}

static void a_signal_older_than_clocks_may_differ_is_of_any_age(void **state) {
    (void)state;
    const struct order_origin o = {.signal_at = 5};
    const struct doubt_context c = {.now = 100, .skew_margin = 10};
    assert_int_equal(doubt_first_at(&o, &c), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_memory_ends_the_process_before_any_effect),
        cmocka_unit_test(a_ring_of_which_all_is_written_is_empty),
        cmocka_unit_test(a_check_from_a_newer_gateway_covers_nothing),
        cmocka_unit_test(a_signal_older_than_clocks_may_differ_is_of_any_age),
    };
    return cmocka_run_group_tests_name("edges of the delivery core", tests, NULL, NULL);
}
