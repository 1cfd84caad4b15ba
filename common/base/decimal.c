// decimal - integers scaled by 10^8; every intermediate result is exact in 128 bits.
// SPDX-License-Identifier: MIT
#include "common/base/decimal.h"

__extension__ typedef unsigned __int128 uwide_t;

struct reader {
    const char *at, *end;
};

// The digits of a number with where its point stands: value = digits * 10^exponent.
struct parts {
    uint64_t digits;
    int64_t exponent;
    bool negative, any, large; // large: more digits than 64 bits hold
};

static bool is_decimal_digit(char c) { return c >= '0' && c <= '9'; }

static bool take_char(struct reader *r, char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_sign(struct reader *r) {
    bool negative = take_char(r, '-');
    if (!negative) (void)take_char(r, '+');
    return negative;
}

// Appends zeros and then a digit. Leading zeros are no digits.
static void append_digit(struct parts *p, int64_t zeros, uint64_t digit) {
    for (; zeros > 0 && p->digits && !p->large; zeros--)
        p->large = __builtin_mul_overflow(p->digits, 10, &p->digits);
    if (p->large) return;
    p->large = __builtin_mul_overflow(p->digits, 10, &p->digits) ||
               __builtin_add_overflow(p->digits, digit, &p->digits);
}

// Zeros wait in `zeros` until another digit follows, so that trailing ones never count against the
// size.
static void take_digits(struct reader *r, struct parts *p, bool after_point, int64_t *zeros) {
    for (; r->at < r->end && is_decimal_digit(*r->at); r->at++) {
        p->any = true;
        if (after_point) p->exponent--;
        if (*r->at == '0') {
            ++*zeros;
        } else {
            append_digit(p, *zeros, (uint64_t)(*r->at - '0'));
            *zeros = 0;
        }
    }
}

static bool take_exponent(struct reader *r, struct parts *p) {
    if (!take_char(r, 'e') && !take_char(r, 'E')) return true;
    bool negative = take_sign(r);
    int64_t n = 0;
    const char *start = r->at;
    for (; r->at < r->end && is_decimal_digit(*r->at); r->at++) {
        if (n < 100000000) n = n * 10 + (*r->at - '0');
    }
    p->exponent += negative ? -n : n;
    return r->at > start;
}

static bool read_parts(struct reader r, struct parts *p) {
    int64_t zeros = 0;
    *p = (struct parts){.negative = take_sign(&r)};
    take_digits(&r, p, false, &zeros);
    if (!p->any) return false; // ".5" is not written here, nor in JSON
    if (take_char(&r, '.')) {
        p->any = false;
        take_digits(&r, p, true, &zeros);
        if (!p->any) return false;
    }
    p->exponent += zeros;
    return take_exponent(&r, p) && r.at == r.end;
}

err_t decimal_parse(const char *text, size_t length, decimal_t *out) {
    struct parts p;
    if (length > 4096 || !read_parts((struct reader){text, text + length}, &p)) return ERR_INPUT;
    if (p.large) return ERR_RULE;
    int64_t shift = p.digits ? p.exponent + DECIMAL_DIGITS : 0;
    if (shift < 0) return ERR_RULE;
    for (; shift > 0; shift--) {
        if (__builtin_mul_overflow(p.digits, 10, &p.digits)) return ERR_RULE;
    }
    if (p.digits > (uint64_t)INT64_MAX + p.negative) return ERR_RULE;
    out->e8 = (int64_t)(p.negative ? 0 - p.digits : p.digits);
    return ERR_OK;
}

err_t decimal_read(const char *text, size_t length, decimal_t *out) {
    decimal_t d;
    err_t e = decimal_parse(text, length, &d);
    if (!e && d.e8 == INT64_MIN) return ERR_RULE;
    if (!e) *out = d;
    return e;
}

size_t decimal_print(decimal_t d, char out[static DECIMAL_TEXT]) {
    uint64_t n = d.e8 < 0 ? 0 - (uint64_t)d.e8 : (uint64_t)d.e8;
    uint64_t whole = n / (uint64_t)DECIMAL_SCALE, fraction = n % (uint64_t)DECIMAL_SCALE;
    char text[DECIMAL_TEXT];
    size_t at = sizeof text, decimals = DECIMAL_DIGITS;
    for (; decimals && fraction % 10 == 0; decimals--) fraction /= 10;
    for (size_t i = 0; i < decimals; i++, fraction /= 10) text[--at] = (char)('0' + fraction % 10);
    if (decimals) text[--at] = '.';
    do text[--at] = (char)('0' + whole % 10);
    while ((whole /= 10) != 0);
    if (d.e8 < 0) text[--at] = '-';
    size_t length = sizeof text - at;
    for (size_t i = 0; i < length; i++) out[i] = text[at + i];
    out[length] = 0;
    return length;
}

static bool narrow_to_decimal(wide_t value, decimal_t *out) {
    if (value > INT64_MAX || value < -(wide_t)INT64_MAX) return false;
    out->e8 = (int64_t)value;
    return true;
}

wide_t wide_divide(wide_t a, wide_t b, enum rounding r) {
    wide_t quotient = a / b, rest = a % b;
    if (rest == 0 || r == ROUND_DOWN) return quotient;
    wide_t away = (a < 0) == (b < 0) ? 1 : -1;
    if (r == ROUND_UP) return quotient + away;
    uwide_t twice = (uwide_t)(rest < 0 ? -rest : rest) * 2, whole = (uwide_t)(b < 0 ? -b : b);
    bool up = twice > whole || (twice == whole && quotient % 2 != 0);
    return up ? quotient + away : quotient;
}

bool decimal_add(decimal_t a, decimal_t b, decimal_t *out) {
    return narrow_to_decimal((wide_t)a.e8 + b.e8, out);
}
bool decimal_sub(decimal_t a, decimal_t b, decimal_t *out) {
    return narrow_to_decimal((wide_t)a.e8 - b.e8, out);
}

bool decimal_mul(decimal_t a, decimal_t b, enum rounding r, decimal_t *out) {
    return narrow_to_decimal(wide_divide((wide_t)a.e8 * b.e8, DECIMAL_SCALE, r), out);
}

bool decimal_div(decimal_t a, decimal_t b, enum rounding r, decimal_t *out) {
    return b.e8 != 0 && narrow_to_decimal(wide_divide((wide_t)a.e8 * DECIMAL_SCALE, b.e8, r), out);
}

bool decimal_to_step(decimal_t a, decimal_t step, enum rounding r, decimal_t *out) {
    return step.e8 > 0 && narrow_to_decimal(wide_divide(a.e8, step.e8, r) * step.e8, out);
}

bool decimal_scale(decimal_t a, decimal_t b, decimal_t c, enum rounding r, decimal_t *out) {
    return c.e8 != 0 && narrow_to_decimal(wide_divide((wide_t)a.e8 * b.e8, c.e8, r), out);
}

// The products are below 2^126 each, so that their sum fits.
bool decimal_mean(decimal_t a, decimal_t wa, decimal_t b, decimal_t wb, decimal_t *out) {
    wide_t weight = (wide_t)wa.e8 + wb.e8;
    return weight != 0 && narrow_to_decimal(wide_divide((wide_t)a.e8 * wa.e8 + (wide_t)b.e8 * wb.e8,
                                                        weight, ROUND_HALF_EVEN),
                                            out);
}

bool decimal_mean_of(const struct weighted *all, size_t n, decimal_t step, decimal_t *out) {
    wide_t sum = 0, weight = 0;
    for (size_t i = 0; i < n; i++) {
        if (__builtin_add_overflow(sum, (wide_t)all[i].value.e8 * all[i].weight.e8, &sum))
            return false;
        weight += all[i].weight.e8; // n is far from 2^64
    }
    if (step.e8 <= 0 || weight <= 0) return false;
    return narrow_to_decimal(wide_divide(sum, weight * step.e8, ROUND_HALF_EVEN) * step.e8, out);
}

decimal_t decimal_finest(decimal_t a) {
    int64_t step = DECIMAL_SCALE;
    while (a.e8 % step) step /= 10;
    return D(step);
}
