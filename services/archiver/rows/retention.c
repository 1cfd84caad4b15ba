// retention - rows of days long past are removed, what is not final stays, and the chain goes on.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/archiver/rows/schema.h"

#define STEP_ROWS  500
#define VACUUM_RUN "PRAGMA incremental_vacuum(256)"
#define DAY_NS     (UINT64_C(86400) * NS_PER_S)
#define KEYS_MAX   3
#define KEY_TEXT   512
#define PARTS_MAX  2

#define TRADE_OVER                                                                                 \
    "NOT EXISTS (SELECT 1 FROM trades t WHERE t.trade_id = x.trade_id AND " TRADE_OPEN ")"
#define SIGNAL_OVER                                                                                \
    "NOT EXISTS (SELECT 1 FROM signals s WHERE s.signal_id = x.signal_id AND s.status NOT IN "     \
    "('completed', 'failed'))"                                                                     \
    " AND NOT EXISTS (SELECT 1 FROM orders o JOIN trades t ON t.trade_id = o.trade_id WHERE "      \
    "o.signal_id = x.signal_id AND " TRADE_OPEN ")"
#define RESULT_OVER                                                                                \
    "NOT EXISTS (SELECT 1 FROM trade_result r JOIN trades t ON t.trade_id = r.trade_id WHERE "     \
    "r.result_id = x.result_id AND " TRADE_OPEN ")"

// When a row of a table is final; and what, keyed alike, goes with it. NULL: never.
struct rule {
    const char *final;
    const char *with[PARTS_MAX];
};
static const struct rule rules[TABLE_COUNT] = {
    [TABLE_signals] = {"x.id <= ?2 AND " SIGNAL_OVER, {NULL}},
    [TABLE_orders] = {TRADE_OVER, {NULL}},
    [TABLE_order_commands] = {"1", {NULL}},
    [TABLE_commands] = {"1", {NULL}},
    [TABLE_routings] = {SIGNAL_OVER, {NULL}},
    [TABLE_trades] = {TRADE_OVER,
                      {"trade_performance WHERE trade_id",
                       "trade_reconciliation_log WHERE trade_id"}},
    [TABLE_trade_result] = {TRADE_OVER, {"commission_log WHERE result_id", NULL}},
    [TABLE_result_metrics] = {RESULT_OVER, {NULL}},
    [TABLE_trade_reconciliation] = {TRADE_OVER, {NULL}},
    [TABLE_signal_execution_status] = {SIGNAL_OVER, {NULL}},
    [TABLE_trade_failure_log] = {"1", {NULL}},
    [TABLE_system_event_log] = {"1", {NULL}},
    [TABLE_alert_log] = {"1", {NULL}},
    [TABLE_llm_decision] = {"x.state NOT IN ('proposed', 'submitting')", {NULL}},
};

// What the system says of itself. Rows are written in the order of time, so that the oldest ones
// are looked at, and no others.
static const struct log_table {
    enum table_name table;
    const char *key; // of a row that the chain covers; NULL: it covers none of the table
} log_tables[] = {{TABLE_system_event_log, "event_id"},
                  {TABLE_alert_log, "alert_id"},
                  {TABLE_performance_log, NULL}};
#define LOGS (sizeof log_tables / sizeof *log_tables)

struct statements {
    sql_query_t *find, *remove, *with[PARTS_MAX];
};

struct retention {
    struct retention_options options;
    struct statements of[TABLE_COUNT];
    sql_query_t *oldest, *unchain, *start, *mark_days;
    struct log_sweep {
        sql_query_t *find, *remove;
        bool done; // up to the day `swept`
    } logs[LOGS];
    buffer_t canon;
    char swept[16]; // the day up to which the logs were looked through
};

static sql_query_t *prepare_find(sql_t *db, enum table_name table) {
    own(buffer) text = {0};
    const char *key = table_forms[table].key;
    canon_select(db, table, &text);
    for (int n = 1; *key; n++, key += strspn(key, ", ")) {
        int length = (int)strcspn(key, ",");
        buffer_format(&text, "%s%.*s = ?%d", n == 1 ? " WHERE " : " AND ", length, key, n);
        key += length;
    }
    return sql_prepare(db, buffer_string(&text));
}

static bool prepare_table_removal(retention_t *self, enum table_name table) {
    const struct rule *rule = &rules[table];
    struct statements *s = &self->of[table];
    char text[1200];
    s->find = prepare_find(self->options.db, table);
    if (!rule->final) return s->find != NULL;
    snprintf(text, sizeof(text), "DELETE FROM \"%s\" AS x WHERE x.%s = ?1 AND %s",
             table_forms[table].name, table_forms[table].key, rule->final);
    s->remove = sql_prepare(self->options.db, text);
    for (size_t i = 0; i < PARTS_MAX && rule->with[i]; i++) {
        snprintf(text, sizeof(text), "DELETE FROM %s = ?1", rule->with[i]);
        s->with[i] = sql_prepare(self->options.db, text);
        if (!s->with[i]) return false;
    }
    return s->find && s->remove;
}

static bool prepare_rest(retention_t *self) {
    sql_t *db = self->options.db;
    self->oldest = sql_prepare(db, "SELECT batch, hash, entries FROM chain WHERE at < ?1 AND batch "
                                   "< (SELECT max(batch) FROM chain) ORDER BY batch LIMIT 1");
    self->unchain = sql_prepare(db, "DELETE FROM chain WHERE batch = ?1");
    self->start = sql_prepare(db, "INSERT INTO chain_start (one, batch, hash) VALUES (1, ?1, ?2) "
                                  "ON CONFLICT (one) DO UPDATE SET"
                                  " batch = excluded.batch, hash = excluded.hash");
    self->mark_days = sql_prepare(
        db, "UPDATE chain_day SET removed_at = ?2 WHERE last <= ?1 AND removed_at IS NULL");
    return self->oldest && self->unchain && self->start && self->mark_days;
}

static bool prepare_log_sweep(retention_t *self, size_t i) {
    const struct log_table *t = &log_tables[i];
    const char *name = table_forms[t->table].name;
    char text[400];
    snprintf(text, sizeof text,
             "SELECT rowid, %s FROM (SELECT rowid, * FROM \"%s\" ORDER BY rowid LIMIT %d) WHERE "
             "created_at < ?1",
             t->key ? t->key : "NULL", name, STEP_ROWS);
    self->logs[i].find = sql_prepare(self->options.db, text);
    snprintf(text, sizeof text, "DELETE FROM \"%s\" WHERE rowid = ?1", name);
    self->logs[i].remove = sql_prepare(self->options.db, text);
    return self->logs[i].find && self->logs[i].remove;
}

retention_t *retention_new(const struct retention_options *options) {
    retention_t *self = alloc_zeroed(1, sizeof(*self));
    self->options = *options;
    bool good = prepare_rest(self);
    for (size_t i = 0; good && i < LOGS; i++) good = prepare_log_sweep(self, i);
    for (size_t i = 0; good && i < TABLE_COUNT; i++)
        if (canon_cover[i].code) good = prepare_table_removal(self, (enum table_name)i);
    if (!good) retention_destroy(&self);
    return self;
}

void retention_destroy(retention_t **self) {
    retention_t *r = *self;
    if (!r) return;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        sql_query_destroy(&r->of[i].find);
        sql_query_destroy(&r->of[i].remove);
        for (size_t k = 0; k < PARTS_MAX; k++) sql_query_destroy(&r->of[i].with[k]);
    }
    sql_query_t **const rest[] = {&r->oldest, &r->unchain, &r->start, &r->mark_days};
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) sql_query_destroy(rest[i]);
    for (size_t i = 0; i < LOGS; i++) {
        sql_query_destroy(&r->logs[i].find);
        sql_query_destroy(&r->logs[i].remove);
    }
    buffer_destroy(&r->canon);
    free(r);
    *self = NULL;
}

// A key of several columns has them between bars.
static void bind_key(sql_query_t *q, char *key) {
    int n = 1;
    for (char *part = key, *next; part && n <= KEYS_MAX; part = next, n++) {
        next = strchr(part, '|');
        if (next && n < KEYS_MAX) *next++ = 0;
        sql_bind_text(q, n, part);
    }
}

static err_t remove_row(retention_t *self, enum table_name table, const char *key,
                        struct retention_step *step, bool *gone) {
    struct statements *s = &self->of[table];
    *gone = false;
    if (!s->remove) return ERR_OK;
    sql_bind_text(s->remove, 1, key);
    if (table == TABLE_signals) sql_bind_integer(s->remove, 2, step->signals_to);
    err_t e = sql_execute(s->remove);
    *gone = !e && sql_changes(self->options.db) > 0;
    for (size_t i = 0; *gone && !e && i < PARTS_MAX && s->with[i]; i++) {
        sql_bind_text(s->with[i], 1, key);
        e = sql_execute(s->with[i]);
    }
    return e;
}

// A row that this entry was the last to write: it goes, or is chained again. One that was written
// since has a later entry.
static err_t retire_chain_entry(retention_t *self, const struct chain_entry *entry,
                                struct retention_step *step) {
    char key[KEY_TEXT], parts[KEY_TEXT];
    unsigned char digest[CANON_DIGEST];
    enum table_name table;
    bool row = false, gone = false;
    if (entry->kind != ENTRY_ROW || !canon_table(entry->code, &table)) return ERR_OK;
    snprintf(key, sizeof(key), "%.*s", (int)entry->key.length, (const char *)entry->key.data);
    memcpy(parts, key, sizeof(parts));
    sql_query_t *find = self->of[table].find;
    if (strchr(table_forms[table].key, ','))
        bind_key(find, parts);
    else
        sql_bind_text(find, 1, key);
    err_t e = sql_step(find, &row);
    if (e || !row) return e;
    buffer_clear(&self->canon);
    canon_of_columns(table, find, &self->canon);
    canon_digest(&self->canon, digest);
    bool last = memcmp(digest, entry->digest, CANON_DIGEST) == 0;
    if (last) e = remove_row(self, table, key, step, &gone);
    if (!e && last && !gone) chain_add_columns(self->options.chain, table, find);
    sql_reset(find);
    if (gone) chain_gone(self->options.chain, table, key);
    step->removed += gone;
    return e;
}

struct oldest {
    int64_t batch;
    buffer_t entries;
    unsigned char hash[CHAIN_HASH];
    bool there;
};

static err_t read_oldest(retention_t *self, const char *before, struct oldest *out) {
    sql_bind_text(self->oldest, 1, before);
    err_t e = sql_step(self->oldest, &out->there);
    if (e || !out->there) return e;
    struct span hash = sql_bytes(self->oldest, 1), entries = sql_bytes(self->oldest, 2);
    out->batch = sql_integer(self->oldest, 0);
    memcpy(out->hash, hash.data, hash.length < CHAIN_HASH ? hash.length : CHAIN_HASH);
    buffer_clear(&out->entries);
    buffer_add(&out->entries, entries.data, entries.length);
    sql_reset(self->oldest);
    return e;
}

static err_t retire_chain_batch(retention_t *self, const struct oldest *oldest,
                                struct retention_step *step, size_t *rows) {
    struct span entries = {oldest->entries.data, oldest->entries.length};
    struct chain_entry entry;
    err_t e = ERR_OK;
    for (size_t at = 0; !e && chain_entry_read(entries, &at, &entry); ++*rows)
        e = retire_chain_entry(self, &entry, step);
    if (e) return e;
    sql_bind_integer(self->unchain, 1, oldest->batch);
    sql_bind_integer(self->start, 1, oldest->batch);
    sql_bind_bytes(self->start, 2, (struct span){oldest->hash, CHAIN_HASH});
    sql_bind_integer(self->mark_days, 1, oldest->batch);
    sql_bind_time(self->mark_days, 2, step->now);
    e = sql_execute(self->unchain);
    if (!e) e = sql_execute(self->start);
    return e ? e : sql_execute(self->mark_days);
}

static err_t take_batches(retention_t *self, const char *before, struct retention_step *step) {
    struct oldest oldest = {.there = true};
    size_t rows = 0;
    err_t e = ERR_OK;
    while (!e && rows < STEP_ROWS) {
        e = read_oldest(self, before, &oldest);
        if (e || !oldest.there) break;
        e = retire_chain_batch(self, &oldest, step, &rows);
    }
    buffer_destroy(&oldest.entries);
    step->more = oldest.there || rows > 0; // the last batch of the chain is no longer the last
    return e;
}

// What the chain covers is chained as gone.
static err_t remove_log_rows(retention_t *self, size_t i, const char *before,
                             struct retention_step *step) {
    struct log_sweep *sweep = &self->logs[i];
    bool row = true;
    err_t e = ERR_OK;
    sql_bind_text(sweep->find, 1, before);
    sweep->done = true;
    while (!e && !(e = sql_step(sweep->find, &row)) && row) {
        sweep->done = false;
        sql_bind_integer(sweep->remove, 1, sql_integer(sweep->find, 0));
        e = sql_execute(sweep->remove);
        if (!e && log_tables[i].key)
            chain_gone(self->options.chain, log_tables[i].table, sql_text(sweep->find, 1));
        step->removed += !e;
    }
    sql_reset(sweep->find);
    return e;
}

static err_t sweep_logs(retention_t *self, const char *before, struct retention_step *step) {
    err_t e = ERR_OK;
    bool same = strncmp(self->swept, before, 10) == 0;
    for (size_t i = 0; !e && i < LOGS; i++) {
        if (same && self->logs[i].done) continue;
        e = remove_log_rows(self, i, before, step);
        step->more = step->more || !self->logs[i].done;
    }
    if (!e) snprintf(self->swept, sizeof(self->swept), "%.10s", before);
    return e;
}

// The first moment of the oldest day that stays; false: none goes.
static bool print_first_kept(uint64_t now, int64_t days, char out[static SQL_TIME_TEXT]) {
    uint64_t kept = (uint64_t)days * DAY_NS;
    if (!days || now < kept) return false;
    sql_time_print((now - kept) / DAY_NS * DAY_NS, out);
    return true;
}

static err_t remove_old(retention_t *self, struct retention_step *step) {
    char before[SQL_TIME_TEXT];
    err_t e = ERR_OK;
    chain_begin(self->options.chain);
    if (print_first_kept(step->now, self->options.days, before))
        e = take_batches(self, before, step);
    if (!e && print_first_kept(step->now, self->options.log_days, before))
        e = sweep_logs(self, before, step);
    return e ? e : chain_write(self->options.chain, step->now);
}

err_t retention_step(retention_t *self, struct retention_step *step) {
    step->more = false;
    err_t e = sql_begin(self->options.db);
    if (!e) e = remove_old(self, step);
    if (!e) e = sql_commit(self->options.db);
    if (e) {
        sql_rollback(self->options.db);
        chain_begin(self->options.chain);
        return e;
    }
    chain_committed(self->options.chain);
    return sql_run(self->options.db, VACUUM_RUN);
}
