// test_zone - when a trading day begins: the nights on which clocks change, and the clock on the wall.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/domain/zone.h"

static uint64_t at(const char *text) {
    uint64_t ns = 0;
    assert_int_equal(time_parse(text, strlen(text), &ns), ERR_OK);
    return ns;
}

static const struct day {
    const char *claim, *zone, *reset, *now, *begins, *ends;
} days[] = {
    {"UTC at midnight", "UTC", "00:00", "2025-03-22T10:15:30Z", "2025-03-22T00:00:00Z",
     "2025-03-23T00:00:00Z"},
    {"exactly at the reset", "UTC", "17:00", "2025-03-22T17:00:00Z", "2025-03-22T17:00:00Z",
     "2025-03-23T17:00:00Z"},
    {"a moment before it", "UTC", "17:00", "2025-03-22T16:59:59.999999Z", "2025-03-21T17:00:00Z",
     "2025-03-22T17:00:00Z"},
    {"the last minute", "UTC", "23:59", "2025-03-22T00:00:00Z", "2025-03-21T23:59:00Z",
     "2025-03-22T23:59:00Z"},
    {"New York, winter", "America/New_York", "17:00", "2025-01-15T22:00:00Z",
     "2025-01-15T22:00:00Z", "2025-01-16T22:00:00Z"},
    {"New York, summer", "America/New_York", "17:00", "2025-07-15T21:00:00Z",
     "2025-07-15T21:00:00Z", "2025-07-16T21:00:00Z"},
    {"New York, the short day in spring", "America/New_York", "17:00", "2025-03-09T12:00:00Z",
     "2025-03-08T22:00:00Z", "2025-03-09T21:00:00Z"},
    {"New York, the long day in autumn", "America/New_York", "17:00", "2025-11-02T12:00:00Z",
     "2025-11-01T21:00:00Z", "2025-11-02T22:00:00Z"},
    {"Prague, midnight before the short day", "Europe/Prague", "00:00", "2025-03-30T12:00:00Z",
     "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"},
    {"Prague, midnight before the long day", "Europe/Prague", "00:00", "2025-10-26T12:00:00Z",
     "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"},
    {"a reset that is skipped begins when it is", "Europe/Prague", "02:30", "2025-03-30T01:00:00Z",
     "2025-03-30T01:00:00Z", "2025-03-31T00:30:00Z"},
    {"a second before it is skipped", "Europe/Prague", "02:30", "2025-03-30T00:59:59Z",
     "2025-03-29T01:30:00Z", "2025-03-30T01:00:00Z"},
    {"the first minute that is skipped", "Europe/Prague", "02:00", "2025-03-30T01:00:00Z",
     "2025-03-30T01:00:00Z", "2025-03-31T00:00:00Z"},
    {"the first minute after the gap", "Europe/Prague", "03:00", "2025-03-30T01:00:00Z",
     "2025-03-30T01:00:00Z", "2025-03-31T01:00:00Z"},
    {"a reset that comes twice begins the first time", "Europe/Prague", "02:30",
     "2025-10-26T00:30:00Z", "2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"},
    {"and not again", "Europe/Prague", "02:30", "2025-10-26T01:30:00Z", "2025-10-26T00:30:00Z",
     "2025-10-27T01:30:00Z"},
    {"nor just before it comes again", "Europe/Prague", "02:30", "2025-10-26T01:29:59Z",
     "2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"},
    {"and not before the first", "Europe/Prague", "02:30", "2025-10-26T00:29:59Z",
     "2025-10-25T00:30:00Z", "2025-10-26T00:30:00Z"},
    {"New York, twice", "America/New_York", "01:30", "2025-11-02T06:30:00Z", "2025-11-02T05:30:00Z",
     "2025-11-03T06:30:00Z"},
    {"midnight itself skipped", "Africa/Cairo", "00:00", "2024-04-25T22:00:00Z",
     "2024-04-25T22:00:00Z", "2024-04-26T21:00:00Z"},
    {"half an hour of change", "Australia/Lord_Howe", "02:15", "2025-10-04T15:30:00Z",
     "2025-10-04T15:30:00Z", "2025-10-05T15:15:00Z"},
    {"a date that never was", "Pacific/Apia", "00:00", "2011-12-30T12:00:00Z",
     "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
    {"a zone off by quarters", "Asia/Kathmandu", "00:00", "2025-06-01T18:14:59Z",
     "2025-05-31T18:15:00Z", "2025-06-01T18:15:00Z"},
    {"long after the table of changes ends", "America/New_York", "17:00", "2060-07-15T21:00:00Z",
     "2060-07-15T21:00:00Z", "2060-07-16T21:00:00Z"},
};

static void says(uint64_t ns, const char *expected, const char *claim) {
    char text[TIME_TEXT];
    (void)time_print(ns, text);
    if (strcmp(text, expected) != 0) fail_msg("%s: %s, expected %s", claim, text, expected);
}

static void a_day_begins_when_its_clock_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        const struct day *d = &days[i];
        uint32_t minutes;
        zone_t *zone = zone_new(d->zone);
        assert_non_null(zone);
        assert_true(zone_minutes(d->reset, &minutes));
        says(zone_day_start(zone, at(d->now), minutes), d->begins, d->claim);
        says(zone_day_end(zone, at(d->now), minutes), d->ends, d->claim);
        zone_destroy(&zone);
    }
}

// Over three years in steps that meet every hour of the day: a day holds its moment, days meet, and
// there are as many as dates.
static void days_follow_each_other_without_a_gap(void **state) {
    (void)state;
    static const char *const names[] = {"America/New_York", "Europe/Prague", "Australia/Lord_Howe",
                                        "Africa/Cairo", "UTC"};
    for (size_t z = 0; z < sizeof names / sizeof *names; z++) {
        zone_t *zone = zone_new(names[z]);
        for (uint32_t minutes = 0; minutes < MINUTES_PER_DAY; minutes += 150) {
            uint64_t moment = at("2023-06-01T12:00:00Z"),
                     last = zone_day_start(zone, moment, minutes);
            for (unsigned n = 0; n < 1096; n++) {
                uint64_t end = zone_day_end(zone, last, minutes);
                assert_true(end > last && end - last >= 22 * UINT64_C(3600) * NS_PER_S &&
                            end - last <= 26 * UINT64_C(3600) * NS_PER_S);
                assert_int_equal(zone_day_start(zone, end - 1, minutes), last);
                assert_int_equal(zone_day_start(zone, end, minutes), end);
                last = end;
            }
            uint64_t expected = zone_day_start(
                zone, moment + 1096 * UINT64_C(86400) * NS_PER_S + 2 * UINT64_C(3600) * NS_PER_S,
                minutes);
            assert_true(last == expected || zone_day_end(zone, last, minutes) == expected ||
                        zone_day_end(zone, expected, minutes) == last);
        }
        zone_destroy(&zone);
    }
}

static const struct moment {
    const char *zone, *now;
    unsigned weekday, minute;
} moments[] = {
    {"UTC", "1970-01-01T00:00:00Z", 4, 0},
    {"UTC", "2025-03-23T23:59:59Z", 7, 1439},
    {"UTC", "2025-03-24T00:00:00Z", 1, 0},
    {"America/New_York", "2025-03-24T03:59:59Z", 7, 1439},
    {"Asia/Tokyo", "2025-03-23T15:00:00Z", 1, 0},
    {"Europe/Prague", "2025-03-30T00:59:59Z", 7, 119},
    {"Europe/Prague", "2025-03-30T01:00:00Z", 7, 180},
    {"Europe/Prague", "2025-10-26T00:30:00Z", 7, 150},
    {"Europe/Prague", "2025-10-26T01:30:00Z", 7, 150},
};

static void the_wall_shows_day_and_minute(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        zone_t *zone = zone_new(moments[i].zone);
        struct zone_moment m = zone_moment(zone, at(moments[i].now));
        if (m.weekday != moments[i].weekday || m.minute != moments[i].minute)
            fail_msg("%s at %s: day %u, minute %u", moments[i].zone, moments[i].now, m.weekday,
                     m.minute);
        zone_destroy(&zone);
    }
}

static void what_is_no_place_is_no_zone(void **state) {
    (void)state;
    static const char *const wrong[] = {"",  "Mars/Olympus",      "+02:00",        "02",
                                        "Z", "America/New_Yorkk", "../etc/passwd", NULL};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_null(zone_new(wrong[i]));
}

static void a_time_of_day_is_read_or_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"",      "1:00",     "24:01", "25:00", "12:60", "12:5",
                                        "12-30", "12:30:00", " 1:30", "ab:cd", NULL};
    uint32_t minutes = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(zone_minutes(wrong[i], &minutes));
    assert_true(zone_minutes("00:00", &minutes) && minutes == 0);
    assert_true(zone_minutes("23:59", &minutes) && minutes == 1439);
    assert_false(zone_minutes("24:00", &minutes));
    assert_true(zone_end_minutes("24:00", &minutes) && minutes == 1440);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_begins_when_its_clock_says),
        cmocka_unit_test(days_follow_each_other_without_a_gap),
        cmocka_unit_test(the_wall_shows_day_and_minute),
        cmocka_unit_test(what_is_no_place_is_no_zone),
        cmocka_unit_test(a_time_of_day_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
