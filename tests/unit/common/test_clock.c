// test_clock - times as text, both ways.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "dice.h"

#define SPEC_NS UINT64_C(1742638530123456000) // 2025-03-22T10:15:30.123456Z

static err_t parse(const char *text, uint64_t *ns) {
    *ns = 1;
    return time_parse(text, strlen(text), ns);
}

static const char *print(uint64_t ns) {
    static char text[TIME_TEXT];
    size_t length = time_print(ns, text);
    assert_int_equal(length, strlen(text));
    return text;
}

static void a_time_is_printed_with_as_many_decimals_as_it_needs(void **state) {
    (void)state;
    assert_string_equal(print(SPEC_NS), "2025-03-22T10:15:30.123456Z");
    assert_string_equal(print(SPEC_NS / NS_PER_MS * NS_PER_MS), "2025-03-22T10:15:30.123Z");
    assert_string_equal(print(SPEC_NS / NS_PER_S * NS_PER_S), "2025-03-22T10:15:30Z");
    assert_string_equal(print(SPEC_NS / NS_PER_S * NS_PER_S + 999), "2025-03-22T10:15:30Z");
    assert_string_equal(print(SPEC_NS / NS_PER_S * NS_PER_S + 1000), "2025-03-22T10:15:30.000001Z");
    assert_string_equal(print(0), "1970-01-01T00:00:00Z");
    assert_string_equal(print(951782400 * NS_PER_S), "2000-02-29T00:00:00Z");
    assert_string_equal(print(2147483648 * NS_PER_S), "2038-01-19T03:14:08Z");
    assert_string_equal(print(UINT64_MAX), "2554-07-21T23:34:33.709551Z");
}

static void iso_8601_is_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } rows[] = {
        {"2025-03-22T10:15:30.123456Z", SPEC_NS},
        {"2025-03-22t10:15:30.123456z", SPEC_NS},
        {"2025-03-22 10:15:30.123456Z", SPEC_NS},
        {"2025-03-22T10:15:30,123456Z", SPEC_NS},
        {"2025-03-22T12:15:30.123456+02:00", SPEC_NS},
        {"2025-03-22T12:15:30.123456+0200", SPEC_NS},
        {"2025-03-22T12:15:30.123456+02", SPEC_NS},
        {"2025-03-22T04:45:30.123456-05:30", SPEC_NS},
        {"2025-03-22T10:15:30.123456789Z", SPEC_NS + 789},
        {"2025-03-22T10:15:30.1Z", SPEC_NS - 23456000},
        {"2025-03-22T10:15Z", SPEC_NS - SPEC_NS % (60 * NS_PER_S)},
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T00:00:00Z", 951782400 * NS_PER_S},
        {"2016-12-31T23:59:60Z", 1483228800 * NS_PER_S},
        {"2038-01-19T03:14:08Z", 2147483648 * NS_PER_S},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ns;
        assert_int_equal(parse(rows[i].text, &ns), ERR_OK);
        assert_int_equal(ns, rows[i].ns);
    }
}

static void unix_seconds_and_milliseconds_are_read(void **state) {
    (void)state;
    uint64_t ns;
    assert_int_equal(parse("1742638530", &ns), ERR_OK);
    assert_int_equal(ns, 1742638530 * NS_PER_S);
    assert_int_equal(parse("1742638530123", &ns), ERR_OK);
    assert_int_equal(ns, 1742638530123 * NS_PER_MS);
    assert_int_equal(parse("0", &ns), ERR_OK);
    assert_int_equal(ns, 0);
}

static void what_is_no_time_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "now",
        "-1",
        "1.5",
        "17426385301234", // 14 digits
        "2025-03-22",
        "2025-03-22T10:15:30",
        "2025-13-22T10:15:30Z",
        "2025-00-22T10:15:30Z",
        "2025-02-29T10:15:30Z",
        "2100-02-29T10:15:30Z",
        "2025-04-31T10:15:30Z",
        "2025-03-22T24:15:30Z",
        "2025-03-22T10:60:30Z",
        "2025-03-22T10:15:61Z",
        "2025-03-22T10:15:30.Z",
        "2025-03-22T10:15:30.1234567890Z",
        "2025-03-22T10:15:30Z ",
        "2025-03-22T10:15:30+25:00",
        "2025-03-22T10:15:30+02:60",
        "2025-03-22T10:15:30+02:",
        "2025-3-22T10:15:30Z",
        "2025-03-22X10:15:30Z",
        "2025-03",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ns;
        assert_int_equal(parse(rows[i], &ns), ERR_INPUT);
        assert_int_equal(ns, 1);
    }
}

static void what_is_printed_reads_back_as_the_same(void **state) {
    (void)state;
    struct dice d = {.state = 7};
    uint64_t back;
    for (int i = 0; i < 2000000; i++) {
        uint64_t ns = dice_bits(&d); // every value there is: until 2554
        ns -= ns % (i % 3 == 0 ? NS_PER_S : i % 3 == 1 ? NS_PER_MS : NS_PER_US);
        assert_int_equal(parse(print(ns), &back), ERR_OK);
        assert_int_equal(back, ns);
    }
}

// However a time is written, and wherever it rolls over to.
static void what_is_read_can_be_printed_and_read_again(void **state) {
    (void)state;
    static const char *const rows[] = {"2500-12-31T23:59:60Z",
                                       "2500-12-31T23:59:59-14:00",
                                       "2501-01-01T00:00:00Z",
                                       "17426385310",
                                       "18446744073",
                                       "2554-07-21T23:34:33.709551615Z",
                                       "1970-01-01T00:00:00Z",
                                       "9999999999999",
                                       "2554-07-22T13:34:33+14:00",
                                       "2525-03-22T10:15:30.000000001Z",
                                       "2016-12-31T23:59:60Z"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ns, back;
        assert_int_equal(parse(rows[i], &ns), ERR_OK);
        assert_int_equal(parse(print(ns), &back), ERR_OK);
        assert_int_equal(back, ns - ns % NS_PER_US);
    }
}

static void what_64_bits_of_nanoseconds_do_not_hold_is_refused_by_rule(void **state) {
    (void)state;
    static const char *const rows[] = {"2554-07-21T23:34:33.709551616Z",
                                       "2554-07-21T23:34:34Z",
                                       "2554-07-21T23:34:33-00:01",
                                       "18446744074",
                                       "99999999999",
                                       "2554-12-31T23:59:60Z",
                                       "9999-12-31T23:59:59Z",
                                       "2555-01-01T00:00:00+14:00",
                                       "1969-12-31T23:59:59Z",
                                       "1970-01-01T00:00:00+01:00",
                                       "0000-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ns;
        assert_int_equal(parse(rows[i], &ns), ERR_RULE);
        assert_int_equal(ns, 1);
    }
}

static void what_comes_from_outside_ends_in_2261(void **state) {
    (void)state;
    static const struct {
        const char *text;
        err_t e;
    } rows[] = {{"2261-12-31T23:59:59.999999999Z", ERR_OK},
                {"9214646399", ERR_OK},
                {"9214646399999", ERR_OK},
                {"2262-01-01T00:00:00Z", ERR_RULE},
                {"2261-12-31T23:59:60Z", ERR_RULE},
                {"2261-12-31T23:59:59-14:00", ERR_RULE},
                {"9214646400", ERR_RULE},
                {"9214646400000", ERR_RULE},
                {"17426385310", ERR_RULE},
                {"9999-12-31T23:59:59Z", ERR_RULE},
                {"2025-03-22", ERR_INPUT},
                {"tomorrow", ERR_INPUT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ns = 1;
        assert_int_equal(time_read(rows[i].text, strlen(rows[i].text), &ns), rows[i].e);
        assert_true(rows[i].e ? ns == 1 : ns < TIME_END);
    }
}

static void the_clocks_run(void **state) {
    (void)state;
    assert_true(clock_utc_ns() > 1700000000 * NS_PER_S);
    uint64_t before = clock_mono_ns();
    assert_true(clock_mono_ns() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_printed_with_as_many_decimals_as_it_needs),
        cmocka_unit_test(iso_8601_is_read),
        cmocka_unit_test(unix_seconds_and_milliseconds_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(what_is_printed_reads_back_as_the_same),
        cmocka_unit_test(what_is_read_can_be_printed_and_read_again),
        cmocka_unit_test(what_64_bits_of_nanoseconds_do_not_hold_is_refused_by_rule),
        cmocka_unit_test(what_comes_from_outside_ends_in_2261),
        cmocka_unit_test(the_clocks_run),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
