// test_histogram - counts at two significant digits: what goes in comes out, adds up, and survives
// being stored.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdlib.h>

#include "common/oplog/histogram.h"

static int64_t percentile(const struct histogram *h, unsigned percent) {
    int64_t value = INT64_MIN;
    assert_true(histogram_percentile(h, percent, &value));
    return value;
}

static void a_value_counts_as_the_nearest_with_two_digits(void **state) {
    (void)state;
    static const struct {
        int64_t value, counts_as;
    } cases[] = {
        {0, 0},
        {1, 1},
        {-1, -1},
        {99, 99},
        {100, 100},
        {104, 100},
        {105, 110},
        {994, 990},
        {995, 1000},
        {999, 1000},
        {1000, 1000},
        {1249, 1200},
        {1250, 1300},
        {-1249, -1200},
        {-1250, -1300},
        {99499, 99000},
        {99500, 100000},
        {123456789, 120000000},
        {INT64_C(5555555555555555555), INT64_C(5600000000000000000)},
        {INT64_MAX, INT64_C(9200000000000000000)},
        {INT64_MIN, INT64_C(-9200000000000000000)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct histogram h = {0};
        histogram_add(&h, cases[i].value);
        assert_int_equal(percentile(&h, 50), cases[i].counts_as);
        histogram_take(&h, cases[i].value);
        assert_int_equal(h.n, 0);
        assert_int_equal(h.total, 0);
        histogram_destroy(&h);
    }
}

static void a_percentile_is_the_nearest_rank(void **state) {
    (void)state;
    struct histogram h = {0};
    int64_t none;
    assert_false(histogram_percentile(&h, 50, &none));
    for (int64_t i = 10; i >= 1; i--) histogram_add(&h, i);
    assert_int_equal(percentile(&h, 50), 5);
    assert_int_equal(percentile(&h, 95), 10);
    assert_int_equal(percentile(&h, 10), 1);
    assert_int_equal(percentile(&h, 11), 2);
    histogram_add(&h, -70);
    assert_int_equal(percentile(&h, 1), -70);
    assert_int_equal(percentile(&h, 100), 10);
    histogram_destroy(&h);
}

static bool same(const struct histogram *a, const struct histogram *b) {
    bool equal = a->n == b->n && a->total == b->total;
    for (uint32_t i = 0; equal && i < a->n; i++)
        equal = a->buckets[i].at == b->buckets[i].at && a->buckets[i].count == b->buckets[i].count;
    return equal;
}

static int64_t any_value(void) {
    int64_t size = ((int64_t)rand() << 31 | rand()) >> rand() % 62;
    return rand() % 2 ? size : -size;
}

static void stored_merged_and_taken_back_it_is_the_same(void **state) {
    (void)state;
    struct histogram whole = {0}, days[3] = {{0}}, sum = {0}, back = {0};
    buffer_t stored = {0};
    srand(42);
    for (int i = 0; i < 5000; i++) {
        int64_t value = any_value(), other = any_value();
        histogram_add(&whole, value);
        histogram_add(&days[i % 3], value);
        histogram_add(&days[i % 3], other);
        histogram_take(&days[i % 3], other);
    }
    for (int i = 0; i < 3; i++) histogram_merge(&sum, &days[i]);
    assert_true(same(&whole, &sum));
    histogram_write(&whole, &stored);
    buffer_text(&stored, "behind");
    struct span bytes = {stored.data, stored.length};
    assert_true(histogram_read(&back, &bytes));
    assert_true(same(&whole, &back));
    assert_int_equal(bytes.length, 6);
    for (size_t cut = 0; cut < stored.length - 6; cut += 7) {
        bytes = (struct span){stored.data, cut};
        assert_false(histogram_read(&back, &bytes));
        assert_int_equal(back.n, 0);
    }
    histogram_destroy(&whole);
    histogram_destroy(&sum);
    histogram_destroy(&back);
    for (int i = 0; i < 3; i++) histogram_destroy(&days[i]);
    buffer_destroy(&stored);
}

static void any_bytes_are_read_or_refused(void **state) {
    (void)state;
    uint8_t noise[64];
    struct histogram h = {0};
    srand(7);
    for (int i = 0; i < 20000; i++) {
        size_t length = (size_t)rand() % sizeof(noise);
        for (size_t k = 0; k < length; k++) noise[k] = (uint8_t)(rand() % 4 ? rand() % 8 : rand());
        struct span bytes = {noise, length};
        if (!histogram_read(&h, &bytes)) assert_int_equal(h.total, 0);
    }
    histogram_destroy(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_counts_as_the_nearest_with_two_digits),
        cmocka_unit_test(a_percentile_is_the_nearest_rank),
        cmocka_unit_test(stored_merged_and_taken_back_it_is_the_same),
        cmocka_unit_test(any_bytes_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
