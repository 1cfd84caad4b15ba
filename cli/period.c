// period - times as people write them on a command line.
// SPDX-License-Identifier: MIT
#include "cli/period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

static bool read_ago(const char *text, uint64_t now_ns, uint64_t *out) {
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 6 || strlen(text) != digits + 1) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        uint64_t ago = strtoull(text, NULL, 10) * units[i].seconds * NS_PER_S;
        if (text[digits] != units[i].unit || ago > now_ns) continue;
        *out = now_ns - ago;
        return true;
    }
    return false;
}

bool period_read(const char *text, uint64_t now_ns, uint64_t *out) {
    char day[32];
    if (read_ago(text, now_ns, out)) return true;
    if (strlen(text) == 10 && text[4] == '-') {
        snprintf(day, sizeof day, "%sT00:00:00Z", text);
        return !time_parse(day, strlen(day), out);
    }
    return !time_parse(text, strlen(text), out);
}
