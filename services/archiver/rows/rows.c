// rows - what a batch will write: queued by handlers, written in one transaction, kept until that
// is committed.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/rows.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "order.pb-c.h"
#include "proto/config_kinds.h"
#include "services/archiver/chain/chain.h"
#include "services/archiver/counts/backfill.h"
#include "services/archiver/counts/storage_latency.h"
#include "services/archiver/rows/outcome.h"
#include "services/archiver/rows/rows_queue.h"
#include "services/archiver/rows/signals.h"

// Statements beside the tables' own.
#define QUERIES(X)                                                                                 \
    X(known_of_signal, "SELECT (SELECT status FROM signal_execution_status WHERE signal_id = ?1"   \
                       " AND status <> 'processing'),"                                             \
                       " (SELECT min(trade_id) FROM orders WHERE signal_id = ?1)")                 \
    X(link_order, "UPDATE signals SET order_id = ?2, changed = next_change() WHERE signal_id = "   \
                  "?1 AND order_id IS NULL")                                                       \
    X(set_status, "UPDATE signals SET status = ?2, changed = next_change() WHERE signal_id = ?1 "  \
                  "AND status <> ?2")                                                              \
    X(is_completed,                                                                                \
      "SELECT 1 FROM signal_execution_status WHERE signal_id = ?1 AND status = 'completed'")       \
    X(is_final, "SELECT 1 FROM signal_execution_status WHERE signal_id = ?1 AND status <> "        \
                "'processing'")                                                                    \
    X(forget_pending, "DELETE FROM pending_signals WHERE signal_id = ?1")                          \
    X(keep_last_change, "UPDATE change_count SET last = ?1")                                       \
    X(note_removed,                                                                                \
      "INSERT INTO removed_rows (table_name, key, changed) VALUES (?1, ?2, next_change())")        \
    X(forget_failure, "DELETE FROM trade_failure_log WHERE failure_id = ?1")                       \
    X(refuse, "INSERT INTO refused_rows (table_name, row, reason) VALUES (?1, ?2, ?3)")            \
    CONFIG_KINDS(DROP_CONFIG, X)
#define DROP_CONFIG(table, row, section, id, X)                                                    \
    X(drop_##table, "DELETE FROM " #table " WHERE " #id " = ?1")

SQL_QUERIES(QUERIES);

struct rows {
    sql_t *db;
    sql_query_t *put[TABLE_COUNT];
    // writes only what is not there yet: where it matters what was (counts_old)
    sql_query_t *fresh[TABLE_COUNT];
    sql_query_t *queries[QUERY_COUNT];
    chain_t *chain;
    derived_t *derived;
    backfill_t *backfill;
    struct row_queue queue;
    struct storage_latency storage;
    const char *linked; // the signal whose order was linked last
};

// Tables whose rows are counted elsewhere: when one changes, what it was is taken back first.
static bool counts_old(size_t table) {
    return table == TABLE_trades || table == TABLE_trade_result || table == TABLE_result_metrics;
}

static bool prepare_table_writes(rows_t *self, size_t table) {
    const struct table_form *t = &table_forms[table];
    struct put_form form = {.type = t->type,
                            .table = t->name,
                            .key = t->key,
                            .update = t->meeting != KEEP,
                            .numbered = CHANGED};
    if (t->meeting == LATEST) form.newer_by = "updated_at";
    self->put[table] = sql_prepare_put(self->db, &form);
    form.update = false;
    if (counts_old(table)) self->fresh[table] = sql_prepare_put(self->db, &form);
    return self->put[table] && (self->fresh[table] || !counts_old(table));
}

// Statements that number what they write can be prepared only after it.
static err_t number_changes(sql_t *db) {
    bool row = false;
    own(sql_query) *q = sql_prepare(db, "SELECT last FROM change_count");
    err_t e = q ? sql_step(q, &row) : ERR_CONFIG;
    int64_t last = !e && row ? sql_integer(q, 0) : 0;
    if (q) sql_reset(q);
    sql_number_changes(db, last);
    return e;
}

rows_t *rows_new(sql_t *db) {
    rows_t *self = alloc_zeroed(1, sizeof(*self));
    self->db = db;
    bool good = number_changes(db) == ERR_OK;
    for (size_t i = 0; good && i < TABLE_COUNT; i++) good = prepare_table_writes(self, i);
    good = good && sql_prepare_all(db, query_texts, QUERY_COUNT, self->queries);
    if (good) self->chain = chain_new(db);
    if (self->chain) self->derived = derived_new(db);
    if (self->derived) self->backfill = backfill_new(db, self->derived);
    if (!self->backfill) rows_destroy(&self);
    return self;
}

void rows_destroy(rows_t **self) {
    if (!*self) return;
    rows_clear(*self);
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        sql_query_destroy(&(*self)->put[i]);
        sql_query_destroy(&(*self)->fresh[i]);
    }
    sql_query_destroy_all((*self)->queries, QUERY_COUNT);
    backfill_destroy(&(*self)->backfill);
    derived_destroy(&(*self)->derived);
    chain_destroy(&(*self)->chain);
    row_queue_destroy(&(*self)->queue);
    storage_latency_destroy(&(*self)->storage);
    free(*self);
    *self = NULL;
}

// The queue.

void rows_add(rows_t *self, enum table_name table, const ProtobufCMessage *m) {
    row_queue_add(&self->queue, table, m);
}
void rows_add_trade(rows_t *self, const TradeState *trade) {
    row_queue_add_trade(&self->queue, trade);
}
void rows_add_signal(rows_t *self, const Signal *signal, arena_t *arena) {
    row_queue_add_signal(&self->queue, signal, arena);
    storage_latency_await(&self->storage, signal->created_at);
}
void rows_add_execution(rows_t *self, const Execution *e, arena_t *arena) {
    row_queue_add_execution(&self->queue, e, arena);
}
size_t rows_count(const rows_t *self) { return self->queue.count; }
chain_t *rows_chain(rows_t *self) { return self->chain; }

void rows_clear(rows_t *self) {
    row_queue_clear(&self->queue);
    self->linked = NULL;
}

static void log_stored_signals(const rows_t *self) {
    for (size_t i = 0; log_is_wanted(LOG_LEVEL_DEBUG) && i < self->queue.count; i++) {
        const struct row *row = &self->queue.rows[i];
        if (row->table == TABLE_signals)
            log_event(LOG_LEVEL_DEBUG, "stored", "signal_id=%s",
                      log_quote(((const SignalRow *)row->m)->signal_id));
    }
}

void rows_committed(rows_t *self) {
    chain_committed(self->chain);
    log_stored_signals(self);
    storage_latency_commit(&self->storage, clock_utc_ns(), clock_mono_ns());
}

StorageLatency *rows_report_storage(rows_t *self, arena_t *arena) {
    return storage_latency_report(&self->storage, clock_mono_ns(), arena);
}

void rows_rolled_back(rows_t *self) { derived_drop(self->derived); }

// Writing.

// What a table refuses (which its columns give no cause for) is put aside, not lost, and does not
// hold up the rest.
static err_t keep_refused_row(rows_t *self, enum table_name table, const ProtobufCMessage *m) {
    buffer_t json = {0};
    record_to_json(m, &json);
    log_event(LOG_LEVEL_ERROR, "row_refused", "table=%s why=%s", table_forms[table].name,
              log_quote(sql_trouble(self->db)));
    sql_query_t *q = self->queries[QUERY_refuse];
    sql_bind_text(q, 1, table_forms[table].name);
    sql_bind_text(q, 2, buffer_string(&json));
    sql_bind_text(q, 3, sql_trouble(self->db));
    buffer_destroy(&json);
    return sql_execute(q);
}

enum written { WRITTEN, THERE, REFUSED };

static err_t write_with(rows_t *self, sql_query_t *q, const struct row *row,
                        enum written *written) {
    err_t e = sql_upsert(q, row->m);
    // there: a row that is there stays
    *written = e == ERR_RULE ? REFUSED : sql_changes(self->db) ? WRITTEN : THERE;
    if (e == ERR_RULE) return keep_refused_row(self, row->table, row->m);
    if (!e && *written == WRITTEN) chain_add(self->chain, row->table, row->m);
    return e;
}

static err_t upsert_row(rows_t *self, const struct row *row, enum written *written) {
    return write_with(self, self->put[row->table], row, written);
}

// THERE: nothing was written, and it is to be looked at first.
static err_t put_fresh(rows_t *self, const struct row *row, enum written *written) {
    return write_with(self, self->fresh[row->table], row, written);
}

static err_t upsert_message(rows_t *self, enum table_name table, const ProtobufCMessage *m) {
    const struct row row = {table, m, NULL};
    enum written written;
    return upsert_row(self, &row, &written);
}

static err_t execute_query(rows_t *self, enum query_name query, const char *first,
                           const char *second) {
    sql_query_t *q = self->queries[query];
    sql_bind_text(q, 1, first);
    if (second) sql_bind_text(q, 2, second);
    return sql_execute(q);
}

static err_t delete_row(rows_t *self, enum query_name query, enum table_name table,
                        const char *key) {
    err_t e = execute_query(self, query, key, NULL);
    if (e || sql_changes(self->db) == 0) return e;
    chain_gone(self->chain, table, key);
    if (table_forms[table].copying == LOCAL) return ERR_OK;
    // copies of the archive take the row away, too
    sql_query_t *q = self->queries[QUERY_note_removed];
    sql_bind_text(q, 1, table_forms[table].name);
    sql_bind_text(q, 2, key);
    return sql_execute(q);
}

// Topics have no order between them: what came before its signal is picked up here.
static err_t write_signal(rows_t *self, const struct row *queued) {
    SignalRow row = *(const SignalRow *)queued->m;
    sql_query_t *known = self->queries[QUERY_known_of_signal];
    bool found;
    sql_bind_text(known, 1, row.signal_id);
    err_t e = sql_step(known, &found);
    if (e) return e;
    const char *status = sql_text(known, 0);
    const ProtobufCEnumValue *v =
        status ? protobuf_c_enum_descriptor_get_value_by_name(&signal__status__descriptor, status)
               : NULL;
    if (v) row.status = (Signal__Status)v->value;
    row.order_id = (char *)(uintptr_t)sql_text(known, 1);
    const struct row written_row = {TABLE_signals, &row.base, NULL};
    enum written written;
    e = upsert_row(self, &written_row, &written);
    if (!e && written == WRITTEN && !v && queued->with)
        e = upsert_message(self, TABLE_pending_signals, queued->with);
    if (row.order_id) derived_signal(self->derived, row.signal_id);
    sql_reset(known);
    return e;
}

static err_t write_order(rows_t *self, const struct row *row) {
    const Order *o = (const Order *)row->m;
    enum written written;
    err_t e = upsert_row(self, row, &written);
    if (!e && written == WRITTEN) e = derived_order(self->derived, o->trade_id, o->signal_id);
    if (e || (self->linked && strcmp(self->linked, o->signal_id) == 0)) return e;
    self->linked = o->signal_id;
    return execute_query(self, QUERY_link_order, o->signal_id, o->trade_id);
}

// A signal that was completed stays so: one that failed may have been decided again after a
// rollback, and what was executed counts. How far it is says nothing new of one that is final.
static err_t is_status_outdated(rows_t *self, const SignalExecutionStatus *s, bool *outdated) {
    bool ends = s->status != SIGNAL__STATUS__processing;
    sql_query_t *q = self->queries[ends ? QUERY_is_completed : QUERY_is_final];
    *outdated = false;
    if (s->status == SIGNAL__STATUS__completed) return ERR_OK;
    sql_bind_text(q, 1, s->signal_id);
    err_t e = sql_step(q, outdated);
    sql_reset(q);
    return e;
}

static err_t write_status(rows_t *self, const struct row *row) {
    const SignalExecutionStatus *s = (const SignalExecutionStatus *)row->m;
    bool outdated;
    err_t e = is_status_outdated(self, s, &outdated);
    if (e || outdated) return e;
    e = upsert_message(self, TABLE_signal_execution_status, row->m);
    // its own row says pending until its end: it is offered again after a loss (recalls.c)
    if (e || s->status == SIGNAL__STATUS__processing) return e;
    e = execute_query(self, QUERY_forget_pending, s->signal_id, NULL);
    if (e) return e;
    return execute_query(self, QUERY_set_status, s->signal_id,
                         record_enum_name(&signal__status__descriptor, (int)s->status));
}

// A trade that failed, and of which a fill came to light after all, is no failure any more.
static err_t log_failure(rows_t *self, const TradeState *t) {
    if (trade_has_failed(t)) {
        TradeFailure failure = failure_of_trade(t);
        return upsert_message(self, TABLE_trade_failure_log, &failure.base);
    }
    bool filled = t->state == TRADE_STATE__STATE__filled ||
                  t->state == TRADE_STATE__STATE__partially_filled ||
                  t->state == TRADE_STATE__STATE__closed;
    return filled ? delete_row(self, QUERY_forget_failure, TABLE_trade_failure_log, t->trade_id)
                  : ERR_OK;
}

static err_t write_trade(rows_t *self, const struct row *row) {
    const TradeState *t = (const TradeState *)row->m;
    struct old_trade old = {0};
    enum written written;
    err_t e = put_fresh(self, row, &written);
    if (!e && written == THERE) {
        e = derived_old_trade(self->derived, t->trade_id, &old);
        if (!e) e = upsert_row(self, row, &written);
    }
    if (e || written != WRITTEN) return e; // a later state is there already
    if (old.trade || trade_has_failed(t)) e = log_failure(self, t);
    return e ? e : derived_trade(self->derived, &old, t);
}

static err_t write_result(rows_t *self, const struct row *row) {
    const struct row metrics = {TABLE_result_metrics, row->with, NULL};
    const struct executed new = {(const TradeResult *)row->m, (const ResultMetrics *)row->with};
    struct old_execution old = {0};
    enum written written, measured = WRITTEN;
    err_t e = put_fresh(self, row, &written);
    if (!e && written == THERE) {
        e = derived_old_execution(self->derived, new.result->result_id, &old);
        if (!e) e = upsert_row(self, row, &written);
    }
    if (!e && row->with) e = put_fresh(self, &metrics, &measured);
    if (!e && measured == THERE) e = upsert_row(self, &metrics, &measured);
    return e || written != WRITTEN ? e : derived_execution(self->derived, &old, new);
}

#define CONFIG_PLACE(table, row, section, id, ...)                                                 \
    [CONFIG_KIND_##table] = {QUERY_drop_##table, TABLE_##table},

static err_t write_config(rows_t *self, const struct row *row) {
    static const struct config_place {
        enum query_name drop;
        enum table_name table;
    } places[CONFIG_KIND_COUNT] = {CONFIG_KINDS(CONFIG_PLACE)};
    const ConfigChange *c = (const ConfigChange *)row->m;
    const struct config_kind *kind = config_kind_of(c->kind);
    err_t e = upsert_message(self, TABLE_config_change, row->m);
    if (e) return e;
    if (!kind) return ERR_OK;
    const struct config_place *place = &places[kind - config_kinds];
    return c->has_removed && c->removed ? delete_row(self, place->drop, place->table, c->id)
                                        : upsert_message(self, place->table, config_change_row(c));
}

typedef err_t write_fn(rows_t *self, const struct row *row);

// What has more to it than its own row.
static write_fn *const writers[TABLE_COUNT] = {
    [TABLE_signals] = write_signal,
    [TABLE_orders] = write_order,
    [TABLE_signal_execution_status] = write_status,
    [TABLE_trades] = write_trade,
    [TABLE_trade_result] = write_result,
    [TABLE_config_change] = write_config,
};

static err_t keep_last_change(rows_t *self) {
    sql_query_t *q = self->queries[QUERY_keep_last_change];
    sql_bind_integer(q, 1, sql_last_change(self->db));
    return sql_execute(q);
}

err_t rows_write_queued(rows_t *self) {
    err_t e = ERR_OK;
    self->linked = NULL;
    chain_begin(self->chain);
    for (size_t i = 0; !e && i < self->queue.count; i++) {
        const struct row *row = &self->queue.rows[i];
        e = writers[row->table] ? writers[row->table](self, row)
                                : upsert_message(self, row->table, row->m);
    }
    uint64_t now = clock_utc_ns();
    if (!e) e = derived_write(self->derived, now);
    if (!e) e = chain_write(self->chain, now);
    return e ? e : keep_last_change(self);
}

// What an earlier version left.

bool rows_backfill_is_due(const rows_t *self) { return backfill_is_due(self->backfill); }

err_t rows_backfill(rows_t *self, int64_t most) {
    err_t e = backfill_step(self->backfill, most);
    if (!e) e = derived_write(self->derived, clock_utc_ns());
    return e ? e : keep_last_change(self);
}

void rows_backfilled(rows_t *self) { backfill_committed(self->backfill); }
