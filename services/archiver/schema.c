// schema - creates the tables and brings older files up to date.
// SPDX-License-Identifier: MIT
#include "services/archiver/schema.h"

#include "config.pb-c.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/chain.h"
#include "signal.pb-c.h"
#include "system.pb-c.h"

#define TABLE_FORM(name, type, key, meeting, extra) [TABLE_##name] = {#name, &type##__descriptor, key, meeting, extra},
const struct table_form table_forms[TABLE_COUNT] = {TABLES(TABLE_FORM)};
#undef TABLE_FORM

// What a message's fields cannot say, by version. A step is never changed once released: the next one corrects it.
static const char *const steps[] = {
    "CREATE TABLE positions (topic TEXT NOT NULL PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE owner (claim INTEGER NOT NULL);"
    "INSERT INTO owner VALUES (0);"
    "CREATE TABLE refused_rows (id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, row TEXT NOT NULL, reason TEXT NOT NULL,"
    " refused_at TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')));",
};

// What `explain` and the reports look things up by; ids are the tables' keys anyway.
static const char indexes[] = "CREATE INDEX IF NOT EXISTS orders_by_signal ON orders (signal_id);"
                              "CREATE INDEX IF NOT EXISTS trade_result_by_trade ON trade_result (trade_id);";

err_t schema_prepare(sql_t *db) {
    err_t e = sql_migrate(db, steps, sizeof(steps) / sizeof(steps[0]));
    for (size_t i = 0; !e && i < TABLE_COUNT; i++) {
        const struct table_form *t = &table_forms[i];
        e = sql_table_sync(db, t->type, t->name, t->extra ? NULL : t->key, t->extra);
    }
    if (!e) e = chain_prepare(db);
    return e ? e : sql_run(db, indexes);
}
