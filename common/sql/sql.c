// sql - SQLite behind one door: WAL and FULL, prepared statements only, rows by descriptor.
// SPDX-License-Identifier: MIT
#include "common/sql/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/sql/sql_statement.h"

#define BUSY_MS 5000

struct sql {
    sqlite3 *db;
    char trouble[200];
    int64_t last_change;     // the last number that next_change() gave
    uint64_t deadline;       // monotonic ns; 0: none
    sql_unreadable_fn *note; // hears of cells that cannot be read
    void *note_arg;
};

struct sql_query {
    sql_t *owner;
    sqlite3_stmt *statement;
    int bound; // the first binding that failed
};

static err_t error_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_INTERRUPT:
        return ERR_BUSY;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return ERR_RULE;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_SCHEMA:
    case SQLITE_INTERNAL:
        return ERR_CONFIG; // our mistake
    default:
        return ERR_DISK; // full, I/O, busy, locked, read-only, corrupt, cannot open
    }
}

static err_t note_result(sql_t *self, int rc) {
    err_t e = error_of(rc);
    if (e) snprintf(self->trouble, sizeof(self->trouble), "%s", sqlite3_errmsg(self->db));
    return e;
}

const char *sql_trouble(const sql_t *self) { return self->trouble; }
struct sqlite3 *sql_handle(sql_t *self) {
    return self->db;
}

static int is_query_late(void *arg) {
    const sql_t *self = arg;
    return self->deadline && clock_mono_ns() > self->deadline;
}

void sql_answer_within(sql_t *self, int64_t ms) {
    self->deadline = ms ? clock_mono_ns() + (uint64_t)ms * NS_PER_MS : 0;
    sqlite3_progress_handler(self->db, 10000, ms ? is_query_late : NULL, self);
}

// Opening.

static const char write_settings[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-16384;" // 16 MiB
    // 16 MiB: a page that is written again and again goes to the file once
    "PRAGMA wal_autocheckpoint=4000;"
    "PRAGMA journal_size_limit=67108864;"; // the WAL shrinks to 64 MiB again
static const char read_settings[] =
    "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096;";

static int configure_connection(sqlite3 *db, enum sql_mode mode) {
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    // "name" is never a text: a column that is not there would read as its own name.
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    return sqlite3_exec(db, mode == SQL_WRITE ? write_settings : read_settings, NULL, NULL, NULL);
}

static int open_connection(const char *path, enum sql_mode mode, sqlite3 **db) {
    int flags =
        SQLITE_OPEN_NOMUTEX |
        (mode == SQL_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    int rc = sqlite3_open_v2(path, db, flags, NULL);
    return rc == SQLITE_OK ? configure_connection(*db, mode) : rc;
}

sql_t *sql_open(const char *path, enum sql_mode mode, char why[static 200]) {
    sql_t *self = alloc_zeroed(1, sizeof(*self));
    int rc = open_connection(path, mode, &self->db);
    if (rc == SQLITE_OK) return self;
    snprintf(why, 200, "%s: %s; it must be a SQLite file in a directory that this user may %s",
             path, self->db ? sqlite3_errmsg(self->db) : sqlite3_errstr(rc),
             mode == SQL_WRITE ? "write" : "read");
    sql_destroy(&self);
    return NULL;
}

void sql_destroy(sql_t **self) {
    if (!*self) return;
    sqlite3_close_v2((*self)->db);
    free(*self);
    *self = NULL;
}

// "ok", or the first thing wrong.
static err_t quick_check(sql_t *db, char why[static 200]) {
    own(sql_query) *q = sql_prepare(db, "PRAGMA quick_check(1)");
    bool row = false;
    err_t e = q ? sql_step(q, &row) : ERR_INPUT;
    const char *said = !e && row ? sql_text(q, 0) : sql_trouble(db);
    if (!e && said && strcmp(said, "ok") == 0) return ERR_OK;
    snprintf(why, 200, "%s", said ? said : "cannot be checked");
    return ERR_INPUT;
}

err_t sql_check(const char *path, int64_t full_below, char why[static 200]) {
    struct stat file;
    if (stat(path, &file) != 0) {
        if (errno == ENOENT) return ERR_OK;
        snprintf(why, 200, "%s: %s", path, strerror(errno));
        return ERR_DISK;
    }
    sqlite3 *db = NULL;
    int rc = open_connection(path, SQL_WRITE, &db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        snprintf(why, 200, "%s: %s", path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    sqlite3_close_v2(db);
    if ((rc & 0xff) == SQLITE_NOTADB || (rc & 0xff) == SQLITE_CORRUPT) return ERR_INPUT;
    if (rc != SQLITE_OK) return ERR_DISK;
    if (file.st_size > full_below) return ERR_OK;
    own(sql) *whole = sql_open(path, SQL_WRITE, why);
    return whole ? quick_check(whole, why) : ERR_DISK;
}

// Statements without parameters.

err_t sql_run(sql_t *self, const char *statements) {
    return note_result(self, sqlite3_exec(self->db, statements, NULL, NULL, NULL));
}

err_t sql_begin(sql_t *self) { return sql_run(self, "BEGIN IMMEDIATE"); }

// After a full disk SQLite has rolled back by itself; what is not in a transaction needs no
// rollback.
void sql_rollback(sql_t *self) {
    if (!sqlite3_get_autocommit(self->db)) sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

err_t sql_commit(sql_t *self) {
    // the transaction is gone already: nothing of it remains
    if (sqlite3_get_autocommit(self->db)) {
        snprintf(self->trouble, sizeof(self->trouble),
                 "the transaction was rolled back before its commit");
        return ERR_DISK;
    }
    err_t e = sql_run(self, "COMMIT");
    if (e) sql_rollback(self);
    return e;
}

static err_t version_of(sql_t *self, size_t *version) {
    own(sql_query) *q = sql_prepare(self, "PRAGMA user_version");
    bool row = false;
    err_t e = q ? sql_step(q, &row) : ERR_DISK;
    if (!e && row) *version = (size_t)sql_integer(q, 0);
    return e;
}

static err_t migrate_one(sql_t *self, const char *step, size_t version) {
    char number[64];
    snprintf(number, sizeof(number), "PRAGMA user_version=%zu", version);
    err_t e = sql_begin(self);
    if (!e) e = sql_run(self, step);
    if (!e) e = sql_run(self, number);
    if (!e) return sql_commit(self);
    sql_rollback(self);
    return e;
}

err_t sql_migrate(sql_t *self, const char *const *steps, size_t n) {
    size_t version = 0;
    err_t e = version_of(self, &version);
    if (!e && version > n) {
        snprintf(self->trouble, sizeof(self->trouble),
                 "the file has schema version %zu, this program knows %zu: use the newer program",
                 version, n);
        e = ERR_CONFIG;
    }
    for (; !e && version < n; version++) e = migrate_one(self, steps[version], version + 1);
    return e;
}

// Numbers of changes.

static void next_change(sqlite3_context *context, int n, sqlite3_value **values) {
    sql_t *self = sqlite3_user_data(context);
    int64_t now = (int64_t)(clock_utc_ns() / NS_PER_US);
    (void)n;
    (void)values;
    self->last_change = now > self->last_change ? now : self->last_change + 1;
    sqlite3_result_int64(context, self->last_change);
}

void sql_number_changes(sql_t *self, int64_t last) {
    self->last_change = last;
    if (sqlite3_create_function(self->db, "next_change", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, self,
                                next_change, NULL, NULL))
        abort();
}

int64_t sql_last_change(const sql_t *self) { return self->last_change; }

// Prepared statements.

sql_query_t *sql_prepare(sql_t *self, const char *text) {
    sql_query_t *q = alloc_zeroed(1, sizeof(*q));
    q->owner = self;
    int rc = sqlite3_prepare_v3(self->db, text, -1, SQLITE_PREPARE_PERSISTENT, &q->statement, NULL);
    if (rc == SQLITE_OK) return q;
    (void)note_result(self, rc);
    log_event(LOG_LEVEL_ERROR, "statement_refused", "why=%s text=%s", log_quote(self->trouble),
              log_quote(text));
    free(q);
    return NULL;
}

void sql_query_destroy(sql_query_t **self) {
    if (!*self) return;
    sqlite3_finalize((*self)->statement);
    free(*self);
    *self = NULL;
}

bool sql_prepare_all(sql_t *self, const char *const *texts, size_t n, sql_query_t **queries) {
    for (size_t i = 0; i < n; i++)
        if (!(queries[i] = sql_prepare(self, texts[i]))) return false;
    return true;
}

void sql_query_destroy_all(sql_query_t **queries, size_t n) {
    for (size_t i = 0; i < n; i++) sql_query_destroy(&queries[i]);
}

static void note_bound(sql_query_t *q, int rc) {
    if (rc != SQLITE_OK && q->bound == SQLITE_OK) q->bound = rc;
}

static void bind_text(sql_query_t *q, int at, struct span text, sqlite3_destructor_type life) {
    note_bound(q, sqlite3_bind_text64(q->statement, at, text.data ? text.data : "", text.length,
                                      life, SQLITE_UTF8));
}

void sql_bind_text(sql_query_t *q, int at, const char *text) {
    if (text)
        bind_text(q, at, span_of(text), SQLITE_TRANSIENT);
    else
        note_bound(q, sqlite3_bind_null(q->statement, at));
}

void sql_bind_static_text(sql_query_t *q, int at, struct span text) {
    bind_text(q, at, text, SQLITE_STATIC);
}

void sql_bind_bytes(sql_query_t *q, int at, struct span bytes) {
    note_bound(q, sqlite3_bind_blob64(q->statement, at, bytes.data ? bytes.data : "", bytes.length,
                                      SQLITE_TRANSIENT));
}

void sql_bind_static_bytes(sql_query_t *q, int at, struct span bytes) {
    note_bound(q, sqlite3_bind_blob64(q->statement, at, bytes.data ? bytes.data : "", bytes.length,
                                      SQLITE_STATIC));
}

void sql_bind_integer(sql_query_t *q, int at, int64_t value) {
    note_bound(q, sqlite3_bind_int64(q->statement, at, value));
}

void sql_bind_decimal(sql_query_t *q, int at, decimal_t value) {
    char text[DECIMAL_TEXT];
    bind_text(q, at, (struct span){text, decimal_print(value, text)}, SQLITE_TRANSIENT);
}

void sql_bind_time(sql_query_t *q, int at, uint64_t utc_ns) {
    char text[SQL_TIME_TEXT];
    bind_text(q, at, (struct span){text, sql_time_print(utc_ns, text)}, SQLITE_TRANSIENT);
}

// time_print leaves a fraction of zero out and shortens it; here it is always six digits, so that
// texts sort as times do.
size_t sql_time_print(uint64_t utc_ns, char out[static SQL_TIME_TEXT]) {
    size_t n = time_print(utc_ns / NS_PER_S * NS_PER_S, out);
    uint64_t us = utc_ns % NS_PER_S / NS_PER_US;
    char *p = out + n - 1; // the Z
    *p++ = '.';
    for (uint64_t unit = 100000; unit; unit /= 10) *p++ = (char)('0' + us / unit % 10);
    *p++ = 'Z';
    *p = 0;
    return (size_t)(p - out);
}

err_t sql_step(sql_query_t *q, bool *row) {
    *row = false;
    int rc = q->bound;
    if (rc == SQLITE_OK) rc = sqlite3_step(q->statement);
    if (rc == SQLITE_ROW) {
        *row = true;
        return ERR_OK;
    }
    err_t e = note_result(q->owner, rc);
    sql_reset(q);
    return e;
}

err_t sql_execute(sql_query_t *q) {
    bool row = false;
    err_t e = sql_step(q, &row);
    if (row) sql_reset(q);
    return e;
}

int64_t sql_changes(const sql_t *self) { return sqlite3_changes64(self->db); }

void sql_reset(sql_query_t *q) {
    sqlite3_reset(q->statement);
    q->bound = SQLITE_OK;
}

const char *sql_text(sql_query_t *q, int column) {
    return (const char *)sqlite3_column_text(q->statement, column);
}
int64_t sql_integer(sql_query_t *q, int column) {
    return sqlite3_column_int64(q->statement, column);
}
int sql_columns(const sql_query_t *q) { return sqlite3_column_count(q->statement); }
const char *sql_column(const sql_query_t *q, int column) {
    return sqlite3_column_name(q->statement, column);
}
bool sql_is_null(sql_query_t *q, int column) {
    return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

struct span sql_bytes(sql_query_t *q, int column) {
    const void *data = sqlite3_column_blob(q->statement, column);
    return (struct span){data ? data : "",
                         data ? (size_t)sqlite3_column_bytes(q->statement, column) : 0};
}

// What cannot be read.

void sql_on_unreadable(sql_t *self, sql_unreadable_fn *hear, void *arg) {
    self->note = hear;
    self->note_arg = arg;
}

bool sql_note_cell(sql_query_t *q, const struct unreadable_cell *cell) {
    if (q->owner->note) q->owner->note(q->owner->note_arg, cell);
    return q->owner->note != NULL;
}

void sql_cell_words(const struct unreadable_cell *cell, char out[static 300]) {
    (void)snprintf(out, 300, "%s %.64s is read without %s: it %s, not \"%.80s\"", cell->type,
                   cell->row, cell->column, cell->rule, cell->value);
}
