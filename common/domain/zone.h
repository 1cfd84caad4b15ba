// zone - a clock on a wall: when a trading day begins, and what day and minute it is there,
// daylight-saving time included.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct zone zone_t;

// an IANA name ("America/New_York", "UTC"); NULL: there is none of that name
zone_t *zone_new(const char *name);
void zone_destroy(zone_t **self);

#define MINUTES_PER_DAY 1440u

// "HH:MM", 00:00 to 23:59, as minutes since midnight. False: it is not that.
bool zone_minutes(const char *text, uint32_t *minutes);
// "HH:MM" up to 24:00: where a stretch of time ends.
bool zone_end_minutes(const char *text, uint32_t *minutes);

// When the day began in which utc_ns lies, and when the next one begins (UTC ns). A day begins when
// the clock there first shows `at_minutes` (since midnight) or later on a date: a time that is
// skipped in spring begins when it is skipped; one that comes twice in autumn begins the first
// time.
uint64_t zone_day_start(const zone_t *self, uint64_t utc_ns, uint32_t at_minutes);
uint64_t zone_day_end(const zone_t *self, uint64_t utc_ns, uint32_t at_minutes);

// What the clock shows: the day of the week (1: Monday to 7: Sunday) and minutes since midnight.
struct zone_moment {
    unsigned weekday;
    unsigned minute;
};
struct zone_moment zone_moment(const zone_t *self, uint64_t utc_ns);
