// doctor - what the checks of the installation share. Each is a function; what it finds goes into
// the report.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/place.h"
#include "cli/text.h"

enum finding { FINE, DOUBTFUL, WRONG };

struct report_finding {
    const struct call *call;
    struct sheet sheet;
    unsigned found[3]; // by finding
};

// One line: what was looked at, what it is, and, unless it is fine, what to do.
void report_finding(struct report_finding *self, enum finding finding, const char *what,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

void check_redis(struct report_finding *self);  // reachable, its settings, its users
void check_disk(struct report_finding *self);   // room, how long an fdatasync takes, SQLite
void check_record(struct report_finding *self); // chain, audit log, backup

// The profile that a disk whose fdatasync takes so long recommends, with the reason. Pure.
const char *profile_for(uint64_t fdatasync_ns, const char **why);
// Whether a setting is as the profile asks; `wanted` is what it should be. Pure.
enum finding judge_setting(const char *name, const char *value, const char *profile,
                           const char **wanted);
