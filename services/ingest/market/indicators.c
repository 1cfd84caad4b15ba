// indicators - running averages with eight digits more than prices have; one rounding at the end.
// SPDX-License-Identifier: MIT
#include "services/ingest/market/indicators.h"

#include <string.h>

#define MORE       DECIMAL_SCALE // from e8 to e16
#define NUMBER_LEN 16            // bytes of a stored average
// The spread of closes, in e8, up to which its square fits.
#define SPREAD_MOST (INT64_C(1) << 58)

static wide_t divide_rounded_even(wide_t n, wide_t divisor) {
    return wide_divide(n, divisor, ROUND_HALF_EVEN);
}

// The sum of the newest n closes.
static wide_t sum_closes(const struct calculation *self, size_t n) {
    wide_t sum = 0;
    for (size_t i = CLOSES_HELD - n; i < CLOSES_HELD; i++) sum += self->closes[i];
    return sum;
}

// An exponential average begins with the plain one of its first n values.
static void add_to_ema(struct calculation *self, enum average which, unsigned n, int64_t close) {
    wide_t *ema = &self->averages[which];
    if (self->bars == n) *ema = divide_rounded_even(sum_closes(self, n) * MORE, n);
    if (self->bars > n)
        *ema = divide_rounded_even(2 * (wide_t)close * MORE + *ema * (n - 1), n + 1);
}

static wide_t macd_of(const struct calculation *self) {
    return self->averages[AVERAGE_FAST] - self->averages[AVERAGE_SLOW];
}

static void add_to_signal(struct calculation *self) {
    const uint64_t macds = self->bars - SLOW_BARS + 1;
    wide_t *signal = &self->averages[AVERAGE_SIGNAL], *first = &self->averages[AVERAGE_MACDS];
    if (macds > SIGNAL_BARS) {
        *signal =
            divide_rounded_even(2 * macd_of(self) + *signal * (SIGNAL_BARS - 1), SIGNAL_BARS + 1);
        return;
    }
    first[macds - 1] = macd_of(self);
    if (macds < SIGNAL_BARS) return;
    wide_t sum = 0;
    for (size_t i = 0; i < SIGNAL_BARS; i++) sum += first[i];
    *signal = divide_rounded_even(sum, SIGNAL_BARS);
}

static void add_to_wilder(wide_t *average, uint64_t changes, wide_t change) {
    if (changes <= RSI_BARS) *average += change;
    if (changes == RSI_BARS) *average = divide_rounded_even(*average, RSI_BARS);
    if (changes > RSI_BARS)
        *average = divide_rounded_even(*average * (RSI_BARS - 1) + change, RSI_BARS);
}

void calculation_add(struct calculation *self, int64_t close, uint64_t closed_at) {
    const int64_t before = self->closes[CLOSES_HELD - 1];
    memmove(self->closes, self->closes + 1, sizeof self->closes - sizeof *self->closes);
    self->closes[CLOSES_HELD - 1] = close;
    self->closed_at = closed_at;
    if (++self->bars > 1) {
        const wide_t change = ((wide_t)close - before) * MORE;
        add_to_wilder(&self->averages[AVERAGE_GAIN], self->bars - 1, change > 0 ? change : 0);
        add_to_wilder(&self->averages[AVERAGE_LOSS], self->bars - 1, change < 0 ? -change : 0);
    }
    add_to_ema(self, AVERAGE_FAST, FAST_BARS, close);
    add_to_ema(self, AVERAGE_SLOW, SLOW_BARS, close);
    if (self->bars >= SLOW_BARS) add_to_signal(self);
}

// --- what is shown

// A market that did not move is neither bought nor sold: 50.
static int64_t rsi_of(const struct calculation *self) {
    const wide_t gain = self->averages[AVERAGE_GAIN], loss = self->averages[AVERAGE_LOSS];
    if (gain + loss == 0) return 50 * DECIMAL_SCALE;
    return (int64_t)divide_rounded_even(gain * 100 * DECIMAL_SCALE, gain + loss);
}

// The largest whole number whose square is not above n.
static wide_t root_of(wide_t n) {
    wide_t root = 0;
    for (int bit = 62; bit >= 0; bit--) {
        const wide_t tried = root | (wide_t)1 << bit;
        if (tried * tried <= n) root = tried;
    }
    return root;
}

// Bands of two standard deviations (of the population) about the mean: (sum ± √(4V)) / n, where
// V = n Σd² - (Σd)² and d is the distance from the last close. The root gets as many digits more as
// fit. Left out when the spread is beyond any market's.
static void show_bollinger(const struct calculation *self, Indicators *out) {
    const wide_t n = BOLLINGER_BARS;
    const int64_t last = self->closes[CLOSES_HELD - 1];
    wide_t distances = 0, squares = 0, more = 1;
    for (size_t i = CLOSES_HELD - BOLLINGER_BARS; i < CLOSES_HELD; i++) {
        const wide_t d = (wide_t)self->closes[i] - last;
        if (d > SPREAD_MOST || d < -SPREAD_MOST) return;
        distances += d;
        squares += d * d;
    }
    wide_t variance = n * squares - distances * distances; // up to 2^125
    const wide_t roomy = ((wide_t)1 << 126) / 400;
    if (variance >= (wide_t)1 << 123) return;
    for (int i = 0; i < 8 && variance < roomy / 100; i++) variance *= 100, more *= 10;
    const wide_t root = root_of(4 * variance);
    const wide_t sum = sum_closes(self, BOLLINGER_BARS) * more;
    out->bollinger_upper = decimal_nearest(divide_rounded_even(sum + root, n * more));
    out->bollinger_lower = decimal_nearest(divide_rounded_even(sum - root, n * more));
    out->bollinger_width = decimal_nearest((wide_t)out->bollinger_upper - out->bollinger_lower);
    out->has_bollinger_upper = out->has_bollinger_lower = out->has_bollinger_width = true;
}

void calculation_read(const struct calculation *self, Indicators *out) {
    indicators__init(out);
    out->timestamp = self->closed_at;
    out->has_rsi_14 = self->bars > RSI_BARS;
    if (out->has_rsi_14) out->rsi_14 = rsi_of(self);
    out->has_macd = self->bars >= SLOW_BARS;
    if (out->has_macd) out->macd = decimal_nearest(divide_rounded_even(macd_of(self), MORE));
    out->has_macd_signal = self->bars >= SLOW_BARS + SIGNAL_BARS - 1;
    if (out->has_macd_signal)
        out->macd_signal =
            decimal_nearest(divide_rounded_even(self->averages[AVERAGE_SIGNAL], MORE));
    if (self->bars >= BOLLINGER_BARS) show_bollinger(self, out);
}

// --- over a restart

static void put_number(uint8_t *out, wide_t n) {
    unsigned __int128 bits = (unsigned __int128)n;
    for (size_t i = 0; i < NUMBER_LEN; i++, bits >>= 8) out[i] = (uint8_t)bits;
}

static wide_t get_number(const uint8_t *in) {
    unsigned __int128 bits = 0;
    for (size_t i = NUMBER_LEN; i--;) bits = bits << 8 | in[i];
    return (wide_t)bits;
}

void calculation_store(const struct calculation *self, const char *symbol, uint32_t length_s,
                       arena_t *arena, IndicatorState *out) {
    const size_t n = self->bars < CLOSES_HELD ? (size_t)self->bars : CLOSES_HELD;
    indicator_state__init(out);
    out->symbol = (char *)symbol;
    out->length_s = length_s;
    out->closed_at = self->closed_at;
    out->bars = self->bars;
    out->n_closes = n;
    out->closes = (int64_t *)self->closes + CLOSES_HELD - n;
    out->averages_e16.len = AVERAGES * NUMBER_LEN;
    out->averages_e16.data = arena_take(arena, out->averages_e16.len);
    for (size_t i = 0; i < AVERAGES; i++)
        put_number(out->averages_e16.data + i * NUMBER_LEN, self->averages[i]);
}

bool calculation_restore(struct calculation *self, const IndicatorState *stored,
                         uint32_t length_s) {
    const size_t n = stored->n_closes;
    *self = (struct calculation){0};
    if (stored->length_s != length_s || n > CLOSES_HELD || n > stored->bars ||
        (n < CLOSES_HELD && n != stored->bars) || stored->averages_e16.len != AVERAGES * NUMBER_LEN)
        return false;
    self->bars = stored->bars;
    self->closed_at = stored->closed_at;
    if (n) memcpy(self->closes + CLOSES_HELD - n, stored->closes, n * sizeof *stored->closes);
    for (size_t i = 0; i < AVERAGES; i++)
        self->averages[i] = get_number(stored->averages_e16.data + i * NUMBER_LEN);
    return true;
}
