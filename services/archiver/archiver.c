// archiver - keeps everything on record, in SQLite, and is where the configuration lives.
// SPDX-License-Identifier: MIT
#include "services/archiver/archiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "execution.pb-c.h"
#include "llm.pb-c.h"
#include "market.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/config/table.h"
#include "services/archiver/config/verbs.h"
#include "services/archiver/curator.h"
#include "services/archiver/recalls.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/outcome.h"
#include "services/archiver/rows/owner.h"
#include "services/archiver/rows/positions.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/schema.h"
#include "services/archiver/rows/signals.h"
#include "services/archiver/slice.h"
#include "signal.pb-c.h"

// messages worth a transaction: some 50 signals (spec 004), of about ten messages each
#define COMMIT_AT     500
#define COMMIT_AFTER  5000 // ms: no row waits longer
#define BACKFILL_ROWS 1000 // at a tick: some 10 ms
#define BATCH_MOST    1024 // under load: a page of the file is written once for many rows

struct settings {
    const char *database;
    int64_t check_below;
    bool copied;
    struct curator_options curator;
};

static const struct option options[] = {
    {"database", OPTION_TEXT, offsetof(struct settings, database), "var/data/archive.db",
     "The SQLite file", 0, 0, NULL},
    {"check_below", OPTION_SIZE, offsetof(struct settings, check_below), "256m",
     "Up to this size every page of the file is checked at start; a damaged file is put aside", 0,
     INT64_MAX, NULL},
    {"copied", OPTION_FLAG, offsetof(struct settings, copied), "false",
     "The archive is copied elsewhere (tradecast-sync-*): keep indexes of what changed, which "
     "costs some of the writing",
     0, 0, NULL},
    {"audit_log", OPTION_TEXT, offsetof(struct settings, curator.audit_log), NULL,
     "The audit log, a JSON line a signal (signals.log beside the database); off: none", 0, 0,
     NULL},
    {"audit_rotate", OPTION_SIZE, offsetof(struct settings, curator.audit_rotate), "64m",
     "The audit log is closed and compressed when it is larger, and every day", 4096, INT64_MAX,
     NULL},
    {"retain_days", OPTION_INTEGER, offsetof(struct settings, curator.retain_days), "0",
     "Final rows that are older than so many whole days are removed; 0: none", 0, 36500, NULL},
    {"market_days", OPTION_INTEGER, offsetof(struct settings, curator.market_days), "30",
     "Market data older than so many days is removed; 0: none", 0, 36500, NULL},
    {"retain_log_days", OPTION_INTEGER, offsetof(struct settings, curator.retain_log_days), "90",
     "Rows of the system's own logs older than so many whole days are removed; 0: none", 0, 36500,
     NULL},
    {"readers", OPTION_INTEGER, offsetof(struct settings, curator.readers), "3",
     "Read-only connections that answer questions", 1, 5, NULL},
    {"query_within", OPTION_DURATION, offsetof(struct settings, curator.answer_ms), "2s",
     "A question that takes longer is given up", 10, 600000, NULL},
    {0},
};

struct archiver {
    const struct context *context;
    sql_t *db;
    rows_t *rows;
    positions_t *positions;
    owner_t *owner;
    curator_t *curator;
    config_t *config;
    shard_record_t *record; // which executor has whom
    struct desk desk;       // where it is changed
    store_t *store;         // while starting
    arena_t *arena;         // of `untold`
    // changes that Redis, or SQLite, does not have yet: the first tick writes them
    ConfigChange **untold;
    size_t n_untold;
    char notice[400]; // to be alerted by the first tick
    char cell[300];   // of a row that cannot be read whole, to be alerted by the next tick
    bool refused;     // the last transaction was
    recalls_t *recalls;
};

// What becomes a row. Rows point into messages, which live until the batch is committed.

static err_t handle_signal_to_archive(void *self, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *a = self;
    rows_add_signal(a->rows, (const Signal *)m, batch_arena(batch));
    return ERR_OK;
}

static err_t handle_rejection_to_archive(void *self, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *a = self;
    rows_add(a->rows, TABLE_trade_failure_log,
             &failure_of_refusal((const SignalRejection *)m, batch_arena(batch))->base);
    return ERR_OK;
}

static err_t handle_routing_to_archive(void *self, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *a = self;
    TradeFailure **failures;
    rows_add(a->rows, TABLE_routings, m);
    size_t n = failures_of_routing((const Routing *)m, batch_arena(batch), &failures);
    for (size_t i = 0; i < n; i++) rows_add(a->rows, TABLE_trade_failure_log, &failures[i]->base);
    return ERR_OK;
}

static err_t handle_execution_to_archive(void *self, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *a = self;
    const Execution *e = (const Execution *)m;
    rows_add_execution(a->rows, e, batch_arena(batch));
    return ERR_OK;
}

static err_t handle_outcome_to_archive(void *self, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *a = self;
    const Outcome *o = (const Outcome *)m;
    if (o->trade) {
        rows_add(a->rows, TABLE_trade_reconciliation, &o->trade->base);
        rows_add(a->rows, TABLE_trade_reconciliation_log,
                 &reconciliation_entry(o->trade, o->signal_id, batch_arena(batch))->base);
    }
    if (o->signal) rows_add(a->rows, TABLE_signal_execution_status, &o->signal->base);
    return ERR_OK;
}

static void log_recall_failure(const struct archiver *a, err_t e) {
    log_event(LOG_LEVEL_ERROR, "recall_failed", "error=%s why=%s", error_name(e),
              log_quote(sql_trouble(a->db)));
}

// It is asked again: a row that cannot be read now does not stop what comes after the question.
static err_t handle_query_to_archive(void *self, batch_t *batch, const ProtobufCMessage *m) {
    struct archiver *a = self;
    err_t e = recalls_answer(a->recalls, batch, ((const StatusQuery *)m)->trade_id);
    if (e) log_recall_failure(a, e);
    return ERR_OK;
}

// Messages that are rows as they are, each of the table that is made of its type.
static err_t handle_row_to_archive(void *self, batch_t *batch, const ProtobufCMessage *m) {
    size_t table = 0;
    (void)batch;
    while (table < TABLE_COUNT && table_forms[table].type != m->descriptor) table++;
    if (table == TABLE_COUNT) return ERR_MISSING;
    rows_add(((struct archiver *)self)->rows, (enum table_name)table, m);
    return ERR_OK;
}

static const struct route routes[] = {
    {TOPIC_signals, &signal__descriptor, handle_signal_to_archive, false},
    {TOPIC_signals, &signal_rejection__descriptor, handle_rejection_to_archive, false},
    {TOPIC_orders, &order__descriptor, handle_row_to_archive, false},
    {TOPIC_orders, &order_command__descriptor, handle_row_to_archive, false},
    {TOPIC_commands, &command__descriptor, handle_row_to_archive, false},
    {TOPIC_routings, &routing__descriptor, handle_routing_to_archive, false},
    {TOPIC_executions, &execution__descriptor, handle_execution_to_archive, false},
    {TOPIC_outcomes, &outcome__descriptor, handle_outcome_to_archive, false},
    {TOPIC_outcomes, &status_query__descriptor, handle_query_to_archive, false},
    {TOPIC_incidents, &alert__descriptor, handle_row_to_archive, false},
    {TOPIC_incidents, &system_event__descriptor, handle_row_to_archive, false},
    {TOPIC_incidents, &performance_sample__descriptor, handle_row_to_archive, false},
    {TOPIC_decisions, &llm_decision__descriptor, handle_row_to_archive, false},
    {TOPIC_market, &bar__descriptor, handle_row_to_archive, false},
    {TOPIC_market, &indicators__descriptor, handle_row_to_archive, false},
    {TOPIC_market, &sentiment__descriptor, handle_row_to_archive, false},
    {TOPIC_market, &watchlist__descriptor, handle_row_to_archive, false},
    {TOPIC_market, &candidates__descriptor, handle_row_to_archive, false},
    {TOPIC_market, &market_context__descriptor, handle_row_to_archive, false},
    {0},
};

// The configuration.

static bool answer_config_apply(void *self, batch_t *batch, const ControlRequest *request,
                                buffer_t *answer) {
    return desk_apply(&((struct archiver *)self)->desk, batch, request, answer);
}

static bool answer_config_set(void *self, batch_t *batch, const ControlRequest *request,
                              buffer_t *answer) {
    return desk_set(&((struct archiver *)self)->desk, batch, request, answer);
}

static bool answer_config_rollback(void *self, batch_t *batch, const ControlRequest *request,
                                   buffer_t *answer) {
    return desk_rollback(&((struct archiver *)self)->desk, batch, request, answer);
}

static bool answer_config_show(void *self, batch_t *batch, const ControlRequest *request,
                               buffer_t *answer) {
    (void)batch;
    return desk_show(&((struct archiver *)self)->desk, request, answer);
}

static bool answer_config_get(void *self, batch_t *batch, const ControlRequest *request,
                              buffer_t *answer) {
    (void)batch;
    return desk_get(&((struct archiver *)self)->desk, request, answer);
}

static bool answer_config_history(void *self, batch_t *batch, const ControlRequest *request,
                                  buffer_t *answer) {
    return desk_history(&((struct archiver *)self)->desk, batch, request, answer);
}

static const struct control controls[] = {
    {"config-apply",
     "body: a configuration (JSON); takes it over whole, or says everything that is wrong with it",
     answer_config_apply},
    {"config-set", "path=PLACE value=VALUE: one field, or row, of it", answer_config_set},
    {"config-rollback", "to=VERSION: as it was then, as a new version", answer_config_rollback},
    {"config-show",
     "[export]: the configuration in force, in the form that config-apply takes; export: without "
     "what is secret",
     answer_config_show},
    {"config-get", "path=PLACE: what is there", answer_config_get},
    {"config-history", "[count=N]: the last versions, who made them, and what they changed",
     answer_config_history},
    {0},
};

static void archiver_destroy(void **self) {
    struct archiver *a = *self;
    if (!a) return;
    config_destroy(&a->config);
    shard_record_destroy(&a->record);
    curator_destroy(&a->curator);
    recalls_destroy(&a->recalls);
    owner_destroy(&a->owner);
    archived_positions_destroy(&a->positions);
    rows_destroy(&a->rows);
    sql_destroy(&a->db);
    arena_destroy(&a->arena);
    free(a);
    *self = NULL;
}

// One at a time: the others are met again.
static void note_unreadable_cell(void *self, const struct unreadable_cell *cell) {
    struct archiver *a = self;
    if (!a->cell[0]) sql_cell_words(cell, a->cell);
}

static void *archiver_new(const struct context *context, const void *settings) {
    const struct settings *s = settings;
    struct archiver *a = alloc_zeroed(1, sizeof(*a));
    a->context = context;
    a->arena = arena_new(0);
    a->config = config_new();
    a->record = shard_record_new();
    if (s->curator.retain_days || s->curator.retain_log_days) database_shrinkable(s->database);
    a->db = database_open(s->database, s->check_below, a->notice, sizeof(a->notice));
    if (a->db) sql_on_unreadable(a->db, note_unreadable_cell, a);
    if (a->db && schema_index_changes(a->db, s->copied)) sql_destroy(&a->db);
    if (a->db) a->rows = rows_new(a->db);
    if (a->rows) a->positions = archived_positions_new(a->db);
    if (a->positions) a->owner = owner_new(a->db);
    struct curator_options curator = s->curator;
    curator.database = s->database;
    if (a->owner) a->curator = curator_new(&curator, a->db, rows_chain(a->rows));
    if (a->curator) a->recalls = recalls_new(a->db);
    if (!a->recalls) archiver_destroy((void **)&a);
    if (a) a->desk = (struct desk){a->config, a->db, a->rows, {context->shards, a->record}};
    return a;
}

// Redis is ahead only when this file was lost or is an older copy: what was acknowledged comes back
// from the cache.
static err_t take_from_cache(struct archiver *a) {
    own(config) *cache = config_new();
    err_t e = slice_read_config(a->store, cache);
    if (e) return e;
    a->n_untold = config_newer(a->config, cache, clock_utc_ns(), a->arena, &a->untold);
    for (size_t i = 0; i < a->n_untold; i++) {
        a->untold[i]->has_recovered = a->untold[i]->recovered = true;
        config_take(a->config, a->untold[i]);
    }
    return ERR_OK;
}

static err_t archiver_load(void *self, store_t *store) {
    struct archiver *a = self;
    uint64_t told = 0;
    a->store = store;
    err_t e = owner_claim(a->owner);
    if (!e) e = chain_adopt(rows_chain(a->rows));
    if (!e) e = positions_load(a->positions);
    if (!e) e = config_table_load(a->db, a->config);
    if (!e) e = recalls_load(a->recalls);
    if (!e) e = slice_read_version(store, &told);
    if (!e && told < config_version(a->config))
        e = config_table_changes(a->db, told, a->arena, &a->untold, &a->n_untold);
    else if (!e && told > config_version(a->config))
        e = take_from_cache(a);
    if (!e) config_raise(a->config, told);
    if (!e) e = shard_record_load(a->record, store);
    if (e)
        log_event(LOG_LEVEL_ERROR, "not_loaded", "error=%s why=%s", error_name(e),
                  log_quote(sql_trouble(a->db)));
    return e;
}

static void archiver_positions(void *self, struct inlet_position *inlets, size_t n) {
    struct archiver *a = self;
    char from[200];
    bool cut, restored = curator_restored(a->curator, from);
    positions_find(a->positions, a->store, restored, &(struct positions_found){inlets, n, &cut});
    if (!cut || a->notice[0]) return;
    if (restored)
        snprintf(
            a->notice, sizeof(a->notice),
            "restored from %.150s; what came after it and is in no journal any more is not in it",
            from);
    else
        snprintf(a->notice, sizeof(a->notice),
                 "the archive is new; it begins with what the journals still hold");
}

// A slice of what an earlier version left, in a transaction of its own. What fails is tried again
// at the next tick.
static void backfill_slice(struct archiver *a) {
    if (a->refused || !rows_backfill_is_due(a->rows)) return;
    err_t e = sql_begin(a->db);
    if (!e) e = owner_check(a->owner);
    if (!e) e = rows_backfill(a->rows, BACKFILL_ROWS);
    if (!e) e = sql_commit(a->db);
    if (!e) {
        rows_backfilled(a->rows);
        if (!rows_backfill_is_due(a->rows))
            log_event(LOG_LEVEL_INFO, "backfilled", "tables=performance");
        return;
    }
    sql_rollback(a->db);
    rows_rolled_back(a->rows);
    log_event(LOG_LEVEL_ERROR, "backfill_refused", "error=%s why=%s", error_name(e),
              log_quote(sql_trouble(a->db)));
}

// While rows cannot be written, what they say is not known.
static void recall_signals(struct archiver *a, batch_t *batch) {
    if (a->refused || !a->context->caught_up) return;
    err_t e = recalls_tick(a->recalls, batch, a->context->rolled_back_at);
    if (e) log_recall_failure(a, e);
}

static err_t archiver_tick(void *self, batch_t *batch) {
    struct archiver *a = self;
    backfill_slice(a);
    if (a->notice[0])
        batch_alert(batch, ALERT__SEVERITY__critical, "archive_restarted", a->context->name, "%s",
                    a->notice);
    a->notice[0] = 0;
    if (a->cell[0])
        batch_alert(batch, ALERT__SEVERITY__critical, "unreadable_row", a->context->name, "%s",
                    a->cell);
    a->cell[0] = 0;
    for (size_t i = 0; i < a->n_untold; i++) desk_change(&a->desk, batch, a->untold[i]);
    if (a->n_untold) slice_config_version(batch, config_version(a->config));
    a->n_untold = 0;
    recall_signals(a, batch);
    return curator_tick(a->curator, batch);
}

static err_t archiver_open(void *self, reactor_t *reactor) {
    struct archiver *a = self;
    (void)reactor; // questions have threads of their own
    return curator_open(a->curator, a->context);
}

// After the first failure and after the recovery, not at every try.
static err_t told(struct archiver *a, err_t e) {
    if (e && !a->refused)
        log_event(LOG_LEVEL_ERROR, "archive_refused", "error=%s why=%s", error_name(e),
                  log_quote(sql_trouble(a->db)));
    if (!e && a->refused)
        log_event(LOG_LEVEL_INFO, "archive_recovered", "rows=%zu", rows_count(a->rows));
    a->refused = e != ERR_OK;
    return e;
}

// The mutation: positions in a transaction of their own, before the rows.
static err_t commit_positions_early(struct archiver *a, const struct inlet_position *inlets,
                                    size_t n) {
    if (!MUTATED("position_apart")) return ERR_OK;
    err_t e = sql_begin(a->db);
    if (!e) e = archived_positions_write(a->positions, inlets, n);
    return e ? e : sql_commit(a->db);
}

static err_t archiver_persist(void *self, batch_t *batch, const struct inlet_position *inlets,
                              size_t n) {
    struct archiver *a = self;
    (void)batch;
    err_t e = commit_positions_early(a, inlets, n);
    FAILPOINT("archiver.before_commit");
    if (!e) e = sql_begin(a->db);
    if (!e) e = owner_check(a->owner);
    if (!e) e = rows_write_queued(a->rows);
    if (!e) e = archived_positions_write(a->positions, inlets, n);
    if (!e) e = curator_write(a->curator);
    if (!e) {
        FAILPOINT("archiver.in_commit");
        e = sql_commit(a->db);
    }
    if (e) {
        sql_rollback(a->db);
        rows_rolled_back(a->rows);
        return told(a, e);
    }
    FAILPOINT("archiver.after_commit");
    rows_committed(a->rows);
    curator_committed(a->curator);
    positions_committed(a->positions, inlets, n);
    return told(a, ERR_OK);
}

static void archiver_beat(void *self, Heartbeat *out, arena_t *arena) {
    (void)arena;
    curator_beat(((struct archiver *)self)->curator, out);
}

static void archiver_committed(void *self) { rows_clear(((struct archiver *)self)->rows); }

const struct service archiver_service = {
    .role = ARCHIVER,
    .purpose = "Keeps everything on record in SQLite, and is where the configuration lives.",
    .options = options,
    .settings_size = sizeof(struct settings),
    .routes = routes,
    .slice = archiver_slice,
    .controls = controls,
    .traced = true,
    .new = archiver_new,
    .destroy = archiver_destroy,
    .load = archiver_load,
    .open = archiver_open,
    .answers_apart = true,
    .tick = archiver_tick,
    .committed = archiver_committed,
    .beat = archiver_beat,
    .persist = archiver_persist,
    .positions = archiver_positions,
    .batch_max = BATCH_MOST,
    .gather_count = COMMIT_AT,
    .gather_for_ms = COMMIT_AFTER,
};
