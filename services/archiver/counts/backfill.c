// backfill - what an earlier version of the archive left to be derived from its trades, results and
// reconciliations.
// SPDX-License-Identifier: MIT
#include "services/archiver/counts/backfill.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/own.h"
#include "proto/tables.h"

struct backfill;
typedef err_t count_fn(backfill_t *self, sql_query_t *row);

static count_fn count_trade, count_execution;

enum phase { RESULTS, TRADES, RECONCILIATIONS, PHASES };

struct phase_form {
    const char *table;
    const char *select; // the next rows, their rowid first: ?1 after, ?2 until, ?3 how many
    count_fn *count;    // NULL: `select` writes them itself, and gives the last rowid
};

// Results first, as it is live: in the order in which they came, for the sake of the drawdown.
static const struct phase_form phases[PHASES] = {
    [RESULTS] = {"trade_result",
                 "SELECT rowid, result_id FROM trade_result WHERE rowid > ?1 AND rowid <= ?2 ORDER "
                 "BY rowid LIMIT ?3",
                 count_execution},
    [TRADES] =
        {"trades",
         "SELECT rowid, * FROM trades WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid LIMIT ?3",
         count_trade},
    [RECONCILIATIONS] = {"trade_reconciliation",
                         "SELECT max(rowid) FROM (SELECT rowid FROM trade_reconciliation WHERE "
                         "rowid > ?1 AND rowid <= ?2 ORDER BY rowid"
                         " LIMIT ?3)",
                         NULL},
};

struct backfill {
    derived_t *derived;
    sql_query_t *select[PHASES], *progress, *log;
    struct uncounted left[PHASES], next; // committed; and of the phase that is worked on
    arena_t *arena;
};

err_t backfill_prepare(sql_t *db) {
    char text[256];
    err_t e = sql_begin(db);
    for (size_t i = 0; !e && i < PHASES; i++) {
        snprintf(text, sizeof(text),
                 "INSERT OR IGNORE INTO backfill SELECT '%s', 0, coalesce(max(rowid), 0) FROM %s",
                 phases[i].table, phases[i].table);
        e = sql_run(db, text);
    }
    if (!e) return sql_commit(db);
    sql_rollback(db);
    return e;
}

// What was never counted is told to who counts what changes.
static void tell_derived(backfill_t *self) {
    *derived_uncounted(self->derived, COUNTED_RESULTS) = self->left[RESULTS];
    *derived_uncounted(self->derived, COUNTED_TRADES) = self->left[TRADES];
}

static bool read_left(backfill_t *self, sql_t *db) {
    own(sql_query) *q = sql_prepare(db, "SELECT after, until FROM backfill WHERE table_name = ?1");
    bool row = true;
    for (size_t i = 0; q && row && i < PHASES; i++) {
        sql_bind_text(q, 1, phases[i].table);
        if (sql_step(q, &row) || !row) return false;
        self->left[i] = (struct uncounted){sql_integer(q, 0), sql_integer(q, 1)};
        sql_reset(q);
    }
    return q != NULL;
}

static bool prepare_backfill(backfill_t *self, sql_t *db) {
    for (size_t i = 0; i < PHASES; i++)
        if (!(self->select[i] = sql_prepare(db, phases[i].select))) return false;
    self->progress = sql_prepare(db, "UPDATE backfill SET after = ?2 WHERE table_name = ?1");
    self->log = sql_prepare(
        db, "INSERT OR IGNORE INTO trade_reconciliation_log (trade_id, reconciled_at, signal_id, "
            "reconciliation_status,"
            " discrepancy, rejection_reason, " CHANGED
            ") SELECT r.trade_id, r.reconciled_at, coalesce(o.signal_id, ''),"
            " r.reconciliation_status, r.discrepancy, r.rejection_reason, next_change() FROM "
            "trade_reconciliation r"
            " LEFT JOIN orders o ON o.trade_id = r.trade_id WHERE r.rowid > ?1 AND r.rowid <= ?2");
    return self->progress && self->log && read_left(self, db);
}

backfill_t *backfill_new(sql_t *db, derived_t *derived) {
    backfill_t *self = alloc_zeroed(1, sizeof(*self));
    self->derived = derived;
    self->arena = arena_new(0);
    if (prepare_backfill(self, db))
        tell_derived(self);
    else
        backfill_destroy(&self);
    return self;
}

void backfill_destroy(backfill_t **self) {
    if (!*self) return;
    for (size_t i = 0; i < PHASES; i++) sql_query_destroy(&(*self)->select[i]);
    sql_query_destroy(&(*self)->progress);
    sql_query_destroy(&(*self)->log);
    arena_destroy(&(*self)->arena);
    free(*self);
    *self = NULL;
}

// The phase that has something left; PHASES: none.
static size_t find_current_phase(const backfill_t *self) {
    size_t i = 0;
    while (i < PHASES && self->left[i].after >= self->left[i].until) i++;
    return i;
}

bool backfill_is_due(const backfill_t *self) { return find_current_phase(self) < PHASES; }

// As if it came now.

static err_t count_trade(backfill_t *self, sql_query_t *row) {
    const struct old_trade none = {0};
    ProtobufCMessage *m;
    err_t e = sql_row(row, &trade_state__descriptor, self->arena, &m);
    return e ? e : derived_trade(self->derived, &none, (const TradeState *)m);
}

static err_t count_execution(backfill_t *self, sql_query_t *row) {
    const struct old_execution none = {0};
    struct old_execution there;
    err_t e = derived_old_execution(self->derived, sql_text(row, 1), &there);
    return e || !there.executed.result ? e
                                       : derived_execution(self->derived, &none, there.executed);
}

static err_t count_all(backfill_t *self, size_t phase, int64_t rows) {
    sql_query_t *q = self->select[phase];
    bool row = true;
    int64_t n = 0;
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(q, &row)) && row) {
        self->next.after = sql_integer(q, 0);
        e = phases[phase].count(self, q);
        n++;
    }
    sql_reset(q);
    if (n < rows) self->next.after = self->next.until;
    return e;
}

static err_t log_all(backfill_t *self, size_t phase) {
    sql_query_t *q = self->select[phase];
    bool row;
    err_t e = sql_step(q, &row);
    int64_t last = !e && row ? sql_integer(q, 0) : 0; // 0: there are none
    sql_reset(q);
    if (e) return e;
    sql_bind_integer(self->log, 1, self->next.after);
    sql_bind_integer(self->log, 2, last);
    self->next.after = last ? last : self->next.until;
    return sql_execute(self->log);
}

err_t backfill_step(backfill_t *self, int64_t rows) {
    size_t phase = find_current_phase(self);
    self->next = self->left[phase];
    arena_reset(self->arena);
    sql_bind_integer(self->select[phase], 1, self->next.after);
    sql_bind_integer(self->select[phase], 2, self->next.until);
    sql_bind_integer(self->select[phase], 3, rows);
    err_t e = phases[phase].count ? count_all(self, phase, rows) : log_all(self, phase);
    if (e) return e;
    sql_bind_text(self->progress, 1, phases[phase].table);
    sql_bind_integer(self->progress, 2, self->next.after);
    return sql_execute(self->progress);
}

void backfill_committed(backfill_t *self) {
    self->left[find_current_phase(self)] = self->next;
    tell_derived(self);
}
