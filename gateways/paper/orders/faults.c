// faults - what a broker does wrong on demand.
// SPDX-License-Identifier: MIT
#include "gateways/paper/orders/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/decimal.h"

#define COUNT_MAX 1000000000

static const struct row {
    const char *name, *words;
    size_t count, ms; // where they go; ms SIZE_MAX: takes none
} rows[] = {
    {"lost_reply", "N | probability", offsetof(struct faults, lost_reply), SIZE_MAX},
    {"late_fill", "ms [N]", offsetof(struct faults, late_fill),
     offsetof(struct faults, late_fill_ms)},
    {"late_accept", "ms [N]", offsetof(struct faults, late_accept),
     offsetof(struct faults, late_accept_ms)},
    {"duplicate_report", "N", offsetof(struct faults, duplicate_report), SIZE_MAX},
    {"refuse", "N", offsetof(struct faults, refuse), SIZE_MAX},
};
#define ROWS (sizeof rows / sizeof rows[0])

bool faults_take(int64_t *count) {
    if (*count <= 0) return false;
    --*count;
    return true;
}

static bool whole(const char *text, int64_t *out) {
    decimal_t d;
    if (decimal_parse(text, strlen(text), &d) != ERR_OK || d.e8 < 0 || d.e8 % DECIMAL_SCALE)
        return false;
    *out = d.e8 / DECIMAL_SCALE;
    return *out <= COUNT_MAX;
}

static int64_t *at(struct faults *f, size_t place) { return (int64_t *)((uint8_t *)f + place); }

static bool set_row(struct faults *f, const struct row *r, size_t n, char *const *words) {
    int64_t count = 1, ms = 0;
    bool timed = r->ms != SIZE_MAX;
    if (!n || n > (timed ? 2u : 1u)) return false;
    if (timed && !whole(words[0], &ms)) return false;
    if ((!timed || n == 2) && !whole(words[n - 1], &count)) return false;
    *at(f, r->count) = count;
    if (timed) *at(f, r->ms) = ms;
    return true;
}

static bool set_probability(struct faults *f, const char *text) {
    decimal_t p;
    if (!strchr(text, '.') || decimal_parse(text, strlen(text), &p) != ERR_OK || p.e8 < 0 ||
        p.e8 > DECIMAL_SCALE)
        return false;
    f->lost_probability = p.e8;
    return true;
}

bool faults_set(struct faults *f, size_t n, char *const *words, char why[static 160]) {
    for (size_t i = 0; n && i < ROWS; i++) {
        if (strcmp(rows[i].name, words[0]) != 0) continue;
        if (i == 0 && n == 2 && set_probability(f, words[1])) return true;
        if (set_row(f, &rows[i], n - 1, words + 1)) return true;
        (void)snprintf(why, 160, "say: fault %s %s", rows[i].name, rows[i].words);
        return false;
    }
    (void)snprintf(why, 160,
                   "no such fault: lost_reply, late_fill, late_accept, duplicate_report, refuse, "
                   "disconnect, forget");
    return false;
}

void faults_json(const struct faults *f, buffer_t *out) {
    char p[DECIMAL_TEXT];
    (void)decimal_print(D(f->lost_probability), p);
    buffer_format(out, "{\"lost_probability\":%s", p);
    for (size_t i = 0; i < ROWS; i++) {
        int64_t count;
        memcpy(&count, (const uint8_t *)f + rows[i].count, sizeof count);
        buffer_format(out, ",\"%s\":%lld", rows[i].name, (long long)count);
    }
    buffer_text(out, "}");
}
