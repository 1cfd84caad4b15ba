// kept - entries go to everybody who wants them, once and in order, and no further.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "replay/kept.h"

static void add(kept_t *k, const char *topic, uint64_t sequence) {
    struct envelope e = {.id = {1, sequence}, .type = "Signal", .body = {"body", 4}};
    kept_add(k, topic, &e);
}

static unsigned taken(kept_t *k, const char *topic, unsigned reader, uint64_t upto) {
    struct envelope e;
    unsigned n = 0;
    while (kept_next(k, topic, reader, (struct entry_id){1, upto}, &e)) n++;
    return n;
}

static void each_reader_gets_each_entry_once_and_in_its_turn(void **state) {
    (void)state;
    kept_t *k = kept_new(1 << 20);
    kept_want(k, "signals", 0);
    kept_want(k, "signals", 1);
    for (uint64_t n = 1; n <= 10; n++) add(k, "signals", n);
    add(k, "signals", 4); // is there already
    assert_int_equal(taken(k, "signals", 0, 6), 6);
    assert_int_equal(taken(k, "signals", 0, 6), 0);
    kept_sweep(k);
    assert_int_equal(taken(k, "signals", 1, 10), 10);
    kept_sweep(k);
    assert_int_equal(taken(k, "signals", 0, 10), 4);
    assert_int_equal(kept_lost(k), 0);
    kept_destroy(&k);
}

static void what_nobody_wants_is_not_kept(void **state) {
    (void)state;
    kept_t *k = kept_new(1 << 20);
    add(k, "outcomes", 1);
    kept_want(k, "outcomes", 0);
    assert_int_equal(taken(k, "outcomes", 0, 9), 0);
    kept_destroy(&k);
}

static void a_reader_that_never_comes_costs_no_more_than_the_limit(void **state) {
    (void)state;
    kept_t *k = kept_new(10000);
    kept_want(k, "signals", 0);
    kept_want(k, "signals", 1);
    for (uint64_t n = 1; n <= 10000; n++) {
        add(k, "signals", n);
        assert_int_equal(taken(k, "signals", 0, n), 1);
        kept_sweep(k);
    }
    assert_true(kept_lost(k) > 9000);
    kept_destroy(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reader_gets_each_entry_once_and_in_its_turn),
        cmocka_unit_test(what_nobody_wants_is_not_kept),
        cmocka_unit_test(a_reader_that_never_comes_costs_no_more_than_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
