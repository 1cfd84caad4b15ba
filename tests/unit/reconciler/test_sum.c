// test_sum - what a signal came to.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "services/reconciler/sum.h"

#define LOT DECIMAL_SCALE

static struct facts fill(int64_t lots, int64_t price, int64_t requested) {
    return (struct facts){
        .state = TRADE_STATE__STATE__filled,
        .has_requested_price = requested != 0,
        .requested_price = {requested},
        .has_lot_size = true,
        .lot_size = {lots},
        .filled_lots = {lots},
        .has_average_price = true,
        .average_price = {price},
        .executed_at = 7,
        .first_executed_at = 7,
    };
}

static struct facts unfilled(int64_t lots) {
    struct facts f = fill(lots, 0, 0);
    f.filled_lots.e8 = 0;
    f.has_average_price = false;
    f.executed_at = f.first_executed_at = 0;
    return f;
}

static SignalExecutionStatus status_of(const struct facts *facts, size_t n) {
    struct sum sum = {0};
    SignalExecutionStatus out = SIGNAL_EXECUTION_STATUS__INIT;
    for (size_t i = 0; i < n; i++) sum_add(&sum, &facts[i]);
    sum_status(&sum, &out);
    return out;
}

static void the_price_is_weighted_by_volume(void **state) {
    (void)state;
    const struct facts f[] = {fill(3 * LOT, 100, 98), fill(LOT, 104, 98)};
    SignalExecutionStatus s = status_of(f, 2);
    assert_int_equal(s.status, SIGNAL__STATUS__completed);
    assert_int_equal(s.execution_price, 101);
    assert_int_equal(s.slippage, 3);
    assert_int_equal(s.fill_percentage, 100 * LOT);
}

static void a_mean_is_rounded_once_and_half_to_even(void **state) {
    (void)state;
    const struct facts odd[] = {fill(LOT, 100, 0), fill(LOT, 101, 0)},
                       even[] = {fill(LOT, 101, 0), fill(LOT, 102, 0)};
    const struct facts below[] = {fill(LOT, -101, 0), fill(LOT, -102, 0)};
    const struct facts thirds[] = {fill(LOT, 100, 0), fill(LOT, 100, 0), fill(LOT, 101, 0)};
    assert_int_equal(status_of(odd, 2).execution_price, 100);
    assert_int_equal(status_of(even, 2).execution_price, 102);
    assert_int_equal(status_of(below, 2).execution_price, -102);
    assert_int_equal(status_of(thirds, 3).execution_price, 100);
}

static void slippage_counts_only_what_had_a_requested_price(void **state) {
    (void)state;
    const struct facts f[] = {fill(LOT, 95, 100), fill(9 * LOT, 500, 0)};
    assert_int_equal(status_of(f, 2).slippage, -5);
    assert_false(status_of(f + 1, 1).has_slippage);
}

static void what_was_not_filled_lowers_the_percentage(void **state) {
    (void)state;
    const struct facts f[] = {fill(LOT, 100, 100), unfilled(3 * LOT)};
    assert_int_equal(status_of(f, 2).fill_percentage, 25 * LOT);
    assert_int_equal(status_of(f, 2).status, SIGNAL__STATUS__completed);
}

static void one_fill_completes_and_none_fails(void **state) {
    (void)state;
    const struct facts none[] = {unfilled(LOT), unfilled(LOT)};
    SignalExecutionStatus s = status_of(none, 2);
    assert_int_equal(s.status, SIGNAL__STATUS__failed);
    assert_int_equal(s.fill_percentage, 0);
    assert_false(s.has_execution_price);
    assert_false(s.has_executed_at);
    assert_int_equal(status_of(NULL, 0).status, SIGNAL__STATUS__failed);
}

static void a_close_of_everything_is_filled_wholly(void **state) {
    (void)state;
    struct facts f = fill(LOT, 100, 100);
    f.has_lot_size = false;
    assert_int_equal(status_of(&f, 1).fill_percentage, 100 * LOT);
}

static void the_last_fill_is_when_it_was_executed_and_the_first_is_kept(void **state) {
    (void)state;
    struct facts f[] = {fill(LOT, 100, 100), fill(LOT, 100, 100)};
    f[0].first_executed_at = 5;
    f[0].executed_at = 20;
    f[1].first_executed_at = 3;
    f[1].executed_at = 10;
    struct sum sum = {0};
    sum_add(&sum, &f[0]);
    sum_add(&sum, &f[1]);
    assert_int_equal(sum.first_executed_at, 3);
    assert_int_equal(status_of(f, 2).executed_at, 20);
}

static void numbers_out_of_range_leave_the_price_out(void **state) {
    (void)state;
    const struct facts f[] = {fill(INT64_MAX, INT64_MAX, 1), fill(INT64_MAX, INT64_MAX, 1),
                              fill(INT64_MAX, INT64_MAX, 1)};
    SignalExecutionStatus s = status_of(f, 3);
    assert_false(s.has_execution_price);
    assert_int_equal(s.status, SIGNAL__STATUS__completed);
    assert_int_equal(s.fill_percentage, 100 * LOT);
}

static void reasons_are_counted_by_kind(void **state) {
    (void)state;
    struct tally t = {0};
    char text[TALLY_TEXT];
    (void)tally_print(&t, text);
    assert_string_equal(text, "");
    tally_add(&t, "signal_too_old");
    tally_add(&t, "unknown_symbol");
    tally_add(&t, "signal_too_old");
    size_t length = tally_print(&t, text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "signal_too_old (2), unknown_symbol (1)");
}

static void reasons_beyond_the_kinds_are_only_counted(void **state) {
    (void)state;
    struct tally t = {0};
    char text[TALLY_TEXT], reason[200];
    for (int i = 0; i < 20; i++) {
        memset(reason, 'a' + i, sizeof reason - 1);
        reason[sizeof reason - 1] = 0;
        tally_add(&t, reason);
        tally_add(&t, reason);
    }
    size_t length = tally_print(&t, text);
    assert_int_equal(length, strlen(text));
    assert_true(strlen(text) < TALLY_TEXT);
    assert_int_equal(t.others, 28);
    assert_int_equal(t.kinds[0].count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_price_is_weighted_by_volume),
        cmocka_unit_test(a_mean_is_rounded_once_and_half_to_even),
        cmocka_unit_test(slippage_counts_only_what_had_a_requested_price),
        cmocka_unit_test(what_was_not_filled_lowers_the_percentage),
        cmocka_unit_test(one_fill_completes_and_none_fails),
        cmocka_unit_test(a_close_of_everything_is_filled_wholly),
        cmocka_unit_test(the_last_fill_is_when_it_was_executed_and_the_first_is_kept),
        cmocka_unit_test(numbers_out_of_range_leave_the_price_out),
        cmocka_unit_test(reasons_are_counted_by_kind),
        cmocka_unit_test(reasons_beyond_the_kinds_are_only_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
