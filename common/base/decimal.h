// decimal - prices, quantities and amounts: integers scaled by 10^8, never binary floating point.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

// value = e8 / 10^8. On the wire: sfixed64 (see proto/README.md). Reading, printing and arithmetic
// keep to +-92,233,720,368.54775807, so that every value has its negation; the 64 bits hold one
// more, the least, which a peer may send: it is printed and read as what it is.
typedef struct decimal {
    int64_t e8;
} decimal_t;

__extension__ typedef __int128 wide_t; // for exact intermediate results

#define DECIMAL_DIGITS 8
#define DECIMAL_SCALE  INT64_C(100000000)
#define DECIMAL_TEXT   24 // longest text, terminating zero included

#define D(x)           ((decimal_t){.e8 = (x)})         // from a protobuf sfixed64 field
#define DECIMAL_INT(n) ((decimal_t){(n)*DECIMAL_SCALE}) // from a small integer literal

enum rounding {
    ROUND_DOWN,      // toward zero
    ROUND_UP,        // away from zero
    ROUND_HALF_EVEN, // to nearest, ties to even
};

// Reads a plain decimal: [+-]digits[.digits][e[+-]digits]. The whole text must be used. ERR_INPUT:
// not a number (NaN, inf, hex and empty included). ERR_RULE: more than 8 significant decimals, or
// out of range.
// Whatever decimal_print prints is read as the same.
err_t decimal_parse(const char *text, size_t length, decimal_t *out);

// The same for what comes from outside: the least value of 64 bits, which has no negation, is out
// of range, too.
err_t decimal_read(const char *text, size_t length, decimal_t *out);

// Writes the shortest plain form ("1.1234", "-0.00005", "100"); returns its length.
size_t decimal_print(decimal_t d, char out[static DECIMAL_TEXT]);

// Checked arithmetic: false on overflow (or division by zero), *out untouched.
[[nodiscard]] bool decimal_add(decimal_t a, decimal_t b, decimal_t *out);
[[nodiscard]] bool decimal_sub(decimal_t a, decimal_t b, decimal_t *out);
[[nodiscard]] bool decimal_mul(decimal_t a, decimal_t b, enum rounding r, decimal_t *out);
[[nodiscard]] bool decimal_div(decimal_t a, decimal_t b, enum rounding r, decimal_t *out);

// a * b / c with a single rounding. False: out of range, or c is zero.
[[nodiscard]] bool decimal_scale(decimal_t a, decimal_t b, decimal_t c, enum rounding r,
                                 decimal_t *out);

// a / b for b != 0 (and a, b above the least value), rounded.
wide_t wide_divide(wide_t a, wide_t b, enum rounding r);

// Rounds to a multiple of step (> 0).
[[nodiscard]] bool decimal_to_step(decimal_t a, decimal_t step, enum rounding r, decimal_t *out);

static inline int decimal_cmp(decimal_t a, decimal_t b) { return (a.e8 > b.e8) - (a.e8 < b.e8); }
static inline bool decimal_is_zero(decimal_t a) { return a.e8 == 0; }

// The decimal nearest to a sum (scaled by 10^8): for sums that are looked at or compared, where one
// out of range is as good as the end of the range. In no place may a sum end otherwise.
static inline int64_t decimal_nearest(wide_t e8) {
    return e8 > INT64_MAX ? INT64_MAX : e8 < -INT64_MAX ? -INT64_MAX : (int64_t)e8;
}

static inline decimal_t decimal_neg(decimal_t a) {
    return (decimal_t){decimal_nearest(-(wide_t)a.e8)};
}
static inline decimal_t decimal_abs(decimal_t a) { return a.e8 < 0 ? decimal_neg(a) : a; }
static inline decimal_t decimal_min(decimal_t a, decimal_t b) { return a.e8 < b.e8 ? a : b; }

// A weighted mean that is exact until its single rounding (half even): (a*wa + b*wb) / (wa+wb).
[[nodiscard]] bool decimal_mean(decimal_t a, decimal_t wa, decimal_t b, decimal_t wb,
                                decimal_t *out);

// The weighted mean of n values (weights not negative, below 10^10 in sum, not all 0), rounded once
// (half even) to a multiple of step (> 0).
struct weighted {
    decimal_t value, weight;
};
[[nodiscard]] bool decimal_mean_of(const struct weighted *all, size_t n, decimal_t step,
                                   decimal_t *out);

// the largest of 1, 0.1, … 0.00000001 of which it is a multiple
decimal_t decimal_finest(decimal_t a);
