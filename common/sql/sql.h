// sql - SQLite behind one door: WAL and FULL, prepared statements only, rows by descriptor.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/decimal.h"
#include "common/base/error.h"

typedef struct sql sql_t;
typedef struct sql_query sql_query_t; // a prepared statement

enum sql_mode { SQL_WRITE, SQL_READ }; // SQL_READ: read-only, defensive
// WAL, synchronous=FULL, foreign keys on, busy timeout 5 s, defensive. NULL: *why says what is
// wrong and what to do.
sql_t *sql_open(const char *path, enum sql_mode mode, char why[static 200]);
void sql_destroy(sql_t **self);
const char *sql_trouble(const sql_t *self); // the last error in words
// What a statement may take from now on, all its steps together; then it fails with ERR_BUSY. 0: as
// long as it takes.
void sql_answer_within(sql_t *self, int64_t ms);

// Schema by version (PRAGMA user_version): applies steps[version…n) each in one transaction.
// ERR_CONFIG: the file is newer than this program.
err_t sql_migrate(sql_t *self, const char *const *steps, size_t n);
// Whether a database can be used: ERR_OK (also when there is none yet); ERR_INPUT: damaged;
// ERR_DISK: cannot be opened. Every page is looked at when the file is not larger than full_below
// bytes, else only what opening it touches. *why is set when it is not ERR_OK.
err_t sql_check(const char *path, int64_t full_below, char why[static 200]);
// several, without parameters. ERR_DISK: full, I/O error, busy, read-only, corrupt
err_t sql_run(sql_t *self, const char *statements);
err_t sql_begin(sql_t *self); // BEGIN IMMEDIATE
// on failure the transaction is rolled back: nothing of it remains
err_t sql_commit(sql_t *self);
void sql_rollback(sql_t *self);

// kept by the caller; NULL: our mistake (it is logged)
sql_query_t *sql_prepare(sql_t *self, const char *text);
void sql_query_destroy(sql_query_t **self);

// A module's statements by name. With LIST(X) a list of X(name, text): enum query_name with
// QUERY_<name> and QUERY_COUNT, and query_texts in that order, for sql_prepare_all.
#define SQL_QUERIES(LIST)                                                                          \
    enum query_name { LIST(SQL_QUERY_NAME) QUERY_COUNT };                                          \
    static const char *const query_texts[QUERY_COUNT] = {LIST(SQL_QUERY_TEXT)}
#define SQL_QUERY_NAME(name, text) QUERY_##name,
#define SQL_QUERY_TEXT(name, text) [QUERY_##name] = (text),
// Prepares n statements. False: one of them could not be (sql_prepare logged it); what there is
// stays the caller's to destroy.
bool sql_prepare_all(sql_t *self, const char *const *texts, size_t n, sql_query_t **queries);
void sql_query_destroy_all(sql_query_t **queries, size_t n);

// at from 1; NULL binds NULL; text is copied
void sql_bind_text(sql_query_t *q, int at, const char *text);
void sql_bind_bytes(sql_query_t *q, int at, struct span bytes);
void sql_bind_integer(sql_query_t *q, int at, int64_t value);
void sql_bind_decimal(sql_query_t *q, int at, decimal_t value); // stored as text, plain decimal
// stored as text, ISO 8601, always six decimals: sorts as text
void sql_bind_time(sql_query_t *q, int at, uint64_t utc_ns);
#define SQL_TIME_TEXT 32
// a time as it stands in a column
size_t sql_time_print(uint64_t utc_ns, char out[static SQL_TIME_TEXT]);
// Runs a statement that returns no rows, and resets it. Each step is checked.
err_t sql_execute(sql_query_t *q);
int64_t sql_changes(const sql_t *self); // rows that the last statement inserted, changed or deleted
// ERR_OK with *row true while there is one; resets itself after the last.
err_t sql_step(sql_query_t *q, bool *row);
void sql_reset(sql_query_t *q);
// from 0; NULL for NULL; valid until the next step
const char *sql_text(sql_query_t *q, int column);
int64_t sql_integer(sql_query_t *q, int column);
struct span sql_bytes(sql_query_t *q, int column);

// Gives the function next_change() to this connection's statements: each call is a number above all
// before it, and not below the time in us since 1970, so that numbers grow over restarts, a
// restored copy and a new file, too. `last`: the highest one given so far.
void sql_number_changes(sql_t *self, int64_t last);
int64_t sql_last_change(const sql_t *self);

// Rows by descriptor. Column affinity: decimal, time, text, enum, nested: TEXT; integer, bool:
// INTEGER; bytes: BLOB.
// "CREATE TABLE IF NOT EXISTS name (field TYPE [NOT NULL], …[, extra])" from the descriptor's
// fields; primary: the key's field, or NULL when `extra` says what the key is.
// `extra` may close the list itself, to end with ") WITHOUT ROWID": the table is kept in its key's
// order.
void sql_table_of(const ProtobufCMessageDescriptor *d, const char *table, const char *primary,
                  const char *extra, buffer_t *out);
// Creates the table as sql_table_of says, or adds the columns that the descriptor has and the table
// has not: a new field needs no migration.
err_t sql_table_sync(sql_t *self, const ProtobufCMessageDescriptor *d, const char *table,
                     const char *primary, const char *extra);
err_t sql_has_column(sql_t *self, const char *table, const char *column, bool *there);

// A prepared "INSERT INTO table (fields…) VALUES (…) ON CONFLICT(key) DO UPDATE SET all" (or DO
// NOTHING).
struct put_form {
    const ProtobufCMessageDescriptor *type;
    const char *table;
    const char *key; // one or more names
    bool update;
    // NULL, or a column (a time): a row that is there stays when its own is later
    const char *newer_by;
    const char *numbered; // NULL, or a further column that next_change() fills at each write
};
sql_query_t *sql_prepare_put(sql_t *self, const struct put_form *form);
sql_query_t *sql_prepare_upsert(sql_t *self, const ProtobufCMessageDescriptor *d, const char *table,
                                const char *primary, bool update);
err_t sql_upsert(sql_query_t *q, const ProtobufCMessage *m);

// What stands in a column and cannot be read.
struct unreadable_cell {
    const char *type; // of the row: the message's name
    const char *row;  // which one: the text of its first field
    const char *column, *rule, *value;
};
// valid during the call only
typedef void sql_unreadable_fn(void *arg, const struct unreadable_cell *cell);
// From now on a row that cannot be read whole is read without what cannot (a text that is required
// is empty), and `note` hears of each cell. Otherwise sql_row ends with ERR_INPUT.
void sql_on_unreadable(sql_t *self, sql_unreadable_fn *note, void *arg);
// "TradeResult r-1 is shown without executed_at: …"
void sql_cell_words(const struct unreadable_cell *cell, char out[static 300]);
// columns by name
err_t sql_row(sql_query_t *q, const ProtobufCMessageDescriptor *d, arena_t *arena,
              ProtobufCMessage **out);
