// sessions - the hours of a weekly timetable.
// SPDX-License-Identifier: MIT
#include "common/domain/sessions.h"

static bool is_on(const Session *s, struct zone_moment m) {
    uint32_t from = 0, to = 0;
    if (!zone_minutes(s->from, &from) || !zone_end_minutes(s->to, &to) || m.minute < from ||
        m.minute >= to)
        return false;
    for (size_t i = 0; i < s->n_days; i++) {
        if ((unsigned)s->days[i] == m.weekday) return true;
    }
    return false;
}

bool sessions_hold(Session *const *sessions, size_t n, const zone_t *zone, uint64_t now) {
    if (!n) return true;
    const struct zone_moment m = zone_moment(zone, now);
    for (size_t i = 0; i < n; i++) {
        if (is_on(sessions[i], m)) return true;
    }
    return false;
}
