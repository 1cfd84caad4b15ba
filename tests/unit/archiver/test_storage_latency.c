// test_storage_latency - how long signals took until they were on record, as the archiver counts it.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/archiver/archiver.h"
#include "services/archiver/counts/storage_latency.h"

#define MS(n)  ((uint64_t)(n)*NS_PER_MS)
#define DAY_NS (UINT64_C(20000) * 86400 * NS_PER_S)

// 100 signals that took 1, 2, … 100 times 10 ms.
static void commit_hundred(struct storage_latency *l, uint64_t mono) {
    for (unsigned i = 1; i <= 100; i++) storage_latency_await(l, DAY_NS - MS(10 * i));
    storage_latency_commit(l, DAY_NS, mono);
}

static void percentiles_are_of_what_came_lately(void **state) {
    (void)state;
    struct storage_latency l = {0};
    own(arena) *arena = arena_new(0);
    commit_hundred(&l, MS(1000));
    const StorageLatency *r = storage_latency_report(&l, MS(1001), arena);
    assert_int_equal(r->signals, 100);
    assert_int_equal(r->p50_us, 500000);
    assert_int_equal(r->p95_us, 950000);
    assert_int_equal(r->p99_us, 990000);
    storage_latency_commit(&l, DAY_NS, MS(32000)); // the half minute before still counts
    assert_int_equal(storage_latency_report(&l, MS(32000), arena)->p95_us, 950000);
    r = storage_latency_report(&l, MS(100000), arena);
    assert_int_equal(r->p95_us, 0);
    assert_int_equal(r->signals, 100);
    storage_latency_destroy(&l);
}

static void buckets_add_up(void **state) {
    (void)state;
    struct storage_latency l = {0};
    own(arena) *arena = arena_new(0);
    commit_hundred(&l, MS(1000));
    storage_latency_await(&l, DAY_NS + MS(1)); // the clock was set back
    storage_latency_await(&l, DAY_NS - MS(60000));
    storage_latency_commit(&l, DAY_NS, MS(1000));
    const StorageLatency *r = storage_latency_report(&l, MS(1001), arena);
    assert_int_equal(r->n_buckets, STORAGE_BOUNDS);
    for (size_t i = 0; i < r->n_buckets; i++) {
        uint64_t tens = r->buckets[i]->within_us / 10000;
        assert_int_equal(r->buckets[i]->count, 1 + (tens > 100 ? 100 : tens));
    }
    assert_int_equal(r->signals, 102);
    assert_int_equal(r->sum_us, 5050 * 10000 + 60000000);
    storage_latency_destroy(&l);
}

static void what_is_not_committed_is_not_counted(void **state) {
    (void)state;
    struct storage_latency l = {0};
    own(arena) *arena = arena_new(0);
    storage_latency_await(&l, DAY_NS);
    assert_int_equal(storage_latency_report(&l, MS(1), arena)->signals, 0);
    storage_latency_commit(&l, DAY_NS, MS(2));
    storage_latency_commit(&l, DAY_NS, MS(3));
    assert_int_equal(storage_latency_report(&l, MS(4), arena)->signals, 1);
    storage_latency_destroy(&l);
}

// Spec 004 gives 500 ms; the door, the wire and the disk need some of it.
static void no_row_is_held_back_for_half_a_second(void **state) {
    (void)state;
    assert_true(archiver_service.gather_for_ms <= 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_of_what_came_lately),
        cmocka_unit_test(buckets_add_up),
        cmocka_unit_test(what_is_not_committed_is_not_counted),
        cmocka_unit_test(no_row_is_held_back_for_half_a_second),
    };
    return cmocka_run_group_tests_name("archiver/storage_latency", tests, NULL, NULL);
}
