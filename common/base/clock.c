// clock - UTC and the monotonic clock, and times as text.
// SPDX-License-Identifier: MIT
#include "common/base/clock.h"

#include <stdbool.h>
#include <time.h>

#define DAY_S INT64_C(86400)

static uint64_t read_clock(clockid_t which) {
    struct timespec t = {0};
    (void)clock_gettime(which, &t); // these clocks always exist on Linux
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t held_utc, held_mono;

uint64_t clock_utc_ns(void) { return held_utc ? held_utc : read_clock(CLOCK_REALTIME); }
uint64_t clock_mono_ns(void) { return held_mono ? held_mono : read_clock(CLOCK_MONOTONIC); }

void clock_hold(uint64_t utc_ns, uint64_t mono_ns) {
    held_utc = utc_ns;
    held_mono = mono_ns;
}

// Days since 1970-01-01 of a Gregorian date, and back, by Howard Hinnant's algorithms
// (chrono-Compatible Low-Level Date Algorithms).
static int64_t days_of_date(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of_days(int64_t days, unsigned *y, unsigned *m, unsigned *d) {
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *y = (unsigned)(yoe + era * 400 + (*m <= 2));
}

static char *put_digits(char *at, uint64_t value, unsigned digits) {
    for (unsigned i = digits; i-- > 0; value /= 10) at[i] = (char)('0' + value % 10);
    return at + digits;
}

size_t time_print(uint64_t utc_ns, char out[static TIME_TEXT]) {
    uint64_t s = utc_ns / NS_PER_S, us = utc_ns % NS_PER_S / 1000, of_day = s % (uint64_t)DAY_S;
    unsigned y, m, d;
    date_of_days((int64_t)(s / (uint64_t)DAY_S), &y, &m, &d);
    char *at = out;
    at = put_digits(at, y, 4), *at++ = '-';
    at = put_digits(at, m, 2), *at++ = '-';
    at = put_digits(at, d, 2), *at++ = 'T';
    at = put_digits(at, of_day / 3600, 2), *at++ = ':';
    at = put_digits(at, of_day / 60 % 60, 2), *at++ = ':';
    at = put_digits(at, of_day % 60, 2);
    if (us) {
        *at++ = '.';
        at = us % 1000 ? put_digits(at, us, 6) : put_digits(at, us / 1000, 3);
    }
    *at++ = 'Z';
    *at = 0;
    return (size_t)(at - out);
}

struct reader {
    const char *at, *end;
};

static bool is_time_digit(char c) { return c >= '0' && c <= '9'; }

static bool take_separator(struct reader *r, char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_one_of(struct reader *r, char a, char b) {
    return take_separator(r, a) || take_separator(r, b);
}

static bool take_time_number(struct reader *r, unsigned digits, int64_t least, int64_t most,
                             int64_t *out) {
    if ((size_t)(r->end - r->at) < digits) return false;
    *out = 0;
    for (unsigned i = 0; i < digits; i++, r->at++) {
        if (!is_time_digit(*r->at)) return false;
        *out = *out * 10 + (*r->at - '0');
    }
    return *out >= least && *out <= most;
}

static int64_t days_of_month(int64_t y, int64_t m) {
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

static bool take_date(struct reader *r, int64_t *seconds) {
    int64_t y, m, d;
    if (!take_time_number(r, 4, 0, 9999, &y) || !take_separator(r, '-') ||
        !take_time_number(r, 2, 1, 12, &m) || !take_separator(r, '-') ||
        !take_time_number(r, 2, 1, 31, &d) || d > days_of_month(y, m))
        return false;
    *seconds = days_of_date(y, m, d) * DAY_S;
    return true;
}

// Second 60 (a leap second) is read as the second after 59, as Unix time does.
static bool take_time_of_day(struct reader *r, int64_t *seconds) {
    int64_t h, m, s = 0;
    if (!take_time_number(r, 2, 0, 23, &h) || !take_separator(r, ':') ||
        !take_time_number(r, 2, 0, 59, &m))
        return false;
    if (take_separator(r, ':') && !take_time_number(r, 2, 0, 60, &s)) return false;
    *seconds += h * 3600 + m * 60 + s;
    return true;
}

static bool take_fraction(struct reader *r, int64_t *ns) {
    *ns = 0;
    if (!take_one_of(r, '.', ',')) return true;
    int64_t unit = (int64_t)NS_PER_S / 10;
    const char *start = r->at;
    for (; r->at < r->end && is_time_digit(*r->at); r->at++, unit /= 10)
        *ns += (*r->at - '0') * unit;
    return r->at > start && r->at - start <= 9;
}

// "Z", "+02:00", "+0200" or "+02": seconds east of Greenwich.
static bool take_offset(struct reader *r, int64_t *east_s) {
    *east_s = 0;
    if (take_one_of(r, 'Z', 'z')) return true;
    bool west = take_separator(r, '-');
    int64_t h, m = 0;
    if (!west && !take_separator(r, '+')) return false;
    if (!take_time_number(r, 2, 0, 14, &h)) return false;
    bool colon = take_separator(r, ':');
    if ((colon || r->at < r->end) && !take_time_number(r, 2, 0, 59, &m)) return false;
    *east_s = (h * 3600 + m * 60) * (west ? -1 : 1);
    return true;
}

static err_t parse_iso(struct reader r, uint64_t *utc_ns) {
    int64_t seconds, ns, east;
    if (!take_date(&r, &seconds) || !(take_one_of(&r, 'T', 't') || take_separator(&r, ' ')) ||
        !take_time_of_day(&r, &seconds))
        return ERR_INPUT;
    if (!take_fraction(&r, &ns) || !take_offset(&r, &east) || r.at != r.end) return ERR_INPUT;
    seconds -= east;
    uint64_t out;
    if (seconds < 0 || __builtin_mul_overflow((uint64_t)seconds, NS_PER_S, &out) ||
        __builtin_add_overflow(out, (uint64_t)ns, &out))
        return ERR_RULE;
    *utc_ns = out;
    return ERR_OK;
}

// Up to 11 digits are seconds (until the year 5138, but no further than this clock reaches), 12 and
// 13 are milliseconds.
static err_t parse_unix(struct reader r, uint64_t *utc_ns) {
    size_t digits = (size_t)(r.end - r.at);
    uint64_t n = 0;
    if (digits == 0 || digits > 13) return ERR_INPUT;
    for (; r.at < r.end; r.at++) {
        if (!is_time_digit(*r.at)) return ERR_INPUT;
        n = n * 10 + (uint64_t)(*r.at - '0');
    }
    uint64_t out;
    if (__builtin_mul_overflow(n, digits <= 11 ? NS_PER_S : NS_PER_MS, &out)) return ERR_RULE;
    *utc_ns = out;
    return ERR_OK;
}

err_t time_parse(const char *text, size_t length, uint64_t *utc_ns) {
    struct reader r = {text, text + length};
    return length > 4 && text[4] == '-' ? parse_iso(r, utc_ns) : parse_unix(r, utc_ns);
}

err_t time_read(const char *text, size_t length, uint64_t *utc_ns) {
    uint64_t ns;
    err_t e = time_parse(text, length, &ns);
    if (!e && ns >= TIME_END) return ERR_RULE;
    if (!e) *utc_ns = ns;
    return e;
}
