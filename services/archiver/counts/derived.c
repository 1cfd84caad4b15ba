// derived - what follows from a trade or an execution beyond its own row.
// SPDX-License-Identifier: MIT
#include "services/archiver/counts/derived.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"
#include "common/domain/trade.h"
#include "proto/tables.h"
#include "services/archiver/counts/performance.h"
#include "services/archiver/rows/outcome.h"

#define QUERIES(X)                                                                                 \
    X(old_trade, "SELECT rowid, account_id, broker_id, instance_id, direction, lot_size, state, "  \
                 "reason, filled_lots, closed_lots, pnl,"                                          \
                 " ordered_at, closed_at FROM trades WHERE trade_id = ?1")                         \
    X(old_result,                                                                                  \
      "SELECT r.rowid, r.result_id, r.trade_id, r.symbol, r.direction, r.lot_size, "               \
      "r.execution_price, r.requested_price, r.slippage,"                                          \
      " r.pnl, r.commission, r.fees, r.state, r.executed_at, coalesce(r.account_id, "              \
      "t.account_id) AS account_id, coalesce(r.broker_id, "                                        \
      "t.broker_id) AS"                                                                            \
      " broker_id, coalesce(r.instance_id, t.instance_id) AS instance_id"                          \
      " FROM trade_result r LEFT JOIN trades t ON t.trade_id = r.trade_id WHERE r.result_id = ?1") \
    X(old_metrics, "SELECT execution_latency_us, broker_latency_us, network_latency_us FROM "      \
                   "result_metrics WHERE result_id = ?1")                                          \
    X(is_over, "SELECT 1 FROM trades WHERE trade_id = ?1 AND state IN ('closed', 'rejected', "     \
               "'cancelled', 'expired')")                                                          \
    X(trades_of_signal, "SELECT t.trade_id IS NULL, t.state, o.direction, t.side, "                \
                        "t.average_price, t.closed_lots, t.exit_price, t.pnl"                      \
                        " FROM orders o LEFT JOIN trades t ON t.trade_id = o.trade_id"             \
                        " WHERE o.signal_id = ?1 AND o.direction IN ('buy', 'sell')")              \
    X(set_outcome,                                                                                 \
      "UPDATE signals SET outcome = ?2, exit_price = ?3, profit_loss_pct = ?4, " CHANGED           \
      " = next_change() WHERE signal_id ="                                                         \
      " ?1 AND (outcome IS NOT ?2 OR exit_price IS NOT ?3 OR profit_loss_pct IS NOT ?4)")

SQL_QUERIES(QUERIES);

struct touched { // a signal whose outcome may have changed
    const char *signal_id;
    UT_hash_handle hh;
};

struct derived {
    tallies_t *tallies;
    sql_query_t *queries[QUERY_COUNT], *put_performance, *put_charge;
    struct uncounted uncounted[COUNTED_TABLES];
    struct touched *touched;
    arena_t *arena; // of the transaction
};

// Life.

static bool prepare_derived(derived_t *self, sql_t *db) {
    const struct put_form performance = {.type = &trade_performance__descriptor,
                                         .table = "trade_performance",
                                         .key = "trade_id",
                                         .update = true,
                                         .numbered = CHANGED};
    const struct put_form charge = {.type = &commission_charge__descriptor,
                                    .table = "commission_log",
                                    .key = "result_id",
                                    .update = true,
                                    .numbered = CHANGED};
    self->put_performance = sql_prepare_put(db, &performance);
    self->put_charge = sql_prepare_put(db, &charge);
    bool good = self->put_performance && self->put_charge;
    good = good && sql_prepare_all(db, query_texts, QUERY_COUNT, self->queries);
    if (good) self->tallies = tallies_new(db);
    return self->tallies != NULL;
}

derived_t *derived_new(sql_t *db) {
    derived_t *self = alloc_zeroed(1, sizeof(*self));
    self->arena = arena_new(0);
    if (!prepare_derived(self, db)) derived_destroy(&self);
    return self;
}

static void clear_touched(derived_t *self) {
    HASH_CLEAR(hh, self->touched);
    self->touched = NULL;
    arena_reset(self->arena);
}

void derived_drop(derived_t *self) {
    tallies_drop(self->tallies);
    clear_touched(self);
}

void derived_destroy(derived_t **self) {
    if (!*self) return;
    tallies_destroy(&(*self)->tallies);
    sql_query_destroy_all((*self)->queries, QUERY_COUNT);
    sql_query_destroy(&(*self)->put_performance);
    sql_query_destroy(&(*self)->put_charge);
    clear_touched(*self);
    arena_destroy(&(*self)->arena);
    free(*self);
    *self = NULL;
}

// What is there.

struct uncounted *derived_uncounted(derived_t *self, enum counted table) {
    return &self->uncounted[table];
}

static bool is_uncounted(const derived_t *self, enum counted table, int64_t rowid) {
    return rowid > self->uncounted[table].after && rowid <= self->uncounted[table].until;
}

// One row as a message; NULL: there is none.
static err_t read_one(derived_t *self, enum query_name query, const char *id,
                      const ProtobufCMessageDescriptor *type, ProtobufCMessage **out) {
    sql_query_t *q = self->queries[query];
    bool row;
    *out = NULL;
    sql_bind_text(q, 1, id);
    err_t e = sql_step(q, &row);
    if (!e && row) e = sql_row(q, type, self->arena, out);
    return e;
}

err_t derived_old_trade(derived_t *self, const char *trade_id, struct old_trade *out) {
    ProtobufCMessage *m;
    *out = (struct old_trade){0};
    err_t e = read_one(self, QUERY_old_trade, trade_id, &trade_state__descriptor, &m);
    if (!e && m) {
        out->uncounted =
            is_uncounted(self, COUNTED_TRADES, sql_integer(self->queries[QUERY_old_trade], 0));
        out->trade = (const TradeState *)m;
    }
    sql_reset(self->queries[QUERY_old_trade]);
    return e;
}

err_t derived_old_execution(derived_t *self, const char *result_id, struct old_execution *out) {
    ProtobufCMessage *result, *metrics = NULL;
    *out = (struct old_execution){0};
    err_t e = read_one(self, QUERY_old_result, result_id, &trade_result__descriptor, &result);
    if (!e && result) {
        out->uncounted =
            is_uncounted(self, COUNTED_RESULTS, sql_integer(self->queries[QUERY_old_result], 0));
        e = read_one(self, QUERY_old_metrics, result_id, &result_metrics__descriptor, &metrics);
        out->executed =
            (struct executed){(const TradeResult *)result, (const ResultMetrics *)metrics};
    }
    sql_reset(self->queries[QUERY_old_result]);
    sql_reset(self->queries[QUERY_old_metrics]);
    return e;
}

// What follows.

void derived_signal(derived_t *self, const char *signal_id) {
    struct touched *t;
    HASH_FIND_STR(self->touched, signal_id, t);
    if (t) return;
    t = arena_zero(self->arena, sizeof(*t));
    t->signal_id = signal_id;
    HASH_ADD_KEYPTR(hh, self->touched, t->signal_id, strlen(t->signal_id), t);
}

err_t derived_order(derived_t *self, const char *trade_id, const char *signal_id) {
    sql_query_t *q = self->queries[QUERY_is_over];
    bool over;
    sql_bind_text(q, 1, trade_id);
    err_t e = sql_step(q, &over);
    if (!e && over) derived_signal(self, signal_id);
    sql_reset(q);
    return e;
}

err_t derived_trade(derived_t *self, const struct old_trade *old, const TradeState *t) {
    err_t e = old->uncounted ? ERR_OK : tallies_trade(self->tallies, old->trade, t);
    if (trade_is_opening(t) &&
        (trade_state_is_over(t->state) || (old->trade && trade_state_is_over(old->trade->state))))
        derived_signal(self, t->signal_id);
    if (e || t->filled_lots <= 0) return e;
    TradePerformance row;
    trade_performance_of(t, &row);
    return sql_upsert(self->put_performance, &row.base);
}

err_t derived_execution(derived_t *self, const struct old_execution *old, struct executed new) {
    CommissionCharge charge, before;
    if (!new.metrics) new.metrics = old->executed.metrics; // they stay
    err_t e = old->uncounted ? ERR_OK : tallies_execution(self->tallies, old->executed, new);
    bool charged = charge_of(new.result, &charge);
    if (!charged && !(old->executed.result && charge_of(old->executed.result, &before))) return e;
    return e ? e : sql_upsert(self->put_charge, &charge.base);
}

// Outcomes.

static err_t sum_up(derived_t *self, const char *signal_id, struct outcome *out) {
    sql_query_t *q = self->queries[QUERY_trades_of_signal];
    ProtobufCMessage *m;
    bool row = true;
    sql_bind_text(q, 1, signal_id);
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(q, &row)) && row) {
        if (sql_integer(q, 0)) {
            out->open++; // its trade is still to come
            continue;
        }
        e = sql_row(q, &trade_state__descriptor, self->arena, &m);
        if (!e) outcome_add(out, (const TradeState *)m);
    }
    sql_reset(q);
    return e;
}

static void bind_optional(sql_query_t *q, int at, bool has, int64_t value) {
    if (has)
        sql_bind_decimal(q, at, D(value));
    else
        sql_bind_text(q, at, NULL);
}

static err_t write_outcome(derived_t *self, const char *signal_id) {
    struct outcome sum = {0};
    err_t e = sum_up(self, signal_id, &sum);
    if (e) return e;
    const struct outcome_row row = outcome_of(&sum);
    sql_query_t *q = self->queries[QUERY_set_outcome];
    sql_bind_text(q, 1, signal_id);
    sql_bind_text(q, 2, row.text);
    bind_optional(q, 3, row.has_exit_price, row.exit_price);
    bind_optional(q, 4, row.has_profit_loss_pct, row.profit_loss_pct);
    return sql_execute(q);
}

err_t derived_write(derived_t *self, uint64_t utc_ns) {
    err_t e = ERR_OK;
    for (const struct touched *t = self->touched; !e && t; t = t->hh.next)
        e = write_outcome(self, t->signal_id);
    if (!e) e = tallies_write(self->tallies, utc_ns);
    clear_touched(self);
    return e;
}
