// test_call - what a command is called with is read as its table says; wrong use is told.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "common/base/own.h"

static const struct command command = {
    .name = "look",
    .arguments = "TOPIC [ID]",
    .words = "Looks.",
    .least = 1,
    .most = 2,
    .flags = {{"count", "N", "how many"}, {"all", NULL, "every one"}}};
static char wrong[240];

static bool read_words(struct call *call, int n, const char *const words[]) {
    char *argv[20];
    for (int i = 0; i < n; i++) argv[i] = (char *)words[i];
    *call = (struct call){.command = &command};
    *wrong = 0;
    return call_read(call, n, argv, wrong);
}
#define READ(call, ...)                                                                            \
    read_words(call, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                       \
               (const char *[]){__VA_ARGS__})

static void options_may_stand_anywhere(void **state) {
    (void)state;
    struct call call;
    assert_true(READ(&call, "--count", "3", "signals", "--all", "7-1", "--json"));
    assert_int_equal(call.n_args, 2);
    assert_string_equal(call.args[1], "7-1");
    assert_string_equal(call_flag(&call, "count"), "3");
    assert_non_null(call_flag(&call, "all"));
    assert_true(call.json);
}

static void a_value_may_follow_an_equals_sign(void **state) {
    (void)state;
    struct call call;
    assert_true(READ(&call, "signals", "--count=9", "--dir=/somewhere"));
    assert_string_equal(call_flag(&call, "count"), "9");
    assert_string_equal(call.dir, "/somewhere");
    assert_null(call_flag(&call, "all"));
}

static void after_two_dashes_all_are_arguments(void **state) {
    (void)state;
    struct call call;
    assert_true(READ(&call, "--", "--count", "-"));
    assert_string_equal(call.args[0], "--count");
    assert_string_equal(call.args[1], "-");
}

static void wrong_use_is_told(void **state) {
    (void)state;
    struct call call;
    assert_false(READ(&call, "signals", "--nothing"));
    assert_string_equal(wrong, "look has no option --nothing");
    assert_false(READ(&call, "signals", "--count"));
    assert_string_equal(wrong, "--count needs a value: N");
    assert_false(READ(&call, "signals", "--all=1"));
    assert_string_equal(wrong, "--all takes no value");
    assert_false(READ(&call, "a", "b", "c"));
    assert_string_equal(wrong, "usage: tradecast look TOPIC [ID]");
    assert_false(READ(&call, "--json"));
    assert_false(READ(&call, "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a",
                      "a", "a", "a"));
    assert_string_equal(wrong, "too many arguments");
}

static void help_needs_no_arguments(void **state) {
    (void)state;
    struct call call;
    assert_true(READ(&call, "--help"));
    assert_true(call.help);
    assert_true(READ(&call, "-h"));
    assert_true(call.help);
}

static void a_number_is_whole_or_it_is_wrong(void **state) {
    (void)state;
    struct call call;
    unsigned long n;
    assert_true(READ(&call, "x", "--count", "12"));
    assert_true(call_number(&call, "count", 5, &n));
    assert_int_equal(n, 12);
    for (size_t i = 0; i < 5; i++) {
        static const char *const bad[] = {"", "-1", "1.5", "many", "99999999999999999999999"};
        assert_true(READ(&call, "x", "--count", bad[i]));
        assert_false(call_number(&call, "count", 5, &n));
    }
    assert_true(READ(&call, "x"));
    assert_true(call_number(&call, "count", 5, &n));
    assert_int_equal(n, 5);
}

static void help_shows_every_option(void **state) {
    (void)state;
    own(buffer) out = {0};
    command_help(&command, &out);
    static const char *const parts[] = {"usage: tradecast look TOPIC [ID] [options]",
                                        "Looks.",
                                        "--count N",
                                        "--all",
                                        "--dir DIR",
                                        "--json",
                                        "--help"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(strstr(buffer_string(&out), parts[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(a_value_may_follow_an_equals_sign),
        cmocka_unit_test(after_two_dashes_all_are_arguments),
        cmocka_unit_test(wrong_use_is_told),
        cmocka_unit_test(help_needs_no_arguments),
        cmocka_unit_test(a_number_is_whole_or_it_is_wrong),
        cmocka_unit_test(help_shows_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
