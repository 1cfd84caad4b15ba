// test_array - arrays that grow, and integers as text.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/integer.h"

struct item {
    uint32_t number;
    uint64_t other;
};

static void an_array_keeps_what_it_has_and_is_zeroed_behind(void **state) {
    (void)state;
    struct item *items = NULL;
    size_t n = 0, room = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        array_reserve(items, n, room);
        assert_true(n < room);
        assert_int_equal(items[n].number, 0);
        assert_int_equal(items[room - 1].other, 0);
        items[n++] = (struct item){i, UINT64_MAX};
    }
    for (uint32_t i = 0; i < n; i++) assert_int_equal(items[i].number, i);
    assert_true(room < 2 * n + 16);
    free(items);
}

static void an_array_in_an_arena_grows_alike(void **state) {
    (void)state;
    arena_t *arena = arena_new(0);
    uint32_t *items = NULL;
    size_t n = 0, room = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        array_reserve_in(arena, items, n, room);
        assert_int_equal(items[n], 0);
        items[n++] = i + 1;
    }
    for (uint32_t i = 0; i < n; i++) assert_int_equal(items[i], i + 1);
    arena_destroy(&arena);
}

static void an_integer_is_its_digits(void **state) {
    (void)state;
    static const struct {
        uint64_t value;
        const char *text;
    } some[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        char text[INTEGER_TEXT];
        assert_int_equal(integer_print(some[i].value, text), strlen(some[i].text));
        assert_string_equal(text, some[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_keeps_what_it_has_and_is_zeroed_behind),
        cmocka_unit_test(an_array_in_an_arena_grows_alike),
        cmocka_unit_test(an_integer_is_its_digits),
    };
    return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
