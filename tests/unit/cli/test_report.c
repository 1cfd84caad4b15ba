// test_report - the page: sums exact, text harmless, nothing from elsewhere, every line of a chart
// inside it.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/archive/report.h"
#include "cli/period.h"
#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/base/own.h"

#define E8(x) ((int64_t)(x)*DECIMAL_SCALE)

static const struct report_words words = {"2026-11-01T00:00:00.000000Z",
                                          "2026-11-02T00:00:00.000000Z", "2026-11-03T00:00:00Z",
                                          "All accounts"};

static void take(report_data_t *d, uint64_t at, int64_t pnl, int64_t costs, const char *account) {
    struct closed_trade t = {at,         pnl,  costs,
                             pnl / 1000, true, {"trend", account, "alpha", "EURUSD"}};
    report_take(d, &t);
}

static void page_of(report_data_t *d, buffer_t *out) {
    report_html(&(struct report_part){"USD", d}, 1, &words, out);
}

static void sums_are_exact(void **state) {
    (void)state;
    own(report_data) *d = report_data_new();
    const struct part *parts;
    take(d, 1, E8(10) + 1, E8(1), "anna");
    take(d, 2, -E8(25), 0, "berta");
    take(d, 3, E8(3), E8(1) + 7, "anna");
    const struct tally *t = report_all(d);
    assert_int_equal(t->trades, 3);
    assert_int_equal(t->wins, 2);
    assert_int_equal(t->gross_profit, E8(13) + 1);
    assert_int_equal(t->gross_loss, -E8(25));
    assert_int_equal(t->net, E8(-14) + 1 - 7);
    assert_int_equal(t->drawdown, E8(25)); // from 9 to -16
    assert_int_equal(report_parts(d, BY_ACCOUNT, &parts), 2);
    assert_string_equal(parts[0].key, "anna");
    assert_int_equal(parts[0].tally.net, E8(11) + 1 - 7);
}

static void a_sum_out_of_range_stays_at_its_end(void **state) {
    (void)state;
    own(report_data) *d = report_data_new();
    own(buffer) out = {0};
    for (unsigned i = 0; i < 5; i++) take(d, i, INT64_MAX / 2, 0, "anna");
    assert_int_equal(report_all(d)->net, INT64_MAX);
    for (unsigned i = 5; i < 12; i++) take(d, i, -(INT64_MAX / 2), 0, "anna");
    page_of(d, &out);
}

static void the_page_stands_alone_and_text_is_text(void **state) {
    (void)state;
    own(report_data) *d = report_data_new();
    own(buffer) out = {0};
    take(d, 1, E8(1), 0, "<script>alert('x')</script>&\"");
    page_of(d, &out);
    const char *page = buffer_string(&out);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    assert_null(strstr(page, "src="));
    assert_non_null(strstr(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"));
}

static void amounts_of_different_currencies_have_parts_of_their_own(void **state) {
    (void)state;
    own(report_data) *eur = report_data_new();
    own(report_data) *usd = report_data_new();
    own(buffer) out = {0};
    take(eur, 1, E8(30), 0, "anna");
    take(usd, 2, E8(500), E8(20), "berta");
    report_html((struct report_part[]){{"EUR", eur}, {"USD", usd}}, 2, &words, &out);
    const char *page = buffer_string(&out),
               *first = strstr(page, "<dt>Net profit, EUR</dt><dd class=\"up\">30</dd>"),
               *second = strstr(page, "<dt>Net profit, USD</dt><dd class=\"up\">480</dd>");
    assert_true(first && second && first < second);
    assert_non_null(strstr(page, "<td>anna</td>"));
    assert_null(strstr(page, ">530<"));
    assert_null(strstr(page, ">510<"));
}

static void a_time_without_trades_has_a_page_too(void **state) {
    (void)state;
    own(buffer) out = {0};
    report_html(NULL, 0, &words, &out);
    assert_non_null(strstr(buffer_string(&out), "No trade was closed"));
}

// Every number of a path, a line, a bar or a text's place lies in the picture.
static void expect_inside(const char *svg) {
    static const char *const names[] = {" x=\"",  " x1=\"", " x2=\"", " y=\"",
                                        " y1=\"", " y2=\"", "d=\"M"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (const char *at = svg; (at = strstr(at, names[i])) != NULL;) {
            at += strlen(names[i]);
            bool horizontal = names[i][1] == 'x', path = names[i][0] == 'd';
            for (long n; *at != '"';) {
                if (isalpha((unsigned char)*at) || *at == ' ') {
                    at++;
                    continue;
                }
                char *end;
                n = strtol(at, &end, 10);
                if (end == at) fail_msg("%.40s", at);
                if (n < 0 || n > (horizontal || path ? 900 : 260))
                    fail_msg("%ld in %.60s", n, names[i]);
                at = end;
            }
        }
    }
}

static void charts_stay_within_their_picture(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, DECIMAL_SCALE, INT64_C(1) << 40, INT64_MAX / 2};
    srandom(7);
    for (size_t s = 0; s < 4; s++) {
        for (unsigned n = 1; n < 3000; n = n * 3 + 1) {
            own(buffer) out = {0};
            struct point *points = calloc(n, sizeof *points);
            int64_t *values = calloc(n, sizeof *values), net = 0;
            for (unsigned i = 0; i < n; i++) {
                net = (int64_t)((__int128)sizes[s] * (random() % 2001 - 1000) / 1000);
                points[i] = (struct point){1000 + i * NS_PER_S, net};
                values[i] = i ? values[i - 1] + (int64_t)(random() % 100) : -500;
            }
            chart_course(points, n, false, &out);
            chart_course(points, n, true, &out);
            chart_spread(values, n, &out);
            expect_inside(buffer_string(&out));
            free(points);
            free(values);
        }
    }
}

static void times_are_read_as_people_write_them(void **state) {
    (void)state;
    const uint64_t now = UINT64_C(1795000000) * NS_PER_S;
    uint64_t at;
    assert_true(period_read("7d", now, &at));
    assert_int_equal(at, now - 7 * 86400 * NS_PER_S);
    assert_true(period_read("90m", now, &at));
    assert_int_equal(at, now - 5400 * NS_PER_S);
    assert_true(period_read("1970-01-02", now, &at));
    assert_int_equal(at, 86400 * NS_PER_S);
    assert_true(period_read("1970-01-01T00:00:01Z", now, &at));
    assert_int_equal(at, NS_PER_S);
    static const char *const wrong[] = {"",           "d",         "7x", "yesterday",
                                        "2026-13-01", "99999999d", "-1d"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (period_read(wrong[i], now, &at)) fail_msg("\"%s\" was read as a time", wrong[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(a_sum_out_of_range_stays_at_its_end),
        cmocka_unit_test(the_page_stands_alone_and_text_is_text),
        cmocka_unit_test(amounts_of_different_currencies_have_parts_of_their_own),
        cmocka_unit_test(a_time_without_trades_has_a_page_too),
        cmocka_unit_test(charts_stay_within_their_picture),
        cmocka_unit_test(times_are_read_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
