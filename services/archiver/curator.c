// curator - what is done with the archive beside writing rows: the audit log, questions, removing what is old.
// SPDX-License-Identifier: MIT
#include "services/archiver/curator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/own.h"
#include "services/archiver/audit.h"

struct curator {
    sql_t *db;
    audit_t *audit;
    sql_query_t *settle;
    char restored_from[200];
    bool restored; // and the archive does not say yet that it has been noticed
};

static const char tables[] = "CREATE TABLE IF NOT EXISTS restored (at TEXT NOT NULL, source TEXT NOT NULL, noticed INTEGER NOT NULL);";

err_t curator_prepare(sql_t *db) {
    err_t e = sql_run(db, tables);
    if (!e) e = chain_prepare(db);
    return e ? e : audit_prepare(db);
}

static err_t read_restored(curator_t *self) {
    own(sql_query) *q = sql_prepare(self->db, "SELECT source FROM restored WHERE noticed = 0 ORDER BY at DESC LIMIT 1");
    err_t e = q ? sql_step(q, &self->restored) : ERR_CONFIG;
    if (!e && self->restored) snprintf(self->restored_from, sizeof(self->restored_from), "%s", sql_text(q, 0));
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
    self->audit = audit_new(&(struct audit_options){options->database, path, options->audit_rotate}, self->db, self->restored, why);
    if (!self->audit) log_event(LOG_LEVEL_ERROR, "audit_log_unusable", "why=%s", log_quote(why));
    return self->audit != NULL;
}

curator_t *curator_new(const struct curator_options *options, sql_t *db, chain_t *chain) {
    curator_t *self = calloc(1, sizeof(*self));
    if (!self) abort();
    (void)chain;
    self->db = db;
    self->settle = sql_prepare(db, "UPDATE restored SET noticed = 1 WHERE noticed = 0");
    bool good = self->settle && !read_restored(self) && open_audit(self, options);
    if (good && self->audit) audit_start(self->audit);
    if (!good) curator_destroy(&self);
    return self;
}

void curator_destroy(curator_t **self) {
    if (!*self) return;
    audit_destroy(&(*self)->audit);
    sql_query_destroy(&(*self)->settle);
    free(*self);
    *self = NULL;
}

err_t curator_open(curator_t *self, reactor_t *reactor, const struct context *context) {
    (void)self;
    (void)reactor;
    (void)context;
    return ERR_OK;
}

err_t curator_write(curator_t *self) {
    err_t e = self->audit ? audit_write_mark(self->audit) : ERR_OK;
    return e || !self->restored ? e : sql_execute(self->settle);
}

void curator_committed(curator_t *self) {
    if (self->audit) audit_committed(self->audit);
    self->restored = false;
}

err_t curator_tick(curator_t *self, batch_t *batch) {
    char why[200];
    if (self->audit && audit_trouble(self->audit, why))
        batch_alert(batch, ALERT__SEVERITY__critical, "audit_log_refused", "signals.log", "the audit log is behind: %s; it catches up", why);
    return ERR_OK;
}
