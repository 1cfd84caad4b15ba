// test_trail - where a stop belongs: trailing and break-even, by tables, with the edges, and by generated prices.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "common/base/decimal.h"
#include "services/executor/trade/trail.h"

#define P(points) ((int64_t)(points)*1000) // 5 digits: a point is 0.00001

// Prices and distances in points.
struct row {
    const char *name;
    bool is_short;
    int entry, distance, trigger, step, even, offset, high, placed, latched, price;
    enum trail_step step_then;
    int stop;
};

static struct trail of_row(const struct row *r) {
    return (struct trail){.is_long = !r->is_short,
                          .entry = P(r->entry),
                          .distance = P(r->distance),
                          .trigger = P(r->trigger),
                          .step = P(r->step),
                          .even_trigger = P(r->even),
                          .even_offset = P(r->offset),
                          .point = P(1),
                          .high = P(r->high),
                          .placed = P(r->placed),
                          .latched = P(r->latched)};
}

static const struct row rows[] = {
    // Trailing of a long position bought at 110000.
    {"no stop yet: at once", false, 110000, 200, 0, 0, 0, 0, 0, 0, 0, 110000, TRAIL_MOVES, 109800},
    {"one point better: moves by a point", false, 110000, 200, 0, 0, 0, 0, 110000, 109800, 109800,
     110001, TRAIL_MOVES, 109801},
    {"as good: stays", false, 110000, 200, 0, 0, 0, 0, 110000, 109800, 109800, 110000, TRAIL_STAYS,
     0},
    {"price falls: stays", false, 110000, 200, 0, 0, 0, 0, 110100, 109900, 109900, 109950,
     TRAIL_STAYS, 0},
    {"one under the step: stays", false, 110000, 200, 0, 50, 0, 0, 110000, 109800, 109800, 110049,
     TRAIL_STAYS, 0},
    {"exactly the step: moves", false, 110000, 200, 0, 50, 0, 0, 110000, 109800, 109800, 110050,
     TRAIL_MOVES, 109850},
    {"one under the trigger: stays", false, 110000, 200, 300, 0, 0, 0, 0, 109000, 0, 110299,
     TRAIL_STAYS, 0},
    {"exactly the trigger: moves", false, 110000, 200, 300, 0, 0, 0, 0, 109000, 0, 110300,
     TRAIL_MOVES, 110100},
    {"the trigger was reached before: trails", false, 110000, 200, 300, 0, 0, 0, 110400, 109000, 0,
     110250, TRAIL_MOVES, 110200},
    {"a better stop is there: stays", false, 110000, 200, 0, 0, 0, 0, 0, 109900, 0, 110000,
     TRAIL_STAYS, 0},
    {"no trailing at all", false, 110000, 0, 0, 0, 0, 0, 0, 109000, 0, 120000, TRAIL_STAYS, 0},
    // The same for a short one.
    {"short, no stop yet", true, 110000, 200, 0, 0, 0, 0, 0, 0, 0, 110000, TRAIL_MOVES, 110200},
    {"short, one point better", true, 110000, 200, 0, 0, 0, 0, 110000, 110200, 110200, 109999,
     TRAIL_MOVES, 110199},
    {"short, price rises: stays", true, 110000, 200, 0, 0, 0, 0, 109900, 110100, 110100, 110050,
     TRAIL_STAYS, 0},
    {"short, under the step", true, 110000, 200, 0, 50, 0, 0, 110000, 110200, 110200, 109951,
     TRAIL_STAYS, 0},
    {"short, the step", true, 110000, 200, 0, 50, 0, 0, 110000, 110200, 110200, 109950, TRAIL_MOVES,
     110150},
    {"short, under the trigger", true, 110000, 200, 300, 0, 0, 0, 0, 111000, 0, 109701, TRAIL_STAYS,
     0},
    {"short, the trigger", true, 110000, 200, 300, 0, 0, 0, 0, 111000, 0, 109700, TRAIL_MOVES,
     109900},
    // Break-even.
    {"one under", false, 110000, 0, 0, 0, 100, 10, 0, 109000, 0, 110099, TRAIL_STAYS, 0},
    {"exactly", false, 110000, 0, 0, 0, 100, 10, 0, 109000, 0, 110100, TRAIL_MOVES, 110010},
    {"without an offset", false, 110000, 0, 0, 0, 100, 0, 0, 0, 0, 110100, TRAIL_MOVES, 110000},
    {"once", false, 110000, 0, 0, 0, 100, 10, 0, 110010, 110010, 110500, TRAIL_STAYS, 0},
    {"a better stop is there", false, 110000, 0, 0, 0, 100, 10, 0, 110020, 0, 110500, TRAIL_STAYS,
     0},
    {"an offset beyond its trigger waits for the price", false, 110000, 0, 0, 0, 100, 150, 0,
     109000, 0, 110150, TRAIL_STAYS, 0},
    {"and then moves", false, 110000, 0, 0, 0, 100, 150, 0, 109000, 0, 110151, TRAIL_MOVES, 110150},
    {"short", true, 110000, 0, 0, 0, 100, 10, 0, 111000, 0, 109900, TRAIL_MOVES, 109990},
    {"short, one under", true, 110000, 0, 0, 0, 100, 10, 0, 111000, 0, 109901, TRAIL_STAYS, 0},
    // Both: the better one.
    {"break-even is better", false, 110000, 200, 0, 0, 100, 10, 0, 109800, 0, 110100, TRAIL_MOVES,
     110010},
    {"trailing is better", false, 110000, 200, 0, 0, 100, 10, 0, 110010, 110010, 110300,
     TRAIL_MOVES, 110100},
    {"break-even needs no step", false, 110000, 200, 0, 500, 100, 10, 0, 109800, 0, 110100,
     TRAIL_MOVES, 110010},
    // The broker has not taken it.
    {"refused: wanted again", false, 110000, 200, 0, 0, 0, 0, 110500, 110000, 110300, 110400,
     TRAIL_MOVES, 110300},
    {"refused, one above it: wanted again", false, 110000, 200, 0, 0, 0, 0, 110500, 110000, 110300,
     110301, TRAIL_MOVES, 110300},
    {"refused and reached: closed", false, 110000, 200, 0, 0, 0, 0, 110500, 110000, 110300, 110300,
     TRAIL_CLOSES, 110300},
    {"refused and passed: closed", false, 110000, 200, 0, 0, 0, 0, 110500, 110000, 110300, 110200,
     TRAIL_CLOSES, 110300},
    {"no stop at all, and reached: closed", false, 110000, 200, 0, 0, 0, 0, 110500, 0, 110300,
     110300, TRAIL_CLOSES, 110300},
    {"it was never sent, and the price is back: closed", false, 110000, 200, 0, 0, 0, 0, 110500,
     110000, 0, 110250, TRAIL_CLOSES, 110300},
    {"short, refused and reached", true, 110000, 200, 0, 0, 0, 0, 109500, 110000, 109700, 109700,
     TRAIL_CLOSES, 109700},
    {"short, refused, one below", true, 110000, 200, 0, 0, 0, 0, 109500, 110000, 109700, 109699,
     TRAIL_MOVES, 109700},
    // Nothing below nothing.
    {"a distance beyond the price is no stop", false, 110000, 200000, 0, 0, 0, 0, 0, 0, 0, 110000,
     TRAIL_STAYS, 0},
};

static void a_stop_goes_where_its_rules_say(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trail t = of_row(&rows[i]);
        int64_t stop = 0;
        t.high = trail_best(&t, P(rows[i].price));
        enum trail_step step = trail_next(&t, P(rows[i].price), &stop);
        if (step != rows[i].step_then || (step != TRAIL_STAYS && stop != P(rows[i].stop))) {
            fail_msg("%s: step %d, stop %lld", rows[i].name, (int)step, (long long)stop / 1000);
        }
    }
}

static void a_stop_is_whole_points_on_the_far_side(void **state) {
    (void)state;
    struct trail t = {.is_long = true,
                      .entry = P(110000),
                      .distance = P(200) + 1,
                      .point = P(1),
                      .high = P(110000)};
    int64_t stop;
    assert_int_equal(trail_next(&t, P(110000), &stop), TRAIL_MOVES);
    assert_int_equal(stop, P(109799));
    t.is_long = false;
    assert_int_equal(trail_next(&t, P(110000), &stop), TRAIL_MOVES);
    assert_int_equal(stop, P(110201));
}

static uint64_t seed = 7;
static int64_t next(int64_t most) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)(most + 1));
}

// A broker that takes most stops, refuses some and answers late; whatever it does, the stop never
// goes back, and a position is closed no later than its rules say.
static void whatever_the_price_does_a_stop_never_goes_back(void **state) {
    (void)state;
    for (int run = 0; run < 2000; run++) {
        struct trail t = {.is_long = next(1),
                          .entry = P(110000),
                          .distance = P(1 + next(300)),
                          .trigger = P(next(200)),
                          .point = P(1)};
        t.step = P(next(60));
        t.even_trigger = P(next(1) * next(200));
        t.even_offset = P(next(50));
        int64_t price = P(110000), sign = t.is_long ? 1 : -1, stop;
        for (int i = 0; i < 200; i++) {
            price += P(next(80) - 40);
            t.high = trail_best(&t, price);
            assert_true((t.high - price) * sign >= 0);
            if (t.placed && (price - t.placed) * sign <= 0) break; // the broker closes it
            int64_t before = t.latched;
            enum trail_step step = trail_next(&t, price, &stop);
            if (step == TRAIL_STAYS) continue;
            assert_true(!before || (stop - before) * sign >= 0);
            assert_true(!t.placed || (stop - t.placed) * sign > 0);
            if (step == TRAIL_CLOSES) {
                assert_true((price - stop) * sign <= 0);
                break;
            }
            assert_true((price - stop) * sign > 0);
            t.latched = stop;
            if (next(9)) t.placed = stop;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_goes_where_its_rules_say),
        cmocka_unit_test(a_stop_is_whole_points_on_the_far_side),
        cmocka_unit_test(whatever_the_price_does_a_stop_never_goes_back),
    };
    return cmocka_run_group_tests_name("executor: trail", tests, NULL, NULL);
}
