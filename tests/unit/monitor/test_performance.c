// test_performance - the day's closed trades come to what the spec's example shows.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "services/monitor/performance.h"

#define NOON (UINT64_C(20000) * 86400 * NS_PER_S + 43200 * NS_PER_S)
#define DAY  (86400 * NS_PER_S)

static struct performance day_of_four(void) {
    struct performance p = {0};
    performance_add(&p, DECIMAL_INT(75), true, NOON);
    performance_add(&p, DECIMAL_INT(50), true, NOON);
    performance_add(&p, DECIMAL_INT(25), true, NOON);
    performance_add(&p, DECIMAL_INT(-25), true, NOON);
    return p;
}

static void the_spec_s_example_comes_out(void **state) {
    (void)state;
    struct performance p = day_of_four();
    TradingPerformance out;
    performance_write(&p, DECIMAL_INT(5125), NOON, &out);
    assert_int_equal(out.daily_pnl, 125 * DECIMAL_SCALE);
    assert_int_equal(out.win_count, 3);
    assert_int_equal(out.loss_count, 1);
    assert_int_equal(out.win_rate, DECIMAL_SCALE * 3 / 4);
    assert_int_equal(out.avg_win, 50 * DECIMAL_SCALE);
    assert_int_equal(out.avg_loss, -25 * DECIMAL_SCALE);
    assert_int_equal(out.largest_win, 75 * DECIMAL_SCALE);
    assert_int_equal(out.largest_loss, -25 * DECIMAL_SCALE);
    assert_int_equal(out.daily_pnl_pct, 250000000); // 125 of 5000
}

static void a_day_without_trades_has_every_field(void **state) {
    (void)state;
    struct performance p = {0};
    TradingPerformance out;
    performance_write(&p, D(0), NOON, &out);
    assert_int_equal(out.daily_pnl, 0);
    assert_true(out.has_win_rate && out.has_avg_win && out.has_avg_loss && out.has_largest_win &&
                out.has_largest_loss && out.has_daily_pnl_pct);
    assert_int_equal(out.win_rate | out.avg_win | out.avg_loss | out.daily_pnl_pct, 0);
}

static void nothing_won_or_lost_is_neither(void **state) {
    (void)state;
    struct performance p = {0};
    performance_add(&p, D(0), true, NOON);
    assert_int_equal(p.wins + p.losses, 0);
}

static void what_closes_nothing_is_charged_and_no_loss(void **state) {
    (void)state;
    struct performance p = day_of_four();
    TradingPerformance out;
    performance_add(&p, DECIMAL_INT(-5), false, NOON);
    performance_write(&p, D(0), NOON, &out);
    assert_int_equal(out.daily_pnl, 120 * DECIMAL_SCALE);
    assert_int_equal(out.loss_count, 1);
    assert_false(out.has_daily_pnl_pct); // of what, nobody knows
}

static void a_new_day_starts_anew(void **state) {
    (void)state;
    struct performance p = day_of_four();
    performance_add(&p, DECIMAL_INT(1), true, NOON + DAY);
    assert_int_equal(p.wins, 1);
    assert_int_equal(p.losses, 0);
    assert_int_equal(p.won.e8, DECIMAL_SCALE);
}

static void a_restarted_monitor_goes_on_with_the_day(void **state) {
    (void)state;
    struct performance p = day_of_four(), again, next_day;
    TradingPerformance out, once_more;
    performance_write(&p, D(0), NOON, &out);
    trading_performance_resume(&again, &out, NOON + 1);
    performance_write(&again, D(0), NOON, &once_more);
    assert_memory_equal(&again, &p, sizeof p);
    assert_int_equal(once_more.avg_win, out.avg_win);
    trading_performance_resume(&next_day, &out, NOON + DAY);
    assert_int_equal(next_day.wins, 0);
}

static void more_than_fits_stays_at_the_edge(void **state) {
    (void)state;
    struct performance p = {0};
    performance_add(&p, D(INT64_MAX), true, NOON);
    performance_add(&p, D(INT64_MAX), true, NOON);
    assert_int_equal(p.won.e8, INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spec_s_example_comes_out),
        cmocka_unit_test(a_day_without_trades_has_every_field),
        cmocka_unit_test(nothing_won_or_lost_is_neither),
        cmocka_unit_test(what_closes_nothing_is_charged_and_no_loss),
        cmocka_unit_test(a_new_day_starts_anew),
        cmocka_unit_test(a_restarted_monitor_goes_on_with_the_day),
        cmocka_unit_test(more_than_fits_stays_at_the_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
