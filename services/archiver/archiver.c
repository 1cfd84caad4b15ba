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
#define COMMIT_AFTER  200  // ms: no row waits longer (spec 004: on record within 500 ms)
#define BACKFILL_ROWS 1000 // at a tick: some 10 ms
#define BATCH_MOST    1024 // under load: a page of the file is written once for many rows

static const struct option options[] = {
    {"database", OPTION_TEXT, offsetof(struct archiver_settings, database), "var/data/archive.db",
     "The SQLite file", 0, 0, NULL},
    {"check_below", OPTION_SIZE, offsetof(struct archiver_settings, check_below), "256m",
     "Up to this size every page of the file is checked at start; a damaged file is put aside", 0,
     INT64_MAX, NULL},
    {"copied", OPTION_FLAG, offsetof(struct archiver_settings, copied), "false",
     "The archive is copied elsewhere (tradecast-sync-*): keep indexes of what changed, which "
     "costs some of the writing",
     0, 0, NULL},
    {"audit_log", OPTION_TEXT, offsetof(struct archiver_settings, curator.audit_log), NULL,
     "The audit log, a JSON line a signal (signals.log beside the database); off: none", 0, 0,
     NULL},
    {"audit_rotate", OPTION_SIZE, offsetof(struct archiver_settings, curator.audit_rotate), "64m",
     "The audit log is closed and compressed when it is larger, and every day", 4096, INT64_MAX,
     NULL},
    {"retain_days", OPTION_INTEGER, offsetof(struct archiver_settings, curator.retain_days), "0",
     "Final rows that are older than so many whole days are removed; 0: none", 0, 36500, NULL},
    {"market_days", OPTION_INTEGER, offsetof(struct archiver_settings, curator.market_days), "30",
     "Market data older than so many days is removed; 0: none", 0, 36500, NULL},
    {"retain_log_days", OPTION_INTEGER, offsetof(struct archiver_settings, curator.retain_log_days),
     "90", "Rows of the system's own logs older than so many whole days are removed; 0: none", 0,
     36500, NULL},
    {"readers", OPTION_INTEGER, offsetof(struct archiver_settings, curator.readers), "3",
     "Read-only connections that answer questions", 1, 5, NULL},
    {"query_within", OPTION_DURATION, offsetof(struct archiver_settings, curator.answer_ms), "2s",
     "A question that takes longer is given up", 10, 600000, NULL},
    {0},
};

static const struct route routes[] = {
    {TOPIC_signals, &signal__descriptor, archiver_handle_signal, false},
    {TOPIC_signals, &signal_rejection__descriptor, archiver_handle_rejection, false},
    {TOPIC_orders, &order__descriptor, archiver_handle_row, false},
    {TOPIC_orders, &order_command__descriptor, archiver_handle_row, false},
    {TOPIC_commands, &command__descriptor, archiver_handle_row, false},
    {TOPIC_routings, &routing__descriptor, archiver_handle_routing, false},
    {TOPIC_executions, &execution__descriptor, archiver_handle_execution, false},
    {TOPIC_outcomes, &outcome__descriptor, archiver_handle_outcome, false},
    {TOPIC_outcomes, &status_query__descriptor, archiver_handle_query, false},
    {TOPIC_incidents, &alert__descriptor, archiver_handle_row, false},
    {TOPIC_incidents, &system_event__descriptor, archiver_handle_row, false},
    {TOPIC_incidents, &performance_sample__descriptor, archiver_handle_row, false},
    {TOPIC_decisions, &llm_decision__descriptor, archiver_handle_row, false},
    {TOPIC_market, &bar__descriptor, archiver_handle_row, false},
    {TOPIC_market, &indicators__descriptor, archiver_handle_row, false},
    {TOPIC_market, &sentiment__descriptor, archiver_handle_row, false},
    {TOPIC_market, &watchlist__descriptor, archiver_handle_row, false},
    {TOPIC_market, &candidates__descriptor, archiver_handle_row, false},
    {TOPIC_market, &market_context__descriptor, archiver_handle_row, false},
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

static void archiver_destroy(void **arg) {
    struct archiver *self = *arg;
    if (!self) return;
    config_destroy(&self->config);
    shard_record_destroy(&self->record);
    curator_destroy(&self->curator);
    recalls_destroy(&self->recalls);
    owner_destroy(&self->owner);
    archived_positions_destroy(&self->positions);
    rows_destroy(&self->rows);
    sql_destroy(&self->db);
    arena_destroy(&self->arena);
    free(self);
    *arg = NULL;
}

// One at a time: the others are met again.
static void note_unreadable_cell(void *arg, const struct unreadable_cell *cell) {
    struct archiver *self = arg;
    if (!self->cell[0]) sql_cell_words(cell, self->cell);
}

static void *archiver_new(const struct context *context, const void *settings) {
    const struct archiver_settings *s = settings;
    struct archiver *self = alloc_zeroed(1, sizeof(*self));
    self->context = context;
    self->arena = arena_new(0);
    self->config = config_new();
    self->record = shard_record_new();
    if (s->curator.retain_days || s->curator.retain_log_days) database_shrinkable(s->database);
    self->db = database_open(s->database, s->check_below, self->notice, sizeof(self->notice));
    if (self->db) sql_on_unreadable(self->db, note_unreadable_cell, self);
    if (self->db && schema_index_changes(self->db, s->copied)) sql_destroy(&self->db);
    if (self->db) self->rows = rows_new(self->db);
    if (self->rows) self->positions = archived_positions_new(self->db);
    if (self->positions) self->owner = owner_new(self->db);
    struct curator_options curator = s->curator;
    curator.database = s->database;
    if (self->owner) self->curator = curator_new(&curator, self->db, rows_chain(self->rows));
    if (self->curator) self->recalls = recalls_new(self->db);
    if (!self->recalls) archiver_destroy((void **)&self);
    if (self)
        self->desk =
            (struct desk){self->config, self->db, self->rows, {context->shards, self->record}};
    return self;
}

// Redis is ahead only when this file was lost or is an older copy: what was acknowledged comes back
// from the cache.
static err_t take_from_cache(struct archiver *self) {
    own(config) *cache = config_new();
    err_t e = slice_read_config(self->store, cache);
    if (e) return e;
    self->n_untold = config_newer(self->config, cache, clock_utc_ns(), self->arena, &self->untold);
    for (size_t i = 0; i < self->n_untold; i++) {
        self->untold[i]->has_recovered = self->untold[i]->recovered = true;
        config_take(self->config, self->untold[i]);
    }
    return ERR_OK;
}

static err_t archiver_load(void *arg, store_t *store) {
    struct archiver *self = arg;
    uint64_t told = 0;
    self->store = store;
    err_t e = owner_claim(self->owner);
    if (!e) e = chain_adopt(rows_chain(self->rows));
    if (!e) e = positions_load(self->positions);
    if (!e) e = config_table_load(self->db, self->config);
    if (!e) e = recalls_load(self->recalls);
    if (!e) e = slice_read_version(store, &told);
    if (!e && told < config_version(self->config))
        e = config_table_changes(self->db, told, self->arena, &self->untold, &self->n_untold);
    else if (!e && told > config_version(self->config))
        e = take_from_cache(self);
    if (!e) config_raise(self->config, told);
    if (!e) e = shard_record_load(self->record, store);
    if (e)
        log_event(LOG_LEVEL_ERROR, "not_loaded", "error=%s why=%s", error_name(e),
                  log_quote(sql_trouble(self->db)));
    return e;
}

static void archiver_positions(void *arg, struct inlet_position *inlets, size_t n) {
    struct archiver *self = arg;
    char from[200];
    bool cut, restored = curator_restored(self->curator, from);
    positions_find(self->positions, self->store, restored,
                   &(struct positions_found){inlets, n, &cut});
    if (!cut || self->notice[0]) return;
    if (restored)
        snprintf(
            self->notice, sizeof(self->notice),
            "restored from %.150s; what came after it and is in no journal any more is not in it",
            from);
    else
        snprintf(self->notice, sizeof(self->notice),
                 "the archive is new; it begins with what the journals still hold");
}

// A slice of what an earlier version left, in a transaction of its own. What fails is tried again
// at the next tick.
static void backfill_slice(struct archiver *self) {
    if (self->refused || !rows_backfill_is_due(self->rows)) return;
    err_t e = sql_begin(self->db);
    if (!e) e = owner_check(self->owner);
    if (!e) e = rows_backfill(self->rows, BACKFILL_ROWS);
    if (!e) e = sql_commit(self->db);
    if (!e) {
        rows_backfilled(self->rows);
        if (!rows_backfill_is_due(self->rows))
            log_event(LOG_LEVEL_INFO, "backfilled", "tables=performance");
        return;
    }
    sql_rollback(self->db);
    rows_rolled_back(self->rows);
    log_event(LOG_LEVEL_ERROR, "backfill_refused", "error=%s why=%s", error_name(e),
              log_quote(sql_trouble(self->db)));
}

// While rows cannot be written, what they say is not known.
static void recall_signals(struct archiver *self, batch_t *batch) {
    if (self->refused || !self->context->caught_up) return;
    err_t e = recalls_tick(self->recalls, batch, self->context->rolled_back_at);
    if (e) archiver_log_recall_failure(self, e);
}

static err_t archiver_tick(void *arg, batch_t *batch) {
    struct archiver *self = arg;
    backfill_slice(self);
    if (self->notice[0])
        batch_alert(batch, ALERT__SEVERITY__critical, "archive_restarted", self->context->name,
                    "%s", self->notice);
    self->notice[0] = 0;
    if (self->cell[0])
        batch_alert(batch, ALERT__SEVERITY__critical, "unreadable_row", self->context->name, "%s",
                    self->cell);
    self->cell[0] = 0;
    for (size_t i = 0; i < self->n_untold; i++) desk_change(&self->desk, batch, self->untold[i]);
    if (self->n_untold) slice_config_version(batch, config_version(self->config));
    self->n_untold = 0;
    recall_signals(self, batch);
    return curator_tick(self->curator, batch);
}

static err_t archiver_open(void *arg, reactor_t *reactor) {
    struct archiver *self = arg;
    (void)reactor; // questions have threads of their own
    return curator_open(self->curator, self->context);
}

// After the first failure and after the recovery, not at every try.
static err_t told(struct archiver *self, err_t e) {
    if (e && !self->refused)
        log_event(LOG_LEVEL_ERROR, "archive_refused", "error=%s why=%s", error_name(e),
                  log_quote(sql_trouble(self->db)));
    if (!e && self->refused)
        log_event(LOG_LEVEL_INFO, "archive_recovered", "rows=%zu", rows_count(self->rows));
    self->refused = e != ERR_OK;
    return e;
}

// The mutation: positions in a transaction of their own, before the rows.
static err_t commit_positions_early(struct archiver *self, const struct inlet_position *inlets,
                                    size_t n) {
    if (!MUTATED("position_apart")) return ERR_OK;
    err_t e = sql_begin(self->db);
    if (!e) e = archived_positions_write(self->positions, inlets, n);
    return e ? e : sql_commit(self->db);
}

static err_t archiver_persist(void *arg, batch_t *batch, const struct inlet_position *inlets,
                              size_t n) {
    struct archiver *self = arg;
    (void)batch;
    err_t e = commit_positions_early(self, inlets, n);
    FAILPOINT("archiver.before_commit");
    if (!e) e = sql_begin(self->db);
    if (!e) e = owner_check(self->owner);
    if (!e) e = rows_write_queued(self->rows);
    if (!e) e = archived_positions_write(self->positions, inlets, n);
    if (!e) e = curator_write(self->curator);
    if (!e) {
        FAILPOINT("archiver.in_commit");
        e = sql_commit(self->db);
    }
    if (e) {
        sql_rollback(self->db);
        rows_rolled_back(self->rows);
        return told(self, e);
    }
    FAILPOINT("archiver.after_commit");
    rows_committed(self->rows);
    curator_committed(self->curator);
    positions_committed(self->positions, inlets, n);
    return told(self, ERR_OK);
}

static void archiver_beat(void *self, Heartbeat *out, arena_t *arena) {
    struct archiver *a = self;
    curator_beat(a->curator, out);
    out->storage = rows_report_storage(a->rows, arena);
}

static void archiver_committed(void *self) { rows_clear(((struct archiver *)self)->rows); }

const struct service archiver_service = {
    .role = ARCHIVER,
    .purpose = "Keeps everything on record in SQLite, and is where the configuration lives.",
    .options = options,
    .settings_size = sizeof(struct archiver_settings),
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
