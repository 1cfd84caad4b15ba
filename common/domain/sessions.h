// sessions - the hours of a weekly timetable. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/zone.h"
#include "config.pb-c.h"

// Whether a moment lies in one of the sessions, on a clock of that zone. None: always.
bool sessions_hold(Session *const *sessions, size_t n, const zone_t *zone, uint64_t now);
