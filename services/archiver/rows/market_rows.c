// market_rows - the oldest rows stand first, so that only they are looked at.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/market_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"

#define STEP_ROWS  500
#define EVERY_NS   (60 * NS_PER_S)
#define DAY_NS     (UINT64_C(86400) * NS_PER_S)
#define TABLES_MAX 6

static const struct {
    const char *table, *time;
} timed[TABLES_MAX] = {
    {"market_bars", "opened_at"},      {"market_indicators", "timestamp"},
    {"market_sentiment", "timestamp"}, {"watchlist_log", "timestamp"},
    {"candidates_log", "timestamp"},   {"market_context", "timestamp"},
};

struct market_rows {
    sql_t *db;
    int64_t days;
    sql_query_t *remove[TABLES_MAX];
    uint64_t looked_at; // monotonic ns
    bool more;
};

market_rows_t *market_rows_new(sql_t *db, int64_t days) {
    market_rows_t *self = alloc_zeroed(1, sizeof *self);
    self->db = db;
    self->days = days;
    for (size_t i = 0; i < TABLES_MAX; i++) {
        char text[256];
        snprintf(
            text, sizeof text,
            "DELETE FROM %s WHERE \"%s\" < ?1 AND rowid IN (SELECT rowid FROM %s ORDER BY rowid "
            "LIMIT %d)",
            timed[i].table, timed[i].time, timed[i].table, STEP_ROWS);
        self->remove[i] = sql_prepare(db, text);
        if (!self->remove[i]) {
            market_rows_destroy(&self);
            return NULL;
        }
    }
    return self;
}

void market_rows_destroy(market_rows_t **self) {
    if (!*self) return;
    for (size_t i = 0; i < TABLES_MAX; i++) sql_query_destroy(&(*self)->remove[i]);
    free(*self);
    *self = NULL;
}

static err_t remove_oldest(market_rows_t *self, uint64_t before) {
    err_t e = sql_begin(self->db);
    self->more = false;
    for (size_t i = 0; !e && i < TABLES_MAX; i++) {
        sql_bind_time(self->remove[i], 1, before);
        e = sql_execute(self->remove[i]);
        self->more |= !e && sql_changes(self->db) == STEP_ROWS;
    }
    if (!e) e = sql_commit(self->db);
    if (e) sql_rollback(self->db);
    return e;
}

err_t market_rows_retire(market_rows_t *self, uint64_t now, uint64_t mono) {
    const uint64_t kept = (uint64_t)self->days * DAY_NS;
    if (!self->days || now < kept) return ERR_OK;
    if (!self->more && self->looked_at && mono - self->looked_at < EVERY_NS) return ERR_OK;
    self->looked_at = mono;
    return remove_oldest(self, now - kept);
}
