// zone - a clock on a wall: when a trading day begins, and what day and minute it is there,
// daylight-saving time included.
// SPDX-License-Identifier: MIT
#include "common/domain/zone.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"

#define DAY_S INT64_C(86400)

// Inside, a moment is seconds since 1970: of UTC, or what the wall shows as if it were UTC.
struct zone {
    GTimeZone *zone;
};

zone_t *zone_new(const char *name) {
    // GLib also reads "+02:00" and the like, which is no place with rules of its own.
    bool is_name = name && ((*name >= 'A' && *name <= 'Z') || (*name >= 'a' && *name <= 'z')) &&
                   strcmp(name, "Z") != 0;
    GTimeZone *zone = is_name ? g_time_zone_new_identifier(name) : NULL;
    if (!zone) return NULL;
    zone_t *self = alloc_zeroed(1, sizeof *self);
    self->zone = zone;
    return self;
}

void zone_destroy(zone_t **self) {
    if (!*self) return;
    g_time_zone_unref((*self)->zone);
    free(*self);
    *self = NULL;
}

static bool is_wall_digit(char c) { return c >= '0' && c <= '9'; }

bool zone_end_minutes(const char *t, uint32_t *minutes) {
    if (!t || strlen(t) != 5 || t[2] != ':' || !is_wall_digit(t[0]) || !is_wall_digit(t[1]) ||
        !is_wall_digit(t[3]) || !is_wall_digit(t[4]))
        return false;
    uint32_t hour = (uint32_t)(10 * (t[0] - '0') + t[1] - '0'),
             minute = (uint32_t)(10 * (t[3] - '0') + t[4] - '0');
    *minutes = 60 * hour + minute;
    return minute < 60 && *minutes <= MINUTES_PER_DAY;
}

bool zone_minutes(const char *text, uint32_t *minutes) {
    return zone_end_minutes(text, minutes) && *minutes < MINUTES_PER_DAY;
}

static int64_t offset_at(const zone_t *self, int64_t utc) {
    return g_time_zone_get_offset(
        self->zone, g_time_zone_find_interval(self->zone, G_TIME_TYPE_UNIVERSAL, utc));
}

static int64_t wall_at(const zone_t *self, int64_t utc) { return utc + offset_at(self, utc); }

// Where the wall first shows `wall` or later, between two moments with one change of the clock,
// forward over `wall`, between them.
static int64_t when_skipped(const zone_t *self, int64_t wall, int64_t low, int64_t high) {
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (wall_at(self, middle) < wall)
            low = middle;
        else
            high = middle;
    }
    return high;
}

// When the wall first shows `wall` or later.
static int64_t first_shown(const zone_t *self, int64_t wall) {
    int64_t before = offset_at(self, wall - DAY_S), after = offset_at(self, wall + DAY_S);
    int64_t early = wall - (before > after ? before : after),
            late = wall - (before > after ? after : before);
    if (wall_at(self, early) == wall) return early;
    if (wall_at(self, late) == wall) return late;
    return when_skipped(self, wall, early - DAY_S, late);
}

static int64_t floor_to_day(int64_t wall) { return wall - ((wall % DAY_S) + DAY_S) % DAY_S; }

// The start of the day of `utc`, or of the one after it.
static uint64_t find_day_start(const zone_t *self, uint64_t utc_ns, uint32_t at_minutes,
                               bool next) {
    int64_t utc = (int64_t)(utc_ns / NS_PER_S), at = (int64_t)at_minutes * 60;
    int64_t wall = floor_to_day(wall_at(self, utc)) + at + 2 * DAY_S, begins, following = 0;
    while ((begins = first_shown(self, wall)) > utc) {
        following = begins;
        wall -= DAY_S;
    }
    int64_t chosen = next ? following : begins;
    return chosen > 0 ? (uint64_t)chosen * NS_PER_S : 0;
}

uint64_t zone_day_start(const zone_t *self, uint64_t utc_ns, uint32_t at_minutes) {
    return find_day_start(self, utc_ns, at_minutes, false);
}
uint64_t zone_day_end(const zone_t *self, uint64_t utc_ns, uint32_t at_minutes) {
    return find_day_start(self, utc_ns, at_minutes, true);
}

struct zone_moment zone_moment(const zone_t *self, uint64_t utc_ns) {
    int64_t wall = wall_at(self, (int64_t)(utc_ns / NS_PER_S)), day = floor_to_day(wall) / DAY_S;
    // 1970-01-01 was a Thursday.
    return (struct zone_moment){.weekday = (unsigned)((day % 7 + 7 + 3) % 7) + 1,
                                .minute = (unsigned)((wall - day * DAY_S) / 60)};
}
