// test_decimal - prices and sizes: read exactly or refused, printed as read, rounded the way that
// is asked for.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/decimal.h"
#include "dice.h"

static err_t parse(const char *text, int64_t *e8) {
    decimal_t d = {-1};
    err_t e = decimal_parse(text, strlen(text), &d);
    *e8 = d.e8;
    return e;
}

static const char *print(int64_t e8) {
    static char text[DECIMAL_TEXT];
    size_t length = decimal_print(D(e8), text);
    assert_int_equal(length, strlen(text));
    return text;
}

static void what_is_a_number_is_read_exactly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t e8;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"+0.0", 0},
        {"1", 100000000},
        {"+1", 100000000},
        {"007", 700000000},
        {"1.1234", 112340000},
        {"-0.00005", -5000},
        {"0.00000001", 1},
        {"1.10", 110000000},
        {"1.100000000000000000000000000000", 110000000},
        {"0.0000000000000000000000000e5", 0},
        {"1e2", 10000000000},
        {"1E+2", 10000000000},
        {"1e-8", 1},
        {"10e-9", 1},
        {"1.5e1", 1500000000},
        {"123.45e-2", 123450000},
        {"0.000000001e1", 1},
        {"0e999999999999", 0},
        {"0e-999999999999", 0},
        {"100000000000000000000000000e-26", 100000000},
        {"92233720368.54775807", INT64_MAX},
        {"-92233720368.54775807", -INT64_MAX},
        {"9223372036854775807e-8", INT64_MAX},
        {"-92233720368.54775808", INT64_MIN}, // the least of the type is printed, so it is read
        {"-9223372036854775808e-8", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t e8;
        assert_int_equal(parse(rows[i].text, &e8), ERR_OK);
        assert_int_equal(e8, rows[i].e8);
    }
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",     " ",     "nan", "NaN",  "inf",   "-Infinity", "0x10", "1e",       "1e+",
        "e5",   ".5",    "5.",  "+",    "-",     "--1",       "+-1",  "1 ",       " 1",
        "1,5",  "1.2.3", "1_0", "1f",   "1e1.5", "1e--1",     "0b1",  "\xD9\xA1", "1\n",
        "1e1e", "1.e5",  "$1",  "1.-5", "- 1",   "1e ",       "٣"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t e8;
        assert_int_equal(parse(rows[i], &e8), ERR_INPUT);
        assert_int_equal(e8, -1);
    }
    decimal_t d = {-1};
    assert_int_equal(decimal_parse("1\0002", 3, &d), ERR_INPUT);
    char long_text[5000];
    memset(long_text, '1', sizeof long_text);
    assert_int_equal(decimal_parse(long_text, sizeof long_text, &d), ERR_INPUT);
    assert_int_equal(d.e8, -1);
}

static void what_does_not_fit_is_refused_by_rule(void **state) {
    (void)state;
    static const char *const rows[] = {"0.000000001",
                                       "1.123456789",
                                       "1e-9",
                                       "92233720368.54775808",
                                       "-92233720368.54775809",
                                       "92233720369",
                                       "1e11",
                                       "1e999999999999999999999",
                                       "1e-999999999999999999",
                                       "18446744073709551616",
                                       "18446744073709551615",
                                       "99999999999999999999999999",
                                       "1.00000000000000000001",
                                       "340282366920938463463374607431768211456"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t e8;
        assert_int_equal(parse(rows[i], &e8), ERR_RULE);
        assert_int_equal(e8, -1);
    }
}

static void what_is_printed_is_the_shortest_plain_form(void **state) {
    (void)state;
    assert_string_equal(print(0), "0");
    assert_string_equal(print(112340000), "1.1234");
    assert_string_equal(print(-5000), "-0.00005");
    assert_string_equal(print(10000000000), "100");
    assert_string_equal(print(1), "0.00000001");
    assert_string_equal(print(-100000000), "-1");
    assert_string_equal(print(INT64_MAX), "92233720368.54775807");
    assert_string_equal(print(-INT64_MAX), "-92233720368.54775807");
    assert_string_equal(print(INT64_MIN), "-92233720368.54775808");
}

static void what_is_printed_reads_back_as_the_same(void **state) {
    (void)state;
    struct dice d = {.state = 42};
    for (int i = 0; i < 2000000; i++) {
        int64_t e8 = (int64_t)dice_bits(&d), back;
        if (i % 3 == 0) e8 = e8 / 1000000 * 1000000;
        assert_int_equal(parse(print(e8), &back), ERR_OK);
        assert_int_equal(back, e8);
    }
}

static void a_sum_that_does_not_fit_stops_where_its_negation_fits_too(void **state) {
    (void)state;
    assert_int_equal(decimal_nearest(5), 5);
    assert_int_equal(decimal_nearest((__int128)INT64_MAX + 1), INT64_MAX);
    assert_int_equal(decimal_nearest((__int128)INT64_MIN * 4), -INT64_MAX);
    assert_int_equal(decimal_nearest(INT64_MIN), -INT64_MAX);
    assert_int_equal(decimal_neg(D(INT64_MIN)).e8, INT64_MAX);
    assert_int_equal(decimal_abs(D(INT64_MIN)).e8, INT64_MAX);
}

static int64_t mul(int64_t a, int64_t b, enum rounding r) {
    decimal_t out;
    assert_true(decimal_mul(D(a), D(b), r, &out));
    return out.e8;
}

static int64_t quotient(int64_t a, int64_t b, enum rounding r) {
    decimal_t out;
    assert_true(decimal_div(D(a), D(b), r, &out));
    return out.e8;
}

static void products_round_the_way_that_is_asked_for(void **state) {
    (void)state;
    const int64_t half = DECIMAL_SCALE / 2;
    assert_int_equal(mul(1, half, ROUND_DOWN), 0);
    assert_int_equal(mul(1, half, ROUND_UP), 1);
    assert_int_equal(mul(1, half, ROUND_HALF_EVEN), 0);
    assert_int_equal(mul(3, half, ROUND_HALF_EVEN), 2);
    assert_int_equal(mul(-1, half, ROUND_DOWN), 0);
    assert_int_equal(mul(-1, half, ROUND_UP), -1);
    assert_int_equal(mul(-3, half, ROUND_HALF_EVEN), -2);
    assert_int_equal(mul(1, half + 1, ROUND_HALF_EVEN), 1);
    assert_int_equal(mul(-1, half + 1, ROUND_HALF_EVEN), -1);
    assert_int_equal(mul(1, half - 1, ROUND_HALF_EVEN), 0);
    assert_int_equal(mul(2 * DECIMAL_SCALE, 3 * DECIMAL_SCALE, ROUND_UP), 6 * DECIMAL_SCALE);
}

static void quotients_round_the_way_that_is_asked_for(void **state) {
    (void)state;
    assert_int_equal(quotient(DECIMAL_SCALE, 3 * DECIMAL_SCALE, ROUND_DOWN), 33333333);
    assert_int_equal(quotient(DECIMAL_SCALE, 3 * DECIMAL_SCALE, ROUND_UP), 33333334);
    assert_int_equal(quotient(2 * DECIMAL_SCALE, 3 * DECIMAL_SCALE, ROUND_HALF_EVEN), 66666667);
    assert_int_equal(quotient(-2 * DECIMAL_SCALE, 3 * DECIMAL_SCALE, ROUND_HALF_EVEN), -66666667);
    assert_int_equal(quotient(2 * DECIMAL_SCALE, -3 * DECIMAL_SCALE, ROUND_DOWN), -66666666);
    assert_int_equal(quotient(-2 * DECIMAL_SCALE, -3 * DECIMAL_SCALE, ROUND_UP), 66666667);
    assert_int_equal(quotient(1, 2 * DECIMAL_SCALE, ROUND_HALF_EVEN), 0);
    assert_int_equal(quotient(3, 2 * DECIMAL_SCALE, ROUND_HALF_EVEN), 2);
}

static int64_t step(int64_t a, int64_t width, enum rounding r) {
    decimal_t out;
    assert_true(decimal_to_step(D(a), D(width), r, &out));
    return out.e8;
}

static void sizes_become_multiples_of_the_step(void **state) {
    (void)state;
    assert_int_equal(step(127000000, 1000000, ROUND_DOWN), 127000000);
    assert_int_equal(step(127999999, 1000000, ROUND_DOWN), 127000000);
    assert_int_equal(step(127000001, 1000000, ROUND_UP), 128000000);
    assert_int_equal(step(127500000, 1000000, ROUND_HALF_EVEN), 128000000);
    assert_int_equal(step(128500000, 1000000, ROUND_HALF_EVEN), 128000000);
    assert_int_equal(step(-127999999, 1000000, ROUND_DOWN), -127000000);
    assert_int_equal(step(-127000001, 1000000, ROUND_UP), -128000000);
    assert_int_equal(step(999, 1000000, ROUND_DOWN), 0);
}

static void overflow_is_told_and_leaves_the_result_alone(void **state) {
    (void)state;
    decimal_t out = {7};
    assert_false(decimal_add(D(INT64_MAX), D(1), &out));
    assert_false(decimal_add(D(-INT64_MAX), D(-1), &out));
    assert_false(decimal_sub(D(-INT64_MAX), D(1), &out));
    assert_false(decimal_sub(D(INT64_MAX), D(-1), &out));
    assert_false(decimal_mul(D(INT64_MAX), D(INT64_MAX), ROUND_DOWN, &out));
    assert_false(decimal_mul(D(INT64_MAX), DECIMAL_INT(-2), ROUND_DOWN, &out));
    assert_false(decimal_div(D(INT64_MAX), D(1), ROUND_DOWN, &out));
    assert_false(decimal_div(D(1), D(0), ROUND_DOWN, &out));
    assert_false(decimal_to_step(D(1), D(0), ROUND_DOWN, &out));
    assert_false(decimal_to_step(D(1), D(-1), ROUND_DOWN, &out));
    assert_false(decimal_to_step(D(INT64_MAX), D(INT64_MAX - 1), ROUND_UP, &out));
    assert_false(decimal_mean(D(1), D(0), D(2), D(0), &out));
    assert_int_equal(out.e8, 7);
    assert_true(decimal_add(D(INT64_MAX), D(-INT64_MAX), &out));
    assert_int_equal(out.e8, 0);
}

static void a_mean_is_rounded_once(void **state) {
    (void)state;
    decimal_t out;
    assert_true(decimal_mean(D(110000000), D(300000000), D(120000000), D(100000000), &out));
    assert_int_equal(out.e8, 112500000);
    assert_true(decimal_mean(D(1), D(1), D(2), D(1), &out));
    assert_int_equal(out.e8, 2); // 1.5: ties to even
    assert_true(decimal_mean(D(2), D(1), D(3), D(1), &out));
    assert_int_equal(out.e8, 2); // 2.5
    assert_true(decimal_mean(D(0), D(0), D(5), D(9), &out));
    assert_int_equal(out.e8, 5);
    assert_true(decimal_mean(D(INT64_MAX), D(INT64_MAX), D(INT64_MAX), D(INT64_MAX), &out));
    assert_int_equal(out.e8, INT64_MAX);
}

static void a_mean_of_many_is_rounded_once_to_its_step(void **state) {
    (void)state;
    decimal_t out = {7};
    const struct weighted prices[] = {{D(112340000), D(2)}, {D(112360000), D(1)}};
    assert_true(decimal_mean_of(prices, 2, D(10000), &out));
    assert_int_equal(out.e8, 112350000); // 1.12346666…
    const struct weighted half[] = {{D(1), D(1)}, {D(2), D(1)}, {D(3), D(1)}, {D(4), D(1)}};
    assert_true(decimal_mean_of(half, 4, D(1), &out));
    assert_int_equal(out.e8, 2); // 2.5: ties to even
    assert_false(decimal_mean_of(half, 4, D(0), &out));
    assert_false(decimal_mean_of(half, 0, D(1), &out));
    const struct weighted none[] = {{D(5), D(0)}};
    assert_false(decimal_mean_of(none, 1, D(1), &out));
    const struct weighted largest[] = {
        {D(INT64_MAX), D(INT64_MAX)}, {D(INT64_MAX), D(INT64_MAX)}, {D(INT64_MAX), D(INT64_MAX)}};
    assert_false(decimal_mean_of(largest, 3, D(1), &out)); // beyond 128 bits
    assert_int_equal(out.e8, 2);
}

static void the_finest_step_is_the_last_decimal(void **state) {
    (void)state;
    assert_int_equal(decimal_finest(D(112340000)).e8, 10000);
    assert_int_equal(decimal_finest(D(112345678)).e8, 1);
    assert_int_equal(decimal_finest(D(-500 * DECIMAL_SCALE)).e8, DECIMAL_SCALE);
    assert_int_equal(decimal_finest(D(0)).e8, DECIMAL_SCALE);
}

static void comparing_and_signs(void **state) {
    (void)state;
    assert_true(decimal_cmp(D(1), D(2)) < 0 && decimal_cmp(D(2), D(1)) > 0 &&
                decimal_cmp(D(2), D(2)) == 0);
    assert_int_equal(decimal_neg(D(5)).e8, -5);
    assert_int_equal(decimal_abs(D(-5)).e8, 5);
    assert_int_equal(decimal_min(D(-5), D(3)).e8, -5);
    assert_true(decimal_is_zero(D(0)) && !decimal_is_zero(D(1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_number_is_read_exactly),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(what_does_not_fit_is_refused_by_rule),
        cmocka_unit_test(what_is_printed_is_the_shortest_plain_form),
        cmocka_unit_test(what_is_printed_reads_back_as_the_same),
        cmocka_unit_test(a_sum_that_does_not_fit_stops_where_its_negation_fits_too),
        cmocka_unit_test(products_round_the_way_that_is_asked_for),
        cmocka_unit_test(quotients_round_the_way_that_is_asked_for),
        cmocka_unit_test(sizes_become_multiples_of_the_step),
        cmocka_unit_test(overflow_is_told_and_leaves_the_result_alone),
        cmocka_unit_test(a_mean_is_rounded_once),
        cmocka_unit_test(a_mean_of_many_is_rounded_once_to_its_step),
        cmocka_unit_test(the_finest_step_is_the_last_decimal),
        cmocka_unit_test(comparing_and_signs),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
