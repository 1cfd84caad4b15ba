// test_ring - what Redis forgets, memory gives back.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/delivery/ring.h"

#define L 1000

static ring_t *ring_with(uint64_t batches) {
    ring_t *r = ring_new(1 << 20, 10 * NS_PER_S);
    for (uint64_t b = 1; b <= batches; b++) ring_push(r, b, "12345678", 8, (unsigned)b, b);
    return r;
}

static enum replay resume(const ring_t *r, uint64_t newest, const char *has, uint64_t *from) {
    return ring_resume(r, L, newest, has, "900-7", from);
}

static void what_redis_lacks_is_replayed(void **state) {
    (void)state;
    own(ring) *r = ring_with(200); // more than its first room
    uint64_t from = 0;
    assert_int_equal(resume(r, 200, "1000-150", &from), REPLAY_FROM);
    assert_int_equal(from, 151);
    assert_int_equal(ring_find(r, 151)->commands, 151);
    assert_int_equal(ring_find(r, 200)->batch, 200);
    assert_null(ring_find(r, 201));
    assert_null(ring_find(r, 0));
}

static void a_redis_that_has_everything_needs_nothing(void **state) {
    (void)state;
    own(ring) *r = ring_with(5);
    uint64_t from = 0;
    assert_int_equal(resume(r, 5, "1000-5", &from), REPLAY_NOTHING);
}

static void a_redis_that_forgot_this_incarnation_gets_all_of_it(void **state) {
    (void)state;
    own(ring) *r = ring_with(5);
    uint64_t from = 0;
    assert_int_equal(resume(r, 5, "900-7", &from), REPLAY_FROM);
    assert_int_equal(from, 1);
    assert_int_equal(ring_resume(r, L, 5, "", "", &from), REPLAY_FROM);
}

static void a_batch_number_that_went_up_or_a_later_incarnation_is_another_owner(void **state) {
    (void)state;
    own(ring) *r = ring_with(5);
    uint64_t from = 0;
    assert_int_equal(resume(r, 5, "1000-6", &from), REPLAY_FENCED);
    assert_int_equal(resume(r, 5, "1001-1", &from), REPLAY_FENCED);
}

static void what_the_ring_no_longer_holds_is_a_hole(void **state) {
    (void)state;
    own(ring) *r = ring_with(5);
    uint64_t from = 0;
    ring_written(r, 3);
    assert_int_equal(ring_count(r), 2);
    assert_int_equal(resume(r, 5, "1000-2", &from), REPLAY_HOLE);
    assert_int_equal(resume(r, 5, "1000-3", &from), REPLAY_FROM);
    // it lost what was there before we started
    assert_int_equal(resume(r, 5, "900-6", &from), REPLAY_HOLE);
    assert_int_equal(resume(r, 5, "nonsense", &from), REPLAY_HOLE);
}

static void batches_leave_when_they_are_old_or_the_ring_is_full(void **state) {
    (void)state;
    own(ring) *r = ring_new(24, 10);
    ring_push(r, 1, "12345678", 8, 1, 0);
    ring_push(r, 2, "12345678", 8, 1, 5);
    ring_push(r, 3, "12345678", 8, 1, 11);
    assert_null(ring_find(r, 1));
    ring_push(r, 4, "12345678", 8, 1, 12);
    assert_int_equal(ring_bytes(r), 24);
    ring_push(r, 5, "12345678", 8, 1, 12);
    assert_null(ring_find(r, 2));
    assert_int_equal(ring_count(r), 3);
    ring_push(r, 6, "", 0, 0, 12);
    assert_non_null(ring_find(r, 6));
}

static void an_entry_that_was_replayed_is_young_again(void **state) {
    (void)state;
    own(ring) *r = ring_new(1000, 10);
    ring_push(r, 1, "a", 1, 1, 0);
    ring_touch(r, 1, 9);
    ring_touch(r, 2, 9); // not there: nothing happens
    ring_push(r, 2, "b", 1, 1, 15);
    assert_non_null(ring_find(r, 1));
    ring_push(r, 3, "c", 1, 1, 20);
    assert_null(ring_find(r, 1));
}

static void a_ring_full_of_young_batches_slows_the_input(void **state) {
    (void)state;
    own(ring) *r = ring_new(32, 100);
    assert_false(ring_is_tight(r, 0, 50));
    ring_push(r, 1, "12345678", 8, 1, 0);
    ring_push(r, 2, "12345678", 8, 1, 0);
    ring_push(r, 3, "12345678", 8, 1, 0);
    assert_false(ring_is_tight(r, 1, 50));
    ring_push(r, 4, "12345678", 8, 1, 1);
    assert_true(ring_is_tight(r, 1, 50));
    assert_false(ring_is_tight(r, 50, 50));
}

static void destroying_empties_the_handle(void **state) {
    (void)state;
    ring_t *r = ring_with(3);
    ring_destroy(&r);
    assert_null(r);
    ring_destroy(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_redis_lacks_is_replayed),
        cmocka_unit_test(a_redis_that_has_everything_needs_nothing),
        cmocka_unit_test(a_redis_that_forgot_this_incarnation_gets_all_of_it),
        cmocka_unit_test(a_batch_number_that_went_up_or_a_later_incarnation_is_another_owner),
        cmocka_unit_test(what_the_ring_no_longer_holds_is_a_hole),
        cmocka_unit_test(batches_leave_when_they_are_old_or_the_ring_is_full),
        cmocka_unit_test(an_entry_that_was_replayed_is_young_again),
        cmocka_unit_test(a_ring_full_of_young_batches_slows_the_input),
        cmocka_unit_test(destroying_empties_the_handle),
    };
    return cmocka_run_group_tests_name("common/ring", tests, NULL, NULL);
}
