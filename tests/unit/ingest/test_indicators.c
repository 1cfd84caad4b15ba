// test_indicators - calculated indicators are the exact ones to the last digit, and those of two
// libraries within their rounding; a restart changes no digit; bars begin and end where they should.
// The figures: tests/data/indicators.tsv (made by indicators.py beside it).
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "services/ingest/market/bars.h"
#include "services/ingest/market/indicators.h"

#define FIGURES "tests/data/indicators.tsv"
#define COLUMNS 17 // series, close, and five of each: exact, technicalindicators, trading-signals
#define VALUES  5

static const char *const names[VALUES] = {"rsi_14", "macd", "macd_signal", "upper", "lower"};

// Scaled by 10^12, as the figures are written.
static wide_t read_e12(const char *text) {
    bool negative = *text == '-';
    wide_t n = 0;
    unsigned decimals = 0, after = 0;
    for (text += negative; *text; text++) {
        if (*text == '.') {
            after = 1;
            continue;
        }
        n = n * 10 + (*text - '0');
        decimals += after;
    }
    assert_int_equal(decimals, 12);
    return negative ? -n : n;
}

static bool value_of(const Indicators *in, size_t which, wide_t *e12) {
    const struct {
        protobuf_c_boolean has;
        int64_t e8;
    } all[VALUES] = {{in->has_rsi_14, in->rsi_14},
                     {in->has_macd, in->macd},
                     {in->has_macd_signal, in->macd_signal},
                     {in->has_bollinger_upper, in->bollinger_upper},
                     {in->has_bollinger_lower, in->bollinger_lower}};
    *e12 = (wide_t)all[which].e8 * 10000;
    return all[which].has;
}

struct series {
    char name[32];
    size_t bars, compared;
    struct calculation calculation;
};

static wide_t distance(wide_t a, wide_t b) { return a > b ? a - b : b - a; }

// Whose figures, and how far they are rounded themselves, in 10^-12.
enum judge { EXACT, TECHNICALINDICATORS, TRADING_SIGNALS, JUDGES };
static wide_t room_of(enum judge judge, size_t which) {
    if (judge == TECHNICALINDICATORS && which == 0) return 5000010000; // two decimals
    // half of our last digit, and a fiftieth of that for averages; theirs is binary
    return judge == EXACT ? 5100 : 15000;
}

// What they do otherwise, and we by choice: nothing moved (100 with them), and averages that begin
// with the first close (theirs meet ours once that is forgotten).
static bool is_judged(const struct series *s, enum judge judge, size_t which) {
    if (judge == EXACT) return true;
    if (which == 0 && strcmp(s->name, "flat") == 0) return false;
    if (judge == TRADING_SIGNALS && (which == 1 || which == 2)) return s->bars > 400;
    return true;
}

static void compare_value(struct series *s, const Indicators *in, char *const columns[COLUMNS],
                          enum judge judge, size_t which) {
    const char *text = columns[2 + judge * VALUES + which];
    wide_t ours;
    bool known = value_of(in, which, &ours);
    if (!is_judged(s, judge, which)) return;
    if (known != (strcmp(text, "-") != 0) ||
        (known && distance(ours, read_e12(text)) > room_of(judge, which)))
        fail_msg("%s, bar %zu: %s is %lld e-8 (known: %d), figure %d says %s", s->name, s->bars,
                 names[which], (long long)(ours / 10000), known, judge, text);
    s->compared += known;
}

// As a restart would do it.
static void store_and_restore(struct calculation *c) {
    arena_t *arena = arena_new(0);
    IndicatorState out;
    calculation_store(c, "S", 60, arena, &out);
    size_t size = indicator_state__get_packed_size(&out);
    uint8_t *bytes = arena_take(arena, size);
    indicator_state__pack(&out, bytes);
    IndicatorState *in = indicator_state__unpack(NULL, size, bytes);
    struct calculation again;
    assert_false(calculation_restore(&again, in, 300)); // of other bars
    assert_int_equal(again.bars, 0);
    assert_true(calculation_restore(&again, in, 60));
    assert_memory_equal(&again, c, sizeof again);
    *c = again;
    indicator_state__free_unpacked(in, NULL);
    arena_destroy(&arena);
}

static void take_line(struct series *s, char *line, size_t *compared) {
    char *columns[COLUMNS], *at = line;
    decimal_t close;
    Indicators in;
    for (size_t i = 0; i < COLUMNS; i++) columns[i] = strsep(&at, "\t\n");
    assert_non_null(columns[COLUMNS - 1]);
    if (strcmp(columns[0], s->name) != 0) {
        *s = (struct series){0};
        (void)snprintf(s->name, sizeof s->name, "%s", columns[0]);
    }
    assert_int_equal(decimal_parse(columns[1], strlen(columns[1]), &close), ERR_OK);
    calculation_add(&s->calculation, close.e8, ++s->bars);
    if (s->bars % 7 == 0) store_and_restore(&s->calculation);
    calculation_read(&s->calculation, &in);
    assert_int_equal(in.timestamp, s->bars);
    if (in.has_bollinger_width)
        assert_int_equal(in.bollinger_width, in.bollinger_upper - in.bollinger_lower);
    s->compared = 0;
    for (size_t judge = 0; judge < JUDGES; judge++)
        for (size_t which = 0; which < VALUES; which++)
            compare_value(s, &in, columns, (enum judge)judge, which);
    *compared += s->compared;
}

static void every_value_is_exact_and_that_of_two_libraries(void **state) {
    (void)state;
    FILE *file = fopen(FIGURES, "r");
    char line[1000];
    struct series s = {0};
    size_t lines = 0, compared = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (*line == '#') continue;
        take_line(&s, line, &compared);
        lines++;
    }
    fclose(file);
    print_message("%zu bars, %zu values compared\n", lines, compared);
    assert_int_equal(lines, 1480);
    assert_true(compared > 18000);
}

static void nothing_is_told_before_there_are_enough_bars(void **state) {
    (void)state;
    struct calculation c = {0};
    Indicators in;
    for (unsigned bar = 1; bar <= 40; bar++) {
        calculation_add(&c, 100 + bar, bar);
        calculation_read(&c, &in);
        assert_int_equal(in.has_rsi_14, bar >= 15);
        assert_int_equal(in.has_bollinger_upper, bar >= 20);
        assert_int_equal(in.has_macd, bar >= 26);
        assert_int_equal(in.has_macd_signal, bar >= 34);
    }
}

static void a_market_that_does_not_move_has_an_rsi_of_50(void **state) {
    (void)state;
    struct calculation c = {0};
    Indicators in;
    for (unsigned bar = 1; bar <= 20; bar++) calculation_add(&c, 100, bar);
    calculation_read(&c, &in);
    assert_int_equal(in.rsi_14, 50 * DECIMAL_SCALE);
    assert_int_equal(in.bollinger_width, 0);
    calculation_add(&c, 101, 21); // only gains
    calculation_read(&c, &in);
    assert_int_equal(in.rsi_14, 100 * DECIMAL_SCALE);
}

// No overflow (the sanitizers watch), whatever is posted.
static void the_largest_prices_and_leaps_end_nothing(void **state) {
    (void)state;
    struct calculation c = {0};
    Indicators in;
    for (unsigned bar = 1; bar <= 200; bar++)
        calculation_add(&c, bar % 2 ? INT64_MAX : 1, bar), calculation_read(&c, &in);
    assert_true(in.rsi_14 >= 0 && in.rsi_14 <= 100 * DECIMAL_SCALE);
    assert_false(in.has_bollinger_upper); // beyond what is squared
    for (unsigned bar = 1; bar <= 40; bar++)
        calculation_add(&c, bar % 2 ? INT64_MAX : INT64_MAX - 1000, bar);
    calculation_read(&c, &in);
    assert_true(in.has_bollinger_upper && in.bollinger_upper == INT64_MAX);
}

#define MINUTE (60 * NS_PER_S)

static void a_bar_is_over_with_the_first_price_behind_it(void **state) {
    (void)state;
    struct open_bar bar = {0}, closed;
    const uint64_t from = 1000 * MINUTE;
    assert_false(bar_add(&bar, MINUTE, 0, 10, from + NS_PER_S, &closed));
    assert_false(bar_add(&bar, MINUTE, 0, 14, from + 2 * NS_PER_S, &closed));
    assert_false(bar_add(&bar, MINUTE, 0, 8, from + 3 * NS_PER_S, &closed));
    assert_false(bar_add(&bar, MINUTE, 0, 11, from + MINUTE - 1, &closed));
    assert_true(bar_add(&bar, MINUTE, 0, 12, from + 5 * MINUTE, &closed)); // a gap has no bars
    assert_int_equal(closed.opened_at, from);
    assert_int_equal(closed.open, 10);
    assert_int_equal(closed.high, 14);
    assert_int_equal(closed.low, 8);
    assert_int_equal(closed.close, 11);
    assert_int_equal(closed.prices, 4);
    assert_int_equal(bar.opened_at, from + 5 * MINUTE);
    assert_int_equal(bar.open, 12);
}

static void a_bar_is_over_by_the_clock_and_what_comes_late_is_in_none(void **state) {
    (void)state;
    struct open_bar bar = {0}, closed;
    const uint64_t from = 1000 * MINUTE;
    assert_false(bar_is_due(&bar, MINUTE, from + 10 * MINUTE, &closed));
    assert_false(bar_add(&bar, MINUTE, 0, 10, from, &closed));
    assert_false(bar_is_due(&bar, MINUTE, from + MINUTE, &closed));
    assert_true(bar_is_due(&bar, MINUTE, from + MINUTE + BAR_WAIT_NS, &closed));
    assert_int_equal(closed.close, 10);
    assert_false(bar_add(&bar, MINUTE, from + MINUTE, 99, from + 59 * NS_PER_S, &closed));
    assert_int_equal(bar.prices, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_exact_and_that_of_two_libraries),
        cmocka_unit_test(nothing_is_told_before_there_are_enough_bars),
        cmocka_unit_test(a_market_that_does_not_move_has_an_rsi_of_50),
        cmocka_unit_test(the_largest_prices_and_leaps_end_nothing),
        cmocka_unit_test(a_bar_is_over_with_the_first_price_behind_it),
        cmocka_unit_test(a_bar_is_over_by_the_clock_and_what_comes_late_is_in_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
