// schema - creates the tables and brings older files up to date.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/schema.h"

#include <stdio.h>

#include "services/archiver/counts/backfill.h"
#include "services/archiver/counts/by_currency.h"
#include "services/archiver/curator.h"

// What a message's fields cannot say, by version. A step is never changed once released: the next
// one corrects it.
static const char *const steps[] = {
    "CREATE TABLE positions (topic TEXT NOT NULL PRIMARY KEY, position TEXT NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE owner (claim INTEGER NOT NULL);"
    "INSERT INTO owner VALUES (0);"
    "CREATE TABLE refused_rows (id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, "
    "row TEXT NOT NULL, reason TEXT NOT NULL,"
    " refused_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')));",
    // The last number given in a column `changed`, and rows that are gone: a copy takes them away,
    // too.
    "CREATE TABLE change_count (last INTEGER NOT NULL);"
    "INSERT INTO change_count VALUES (0);"
    "CREATE TABLE removed_rows (table_name TEXT NOT NULL, changed INTEGER NOT NULL, key TEXT NOT "
    "NULL, PRIMARY KEY (table_name, changed))"
    " WITHOUT ROWID;",
    // What earlier versions left to be counted: backfill.h.
    "CREATE TABLE backfill (table_name TEXT NOT NULL PRIMARY KEY, after INTEGER NOT NULL, until "
    "INTEGER NOT NULL) WITHOUT ROWID;",
};

// What `explain` and people look things up by; ids are the tables' keys anyway. Each costs an order
// some 1 to 3 us of the archiver's time.
#define INDEXES(X)                                                                                 \
    X(orders_by_signal, "orders (signal_id)")                                                      \
    X(trade_result_by_trade, "trade_result (trade_id)")                                            \
    X(trades_by_symbol, "trades (symbol, ordered_at, trade_id)")                                   \
    X(trades_by_state, "trades (state, ordered_at, trade_id)")                                     \
    X(trades_by_cause, "trades (cause_id) WHERE cause_id IS NOT NULL")                             \
    X(order_commands_by_command, "order_commands (of_command) WHERE of_command IS NOT NULL")       \
    X(signals_by_symbol, "signals (symbol, created_at, signal_id)")                                \
    X(signals_by_strategy, "signals (strategy, created_at, signal_id)")                            \
    X(signals_by_status, "signals (status, created_at, signal_id)")                                \
    X(signals_of_consensus, "signals (created_at) WHERE votes IS NOT NULL")
#define INDEX_TEXT(name, columns) "CREATE INDEX IF NOT EXISTS " #name " ON " columns ";"
static const char indexes[] = INDEXES(INDEX_TEXT);
#undef INDEX_TEXT

// A table of an earlier version: its rows are numbered as they stand, below any number that a write
// gives.
static err_t number_rows(sql_t *db, const char *table) {
    char text[256];
    bool there = false;
    err_t e = sql_has_column(db, table, CHANGED, &there);
    if (e || there) return e;
    snprintf(text, sizeof(text),
             "ALTER TABLE \"%s\" ADD COLUMN " CHANGED " INTEGER NOT NULL DEFAULT 0", table);
    e = sql_begin(db);
    if (!e) e = sql_run(db, text);
    snprintf(text, sizeof(text), "UPDATE \"%s\" SET " CHANGED " = rowid", table);
    if (!e) e = sql_run(db, text);
    if (!e) return sql_commit(db);
    sql_rollback(db);
    return e;
}

err_t schema_prepare(sql_t *db) {
    err_t e = sql_migrate(db, steps, sizeof(steps) / sizeof(steps[0]));
    for (size_t i = 0; !e && i < TABLE_COUNT; i++) {
        const struct table_form *t = &table_forms[i];
        e = sql_table_sync(db, t->type, t->name, t->extra ? NULL : t->key, t->extra);
        if (!e) e = number_rows(db, t->name);
    }
    if (!e) e = by_currency_prepare(db);
    if (!e) e = curator_prepare(db);
    if (!e) e = sql_run(db, indexes);
    return e ? e : backfill_prepare(db);
}

err_t schema_index_changes(sql_t *db, bool wanted) {
    char text[256];
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < TABLE_COUNT; i++) {
        const char *name = table_forms[i].name;
        if (wanted && table_forms[i].copying == COPIED)
            snprintf(text, sizeof(text),
                     "CREATE INDEX IF NOT EXISTS %s_by_change ON %s (" CHANGED ")", name, name);
        else
            snprintf(text, sizeof(text), "DROP INDEX IF EXISTS %s_by_change", name);
        e = sql_run(db, text);
    }
    return e;
}
