// copy - what every program that copies the archive elsewhere is.
// SPDX-License-Identifier: MIT
#include "sync/copy/copy.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/delivery/envelope.h"
#include "common/program/notify.h"
#include "common/program/stop.h"
#include "proto/topics.h"
#include "sync.pb-c.h"

// below: rows from before writes were numbered (services/archiver/rows/schema.c)
#define NUMBERED_SINCE UINT64_C(1500000000000000)

// It goes without the cell: what is wrong in one row stops no other.
static void log_cell(void *arg, const struct unreadable_cell *cell) {
    char words[300];
    (void)arg;
    sql_cell_words(cell, words);
    log_event(LOG_LEVEL_WARNING, "unreadable_cell", "why=%s", log_quote(words));
}

sql_t *copy_archive(struct copy *self) {
    char why[200] = "";
    sql_t *db = access(self->settings.archive, R_OK) == 0
                    ? sql_open(self->settings.archive, SQL_READ, why)
                    : NULL;
    if (db) sql_on_unreadable(db, log_cell, NULL);
    if (db) return db;
    if (!why[0])
        snprintf(why, sizeof(why), "%.120s: %.60s", self->settings.archive, strerror(errno));
    copy_trouble(self, "the archive cannot be read: %s", why);
    return NULL;
}

bool copy_is_indexed(struct copy *self, sql_t *archive) {
    own(sql_query) *q =
        sql_prepare(archive, "SELECT 1 FROM sqlite_schema WHERE name = 'signals_by_change'");
    bool row = false;
    if (!q || sql_step(q, &row))
        return copy_trouble(self, "the archive: %s", sql_trouble(archive)), false;
    if (!row)
        copy_trouble(self, "the archive has no index of changes: set "
                           "TRADECAST_ARCHIVER_COPIED=true for the archiver");
    return row;
}

void copy_trouble(struct copy *self, const char *format, ...) {
    char text[sizeof(self->trouble)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (*c == '\n') *c = ' ';
    if (strcmp(text, self->trouble) == 0) return;
    memcpy(self->trouble, text, sizeof(text));
    log_event(LOG_LEVEL_WARNING, "trouble", "why=%s", log_quote(text));
}

void copy_no_trouble(struct copy *self) {
    if (self->trouble[0])
        log_event(LOG_LEVEL_INFO, "goes_on", "delivered=%llu", (unsigned long long)self->delivered);
    self->trouble[0] = 0;
    self->in_vain = 0;
}

static uint64_t resident_bytes(void) {
    unsigned long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    int n = fscanf(f, "%lu %lu", &total, &resident);
    (void)fclose(f);
    return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t lag_ms(const struct copy *self) {
    uint64_t now = clock_utc_ns() / NS_PER_US, then = self->oldest;
    if (!then) return 0;
    if (then < NUMBERED_SINCE) then = self->began_at;
    return now > then ? (now - then) / 1000 + 1 : 1;
}

static void beat_heart(struct copy *self) {
    buffer_t frame = {0};
    SyncState state = SYNC_STATE__INIT;
    state.name = (char *)(uintptr_t)self->program->name;
    state.sent_at = clock_utc_ns();
    state.delivered = self->delivered;
    state.failed = self->failed;
    state.unsynced = self->unsynced;
    state.lag_ms = lag_ms(self);
    state.memory_bytes = resident_bytes();
    state.trouble = self->trouble[0] ? self->trouble : NULL;
    envelope_write(&frame, FEED_SYNC, ENTRY_ID_NONE, ENTRY_ID_NONE, &state.base);
    // who listens is all the same
    for (struct listener who; port_listener(self->events, &who);) continue;
    port_send(self->events, FEED_SYNC, buffer_span(&frame));
    buffer_destroy(&frame);
}

bool copy_goes_on(void *arg) {
    struct copy *self = arg;
    uint64_t now = clock_mono_ns();
    notify_alive(now);
    if (self->events && now - self->beat_at >= (uint64_t)self->settings.heartbeat_ms * NS_PER_MS) {
        self->beat_at = now;
        notify_status(self->trouble[0] ? self->trouble : "copies");
        beat_heart(self);
    }
    return !stop_asked;
}

int64_t copy_backoff_ms(unsigned n, int64_t first_ms, int64_t most_ms, uint32_t chance) {
    int64_t whole = first_ms;
    for (unsigned i = 1; i < n && whole < most_ms; i++) whole *= 2;
    if (whole > most_ms) whole = most_ms;
    return whole / 2 + (int64_t)(chance % (uint64_t)(whole / 2 + 1));
}

uint32_t copy_chance(void) { return randombytes_random(); }
