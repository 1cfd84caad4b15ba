// by_currency - performance tables of an earlier version get a row for each currency.
// SPDX-License-Identifier: MIT
#include "services/archiver/counts/by_currency.h"

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "proto/tables.h"
#include "services/archiver/counts/performance.h"

#define BEFORE         "performance_before"
#define CURRENCIES_MAX 16 // of one broker's accounts on one day

static const struct form {
    enum table_name table;
    const char *accounts; // of the one whose id is ?1; NULL: it is an account itself
} forms[] = {
    {TABLE_account_performance, NULL},
    {TABLE_broker_performance, "SELECT account_id FROM account_config WHERE broker_id = ?1"},
    {TABLE_instance_performance,
     "SELECT value FROM instance_config, json_each(accounts) WHERE instance_id = ?1"},
};

static err_t is_keyed_by_currency(sql_t *db, const char *table, bool *out) {
    char text[160];
    bool row = false;
    snprintf(text, sizeof(text),
             "SELECT 1 FROM pragma_table_info('%s') WHERE name = 'currency' AND pk > 0", table);
    own(sql_query) *q = sql_prepare(db, text);
    err_t e = q ? sql_step(q, &row) : ERR_DISK;
    *out = row;
    return e;
}

// Renamed, made anew with its key, and given back every row of one currency.
static err_t rekey_by_currency(sql_t *db, const struct table_form *t) {
    own(buffer) text = {0}, columns = {0};
    const struct record_columns *all = record_columns(t->type);
    for (unsigned i = 0; i < all->n; i++) buffer_format(&columns, "%s, ", all->fields[i]->name);
    buffer_text(&columns, CHANGED);
    buffer_format(&text, "ALTER TABLE %s RENAME TO " BEFORE ";", t->name);
    sql_table_of(t->type, t->name, NULL, t->extra, &text);
    buffer_format(&text,
                  "; UPDATE " BEFORE " SET currency = '" CURRENCY_UNKNOWN
                  "' WHERE currency IS NULL; INSERT INTO %s (%s) SELECT %s FROM " BEFORE
                  " WHERE currency <> 'mixed'",
                  t->name, buffer_string(&columns), buffer_string(&columns));
    return sql_run(db, buffer_string(&text));
}

// One mixed row.

struct split {
    const struct form *form;
    sql_query_t *rows, *put; // the accounts' rows of an id and a day; into the table
    arena_t *arena;
    struct performance all[CURRENCIES_MAX];
    size_t n;
};

static struct performance *get_currency_part(struct split *self, const AccountPerformance *mixed,
                                             const char *currency) {
    for (size_t i = 0; i < self->n; i++)
        if (strcmp(self->all[i].currency, currency) == 0) return &self->all[i];
    if (self->n == CURRENCIES_MAX) return NULL;
    performance_init(&self->all[self->n], mixed->account_id, mixed->day, currency);
    return &self->all[self->n++];
}

static err_t add_accounts(struct split *self, const AccountPerformance *mixed) {
    bool row = true;
    err_t e = ERR_OK;
    sql_bind_text(self->rows, 1, mixed->account_id);
    sql_bind_text(self->rows, 2, mixed->day);
    for (ProtobufCMessage *m; !e && !(e = sql_step(self->rows, &row)) && row;) {
        e = sql_row(self->rows, &account_performance__descriptor, self->arena, &m);
        const AccountPerformance *account = e ? NULL : (const AccountPerformance *)m;
        struct performance *part =
            account ? get_currency_part(self, mixed, account->currency) : NULL;
        if (!e && (!part || !performance_add_day(part, account))) e = ERR_INPUT;
    }
    sql_reset(self->rows);
    return e;
}

static bool adds_up(const struct split *self, const AccountPerformance *mixed) {
    uint64_t orders = 0, executions = 0;
    for (size_t i = 0; i < self->n; i++)
        orders += self->all[i].row.orders, executions += self->all[i].row.executions;
    return orders == mixed->orders && executions == mixed->executions;
}

static err_t upsert_currency_row(struct split *self, AccountPerformance row) {
    row.base.descriptor = table_forms[self->form->table].type; // the three types are laid out alike
    return sql_upsert(self->put, &row.base);
}

static err_t split_row(struct split *self, AccountPerformance *mixed) {
    self->n = 0;
    err_t e = add_accounts(self, mixed);
    bool good = !e && adds_up(self, mixed);
    if (!good && (!e || e == ERR_INPUT)) e = upsert_currency_row(self, *mixed);
    for (size_t i = 0; i < self->n; i++) {
        performance_finish(&self->all[i], mixed->updated_at, self->arena);
        if (good && !e) e = upsert_currency_row(self, self->all[i].row);
        performance_destroy(&self->all[i]);
    }
    return e;
}

static sql_query_t *prepare_rows(sql_t *db, const struct form *form) {
    char text[300];
    snprintf(text, sizeof(text),
             "SELECT * FROM account_performance WHERE account_id IN (%s) AND day = ?2 ORDER BY "
             "account_id",
             form->accounts ? form->accounts : "SELECT NULL");
    return sql_prepare(db, text);
}

static err_t split_all(sql_t *db, const struct form *form) {
    const struct table_form *t = &table_forms[form->table];
    const struct put_form put = {
        .type = t->type, .table = t->name, .key = t->key, .update = true, .numbered = CHANGED};
    own(sql_query) *mixed = sql_prepare(db, "SELECT * FROM " BEFORE " WHERE currency = 'mixed'");
    own(sql_query) *rows = prepare_rows(db, form);
    own(sql_query) *into = sql_prepare_put(db, &put);
    own(arena) *arena = arena_new(0);
    struct split split = {.form = form, .rows = rows, .put = into, .arena = arena};
    bool row = true;
    err_t e = mixed && rows && into ? ERR_OK : ERR_DISK;
    for (ProtobufCMessage *m; !e && !(e = sql_step(mixed, &row)) && row;) {
        arena_reset(arena);
        e = sql_row(mixed, t->type, arena, &m);
        if (!e) e = split_row(&split, (AccountPerformance *)m);
    }
    return e;
}

// What is written is numbered on, so that copies hear of it.
static err_t number_on(sql_t *db) {
    own(sql_query) *q = sql_prepare(db, "SELECT last FROM change_count");
    bool row = false;
    err_t e = q ? sql_step(q, &row) : ERR_DISK;
    int64_t last = !e && row ? sql_integer(q, 0) : 0;
    if (q) sql_reset(q); // SQLite takes no function while a statement runs
    if (!e) sql_number_changes(db, last);
    return e;
}

static err_t keep_number(sql_t *db) {
    char text[80];
    snprintf(text, sizeof(text), "UPDATE change_count SET last = %lld",
             (long long)sql_last_change(db));
    return sql_run(db, text);
}

static err_t bring_over(sql_t *db, const struct form *form) {
    const struct table_form *t = &table_forms[form->table];
    err_t e = sql_begin(db);
    if (e) return e;
    e = number_on(db);
    if (!e) e = rekey_by_currency(db, t);
    if (!e) e = split_all(db, form);
    if (!e) e = sql_run(db, "DROP TABLE " BEFORE);
    if (!e) e = keep_number(db);
    if (!e) e = sql_commit(db);
    if (e)
        sql_rollback(db);
    else
        log_event(LOG_LEVEL_INFO, "performance_by_currency", "table=%s", t->name);
    return e;
}

err_t by_currency_prepare(sql_t *db) {
    err_t e = ERR_OK;
    bool there = false;
    // the accounts first: the others are counted from them
    for (size_t i = 0; !e && i < sizeof(forms) / sizeof(forms[0]); i++) {
        e = is_keyed_by_currency(db, table_forms[forms[i].table].name, &there);
        if (!e && !there) e = bring_over(db, &forms[i]);
    }
    return e;
}
