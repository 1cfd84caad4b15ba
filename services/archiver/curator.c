// curator - what is done with the archive beside writing rows: the audit log, questions, removing
// what is old.
// SPDX-License-Identifier: MIT
#include "services/archiver/curator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "services/archiver/audit/audit.h"
#include "services/archiver/backup_note.h"
#include "services/archiver/query/readers.h"
#include "services/archiver/rows/market_rows.h"
#include "services/archiver/rows/retention.h"

#define SWEEP_NS (60 * NS_PER_S)

struct curator {
    sql_t *db;
    struct curator_options options;
    audit_t *audit;
    readers_t *readers;
    sql_query_t *settle;
    retention_t *retention; // NULL: nothing is removed
    market_rows_t *market;
    uint64_t swept_at; // monotonic ns
    int64_t removed;
    bool more, refused;
    struct backup_note backup;
    char restored_from[200];
    bool restored; // and the archive does not say yet that it has been noticed
};

static const char tables[] = "CREATE TABLE IF NOT EXISTS restored (at TEXT NOT NULL, source TEXT "
                             "NOT NULL, noticed INTEGER NOT NULL);";

// What pages are read along (query.c).
static const char indexes[] =
    "CREATE INDEX IF NOT EXISTS signals_by_time ON signals (created_at, signal_id);"
    "CREATE INDEX IF NOT EXISTS trades_by_time ON trades (ordered_at, trade_id);"
    "CREATE INDEX IF NOT EXISTS trades_by_account ON trades (account_id, ordered_at, trade_id);"
    "CREATE INDEX IF NOT EXISTS trade_result_by_time ON trade_result (executed_at, result_id);"
    "CREATE INDEX IF NOT EXISTS trade_reconciliation_by_time ON trade_reconciliation "
    "(reconciled_at, trade_id);"
    "CREATE INDEX IF NOT EXISTS trade_failure_log_by_time ON trade_failure_log (failed_at, "
    "failure_id);";

err_t curator_prepare(sql_t *db) {
    err_t e = sql_run(db, tables);
    if (!e) e = chain_prepare(db);
    if (!e) e = audit_prepare(db);
    return e ? e : sql_run(db, indexes);
}

static err_t read_restored(curator_t *self) {
    own(sql_query) *q = sql_prepare(
        self->db, "SELECT source FROM restored WHERE noticed = 0 ORDER BY at DESC LIMIT 1");
    err_t e = q ? sql_step(q, &self->restored) : ERR_CONFIG;
    if (!e && self->restored)
        snprintf(self->restored_from, sizeof(self->restored_from), "%s", sql_text(q, 0));
    return e;
}

bool curator_restored(const curator_t *self, char from[static 200]) {
    memcpy(from, self->restored_from, sizeof(self->restored_from));
    return self->restored;
}

static bool open_audit(curator_t *self, const struct curator_options *options) {
    char path[512], why[200] = "";
    const char *slash = strrchr(options->database, '/');
    int dir = slash ? (int)(slash - options->database) + 1 : 0;
    if (options->audit_log && strcmp(options->audit_log, "off") == 0) return true;
    if (options->audit_log)
        snprintf(path, sizeof(path), "%s", options->audit_log);
    else
        snprintf(path, sizeof(path), "%.*ssignals.log", dir, options->database);
    self->audit = audit_new(&(struct audit_options){options->database, path, options->audit_rotate},
                            self->db, self->restored, why);
    if (!self->audit) log_event(LOG_LEVEL_ERROR, "audit_log_unusable", "why=%s", log_quote(why));
    return self->audit != NULL;
}

curator_t *curator_new(const struct curator_options *options, sql_t *db, chain_t *chain) {
    curator_t *self = alloc_zeroed(1, sizeof(*self));
    self->db = db;
    self->options = *options;
    self->settle = sql_prepare(db, "UPDATE restored SET noticed = 1 WHERE noticed = 0");
    self->market = market_rows_new(db, options->market_days);
    bool good = self->settle && self->market && !read_restored(self) && open_audit(self, options);
    bool retains = options->retain_days || options->retain_log_days;
    if (good && retains)
        self->retention = retention_new(
            &(struct retention_options){db, chain, options->retain_days, options->retain_log_days});
    if (retains) good = good && self->retention;
    if (good && self->audit) audit_start(self->audit);
    if (!good) curator_destroy(&self);
    return self;
}

void curator_destroy(curator_t **self) {
    if (!*self) return;
    readers_destroy(&(*self)->readers);
    audit_destroy(&(*self)->audit);
    retention_destroy(&(*self)->retention);
    market_rows_destroy(&(*self)->market);
    sql_query_destroy(&(*self)->settle);
    free(*self);
    *self = NULL;
}

err_t curator_open(curator_t *self, const struct context *context) {
    char why[200] = "";
    const struct readers_options options = {self->options.database, context->run_dir,
                                            context->name,          context->transport,
                                            self->options.readers,  self->options.answer_ms};
    self->readers = readers_new(&options, why);
    if (!self->readers) log_event(LOG_LEVEL_ERROR, "cannot_answer", "why=%s", log_quote(why));
    return self->readers ? ERR_OK : ERR_SYSTEM;
}

err_t curator_write(curator_t *self) {
    err_t e = self->audit ? audit_write_mark(self->audit) : ERR_OK;
    return e || !self->restored ? e : sql_execute(self->settle);
}

void curator_committed(curator_t *self) {
    if (self->audit) audit_committed(self->audit);
    self->restored = false;
}

void curator_beat(const curator_t *self, Heartbeat *out) {
    out->backup_at = self->backup.at;
    out->has_backup_at = out->backup_at != 0;
}

// A step at each tick while there is something to do, else one a minute. What fails is tried again
// then.
static void remove_old_rows(curator_t *self, batch_t *batch) {
    struct retention_step step = {.now = batch_now(batch),
                                  .signals_to = self->audit ? audit_first(self->audit) : INT64_MAX};
    uint64_t mono = batch_mono(batch);
    if (!self->retention || (!self->more && self->swept_at && mono - self->swept_at < SWEEP_NS))
        return;
    err_t e = retention_step(self->retention, &step);
    self->swept_at = mono;
    self->removed += step.removed;
    if (e && !self->refused)
        log_event(LOG_LEVEL_WARNING, "retention_refused", "error=%s why=%s", error_name(e),
                  log_quote(sql_trouble(self->db)));
    self->refused = e != ERR_OK;
    self->more = !e && step.more;
    if (e || self->more || !self->removed) return;
    log_event(LOG_LEVEL_INFO, "old_rows_removed", "rows=%lld", (long long)self->removed);
    self->removed = 0;
}

static void remove_old_market_rows(curator_t *self, batch_t *batch) {
    err_t e = market_rows_retire(self->market, batch_now(batch), batch_mono(batch));
    if (e)
        log_event(LOG_LEVEL_WARNING, "market_retention_refused", "error=%s why=%s", error_name(e),
                  log_quote(sql_trouble(self->db)));
}

err_t curator_tick(curator_t *self, batch_t *batch) {
    char why[200];
    if (self->audit && audit_trouble(self->audit, why))
        batch_alert(batch, ALERT__SEVERITY__critical, "audit_log_refused", "signals.log",
                    "the audit log cannot be written: %s; signals are archived without it, and it "
                    "catches up by itself",
                    why);
    char words[300];
    if (self->audit && audit_unreadable(self->audit, words))
        batch_alert(batch, ALERT__SEVERITY__critical, "unreadable_row", "signals.log", "%s", words);
    backup_note_look(&self->backup, self->options.database, batch);
    remove_old_rows(self, batch);
    remove_old_market_rows(self, batch);
    return ERR_OK;
}
