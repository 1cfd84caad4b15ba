// test_runs - commands on shared keys, gathered: one a key, in their order, and taken back exactly.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/redis/runs.h"

static void add(struct runs *r, const char *verb, const char *key, const char *value) {
    struct span v = span_of(value);
    runs_add(r, verb, key, 1, &v);
}

static void assert_written(const struct runs *r, const char *want) {
    buffer_t out = {0};
    runs_write(r, &out);
    assert_string_equal(buffer_string(&out), want);
    buffer_destroy(&out);
}

static void what_goes_to_one_key_is_one_command(void **state) {
    (void)state;
    struct runs r = {0};
    add(&r, "SADD", "s", "a");
    add(&r, "SADD", "t", "x");
    add(&r, "SADD", "s", "b");
    assert_int_equal(runs_count(&r), 2);
    assert_written(&r, "*4\r\n$4\r\nSADD\r\n$1\r\ns\r\n$1\r\na\r\n$1\r\nb\r\n*3\r\n$4\r\nSADD\r\n$"
                       "1\r\nt\r\n$1\r\nx\r\n");
    runs_destroy(&r);
}

static void another_verb_on_a_key_keeps_its_place_in_the_order(void **state) {
    (void)state;
    struct runs r = {0};
    add(&r, "SADD", "s", "a");
    add(&r, "SREM", "s", "a");
    runs_add(&r, "UNLINK", "s", 0, NULL);
    add(&r, "SADD", "s", "a");
    assert_true(runs_has(&r, "s"));
    assert_false(runs_has(&r, "t"));
    assert_written(
        &r, "*3\r\n$4\r\nSADD\r\n$1\r\ns\r\n$1\r\na\r\n*3\r\n$4\r\nSREM\r\n$1\r\ns\r\n$1\r\na\r\n"
            "*2\r\n$6\r\nUNLINK\r\n$1\r\ns\r\n*3\r\n$4\r\nSADD\r\n$1\r\ns\r\n$1\r\na\r\n");
    runs_destroy(&r);
}

// Random additions, a mark, more additions, back: the same bytes as at the mark, and nothing is
// left over for what comes then.
static void what_was_added_since_a_mark_is_taken_back_exactly(void **state) {
    (void)state;
    static const char *const verbs[] = {"SADD", "SREM", "HSET"};
    struct runs r = {0};
    srand(7);
    for (int round = 0; round < 300; round++) {
        char key[8], value[8];
        buffer_t before = {0};
        runs_clear(&r);
        for (int part = 0; part < 2; part++) {
            size_t mark = runs_mark(&r);
            if (part) runs_write(&r, &before);
            for (int n = rand() % 60; n > 0; n--) {
                (void)snprintf(key, sizeof key, "k%d", rand() % 24);
                (void)snprintf(value, sizeof value, "v%d", n);
                add(&r, verbs[rand() % 3], key, value);
            }
            if (!part) continue;
            runs_back_to(&r, mark);
            assert_written(&r, buffer_string(&before));
        }
        buffer_destroy(&before);
    }
    runs_destroy(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_to_one_key_is_one_command),
        cmocka_unit_test(another_verb_on_a_key_keeps_its_place_in_the_order),
        cmocka_unit_test(what_was_added_since_a_mark_is_taken_back_exactly),
    };
    return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
