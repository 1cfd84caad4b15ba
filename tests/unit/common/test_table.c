// test_table - the compact map of ids.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "common/base/table.h"

#define MANY 5000u

static struct digest nth(unsigned n) {
    char text[ID_TEXT];
    (void)snprintf(text, sizeof text, "0195bcd4-0000-8000-8000-%012x", n);
    return table_key(text);
}

static void what_is_added_is_found_and_what_is_dropped_is_not(void **state) {
    (void)state;
    own(table) *t = table_new(sizeof(uint64_t));
    for (unsigned n = 0; n < MANY; n++) *(uint64_t *)table_add(t, nth(n)) = n;
    for (unsigned n = 0; n < MANY; n += 3) assert_true(table_drop(t, nth(n)));
    for (unsigned n = 0; n < MANY; n++) {
        uint64_t *v = table_find(t, nth(n));
        if (n % 3 == 0)
            assert_null(v);
        else
            assert_int_equal(*v, n);
    }
    assert_false(table_drop(t, nth(0)));
    assert_int_equal(table_count(t), MANY - (MANY + 2) / 3);
}

static void adding_twice_keeps_the_value(void **state) {
    (void)state;
    own(table) *t = table_new(sizeof(uint64_t));
    *(uint64_t *)table_add(t, nth(1)) = 7;
    assert_int_equal(*(uint64_t *)table_add(t, nth(1)), 7);
    assert_int_equal(table_count(t), 1);
}

static void a_dropped_value_comes_back_cleared(void **state) {
    (void)state;
    own(table) *t = table_new(sizeof(uint64_t));
    *(uint64_t *)table_add(t, nth(1)) = 7;
    assert_true(table_drop(t, nth(1)));
    assert_int_equal(*(uint64_t *)table_add(t, nth(1)), 0);
}

static void walking_visits_each_once(void **state) {
    (void)state;
    own(table) *t = table_new(sizeof(uint64_t));
    for (unsigned n = 0; n < 100; n++) *(uint64_t *)table_add(t, nth(n)) = n;
    uint64_t sum = 0;
    size_t cursor = 0;
    struct digest key;
    for (uint64_t *v; (v = table_next(t, &cursor, &key));) {
        struct digest same = nth((unsigned)*v);
        assert_memory_equal(&key, &same, sizeof key);
        sum += *v;
    }
    assert_int_equal(sum, 99 * 100 / 2);
}

static void a_uuid_comes_back_from_its_key(void **state) {
    (void)state;
    char text[ID_TEXT];
    table_key_print(table_key("0195bcd4-12ab-8cde-9f01-23456789abcd"), text);
    assert_string_equal(text, "0195bcd4-12ab-8cde-9f01-23456789abcd");
}

static void ids_that_are_nearly_uuids_have_their_own_keys(void **state) {
    (void)state;
    static const char *const ids[] = {"0195bcd4-12ab-8cde-9f01-23456789abcd",
                                      "0195BCD4-12ab-8cde-9f01-23456789abcd",
                                      "0195bcd4-12ab-8cde-9f01-23456789abcd0",
                                      "0195bcd4-12ab-8cde-9f01-23456789abc",
                                      "0195bcd4012ab-8cde-9f01-23456789abcd",
                                      "signal.1",
                                      ""};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        for (size_t j = 0; j < i; j++) {
            struct digest a = table_key(ids[i]), b = table_key(ids[j]);
            assert_memory_not_equal(&a, &b, sizeof a);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_found_and_what_is_dropped_is_not),
        cmocka_unit_test(adding_twice_keeps_the_value),
        cmocka_unit_test(a_dropped_value_comes_back_cleared),
        cmocka_unit_test(walking_visits_each_once),
        cmocka_unit_test(a_uuid_comes_back_from_its_key),
        cmocka_unit_test(ids_that_are_nearly_uuids_have_their_own_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
