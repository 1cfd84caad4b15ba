// archive_feed - writes the lives of signals and trades into an archive as the archiver does,
// without the rest of the system: for measuring, and (wild) for checking what is counted against
// what is there.
// SPDX-License-Identifier: MIT
//
// archive_feed FILE SIGNALS ACCOUNTS MESSAGES_A_BATCH SEED [wild [corrected]]
//   plain: each signal becomes a market order for each account, filled at once.
//   wild: rejected, cancelled, expired, found after all, filled and closed in parts, told twice, in
//   any order of topics, over several days,
//   with transactions that are rolled back and done again; corrected: results change after the
//   fact, too.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/schema/record.h"
#include "order.pb-c.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/outcome.h"
#include "services/archiver/rows/positions.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"
#include "tests/unit/terms.h"

#define E8(units) ((int64_t)(units)*1000000) // hundredths
#define OPEN_MOST 512

struct feed {
    sql_t *db;
    rows_t *rows;
    positions_t *positions;
    arena_t *arena;
    uint64_t dice, now, batches, written, orders, sequence;
    unsigned accounts, batch;
    bool wild, corrected;
    TradeState *open[OPEN_MOST]; // filled, and not closed: owned
    size_t n_open;
    TradeResult *last; // told before: owned
    ResultMetrics *last_metrics;
    TradeState *last_trade;
};

static uint64_t roll(struct feed *f, uint64_t n) {
    f->dice ^= f->dice >> 12;
    f->dice ^= f->dice << 25;
    f->dice ^= f->dice >> 27;
    return f->dice * UINT64_C(2685821657736338717) % n;
}

static void must(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "archive_feed: %s\n", what);
    exit(1);
}

static char *new_id(struct feed *f) {
    char *id = arena_take(f->arena, ID_TEXT);
    char number[32];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)++f->sequence);
    const char *const parts[] = {"feed", number};
    id_derive_at(id, f->now / NS_PER_MS, 2, parts);
    return id;
}

static void commit(struct feed *f) {
    struct inlet_position at[] = {{"signals", {7, ++f->batches}},
                                  {"orders.0", {7, f->batches}},
                                  {"executions.0", {7, f->batches}}};
    if (f->wild && roll(f, 4) == 0) { // the disk is full, say
        must(!sql_begin(f->db) && !rows_write_queued(f->rows), sql_trouble(f->db));
        sql_rollback(f->db);
        rows_rolled_back(f->rows);
    }
    f->written += rows_count(f->rows);
    must(!sql_begin(f->db) && !rows_write_queued(f->rows) &&
             !archived_positions_write(f->positions, at, 3) && !sql_commit(f->db),
         sql_trouble(f->db));
    rows_committed(f->rows);
    positions_committed(f->positions, at, 3);
    rows_clear(f->rows);
    arena_reset(f->arena);
}

// What an earlier version left, in small slices.
static void backfill(struct feed *f, bool all) {
    for (unsigned slice = 1; rows_backfill_is_due(f->rows); slice++) {
        must(!sql_begin(f->db) && !rows_backfill(f->rows, f->wild ? 5 : 1000), sql_trouble(f->db));
        if (f->wild && (f->batches + slice) % 3 == 0) {
            sql_rollback(f->db);
            rows_rolled_back(f->rows);
            continue;
        }
        must(!sql_commit(f->db), sql_trouble(f->db));
        rows_backfilled(f->rows);
        if (!all) return;
    }
}

// What becomes of a message: see archiver.c.

static void tell(struct feed *f, const TradeState *t, const TradeResult *r,
                 const ResultMetrics *m) {
    Execution *e = arena_take(f->arena, sizeof(*e));
    execution__init(e);
    e->trade = (TradeState *)record_copy(&t->base, f->arena);
    if (r) e->result = (TradeResult *)record_copy(&r->base, f->arena);
    if (m) e->metrics = (ResultMetrics *)record_copy(&m->base, f->arena);
    rows_add_execution(f->rows, e, f->arena);
}

static void tell_again_later(struct feed *f, const TradeState *t, const TradeResult *r,
                             const ResultMetrics *m) {
    if (!f->wild || roll(f, 4)) return;
    if (f->last) protobuf_c_message_free_unpacked(&f->last->base, NULL);
    if (f->last_metrics) protobuf_c_message_free_unpacked(&f->last_metrics->base, NULL);
    if (f->last_trade) protobuf_c_message_free_unpacked(&f->last_trade->base, NULL);
    f->last = (TradeResult *)record_copy(&r->base, NULL);
    f->last_metrics = m ? (ResultMetrics *)record_copy(&m->base, NULL) : NULL;
    f->last_trade = (TradeState *)record_copy(&t->base, NULL);
}

static void tell_again(struct feed *f) {
    if (!f->last || roll(f, 3)) return;
    if (f->corrected && f->last->state != TRADE_RESULT__STATE__failed) {
        f->last->execution_price += E8(1);
        f->last->slippage += E8(1);
        f->last->has_pnl = f->last->has_commission = true;
        f->last->pnl -= 12345;
        f->last->commission += 7;
        if (roll(f, 3) == 0) f->last->state = TRADE_RESULT__STATE__failed;
        if (f->last_metrics) f->last_metrics->broker_latency_us = roll(f, 100000);
    }
    tell(f, f->last_trade, f->last, f->last_metrics);
}

static void compared(struct feed *f, const TradeState *t, bool success) {
    TradeReconciliation *r = arena_take(f->arena, sizeof(*r));
    trade_reconciliation__init(r);
    r->trade_id = arena_text(f->arena, t->trade_id);
    r->reconciliation_status =
        success ? TRADE_RECONCILIATION__STATUS__success : TRADE_RECONCILIATION__STATUS__failed;
    r->has_discrepancy = success;
    r->discrepancy = t->average_price - t->terms->requested_price;
    r->reconciled_at = f->now;
    rows_add(f->rows, TABLE_trade_reconciliation, &r->base);
    rows_add(f->rows, TABLE_trade_reconciliation_log,
             &reconciliation_entry(r, arena_text(f->arena, t->signal_id), f->arena)->base);
}

// Parts of a life.

static void measured(struct feed *f, const TradeState *t, const TradeResult *r, ResultMetrics *m) {
    result_metrics__init(m);
    m->result_id = r->result_id;
    m->execution_latency_us = (f->now - t->signal_at) / NS_PER_US;
    m->broker_latency_us = f->wild ? roll(f, 50000) : 800 + roll(f, 400); // 0: not known
    m->network_latency_us = f->wild && roll(f, 5) == 0 ? 0 : 120 + roll(f, 90);
    m->execution_latency_ms = m->execution_latency_us / 1000;
    m->broker_latency_ms = m->broker_latency_us / 1000;
    m->created_at = f->now;
    m->has_slippage = r->has_slippage;
    m->slippage = r->slippage;
}

static void executed(struct feed *f, const TradeState *t, TradeResult *r, int64_t lots) {
    trade_result__init(r);
    r->result_id = new_id(f);
    r->execution_id = r->result_id;
    r->trade_id = t->trade_id;
    r->symbol = t->symbol;
    r->account_id = t->account_id;
    r->direction = t->side;
    r->lot_size = lots;
    r->has_execution_price = true;
    r->executed_at = f->now;
    r->state = TRADE_RESULT__STATE__executed;
    r->has_commission = f->wild && roll(f, 3) > 0;
    r->commission = r->has_commission ? (int64_t)roll(f, 700000001) : 0;
    r->has_fees = f->wild && roll(f, 5) == 0;
    r->fees = r->has_fees ? (int64_t)roll(f, 30000001) : 0;
}

static void fill(struct feed *f, TradeState *t, int64_t lots, bool whole) {
    TradeResult r;
    ResultMetrics m;
    decimal_t mean = D(0);
    executed(f, t, &r, lots);
    r.execution_price =
        t->terms->requested_price + (f->wild ? (int64_t)roll(f, 4001) - 2000 : 3) * 1000;
    r.has_requested_price = r.has_slippage = true;
    r.requested_price = t->terms->requested_price;
    r.slippage = r.execution_price - r.requested_price;
    must(decimal_mean(D(t->average_price), D(t->filled_lots), D(r.execution_price), D(lots), &mean),
         "a price");
    t->has_average_price = t->has_filled_lots = t->has_executed_at = true;
    t->average_price = mean.e8;
    t->filled_lots += lots;
    t->executed_at = f->now;
    t->has_commission |= r.has_commission;
    t->commission += r.commission;
    t->has_fees |= r.has_fees;
    t->fees += r.fees;
    t->state = whole ? TRADE_STATE__STATE__filled : TRADE_STATE__STATE__partially_filled;
    t->updated_at = f->now;
    measured(f, t, &r, &m);
    tell(f, t, &r, &m);
    tell_again_later(f, t, &r, &m);
}

static void wait_a_little(struct feed *f) { f->now += NS_PER_US + roll(f, 50) * NS_PER_MS; }

static void take_off(struct feed *f, TradeState *t, int64_t lots, const TradeResult *r) {
    decimal_t mean = D(0);
    must(decimal_mean(D(t->exit_price), D(t->closed_lots), D(r->execution_price), D(lots), &mean),
         "a price");
    t->has_exit_price = t->has_closed_lots = t->has_pnl = true;
    t->exit_price = mean.e8;
    t->closed_lots += lots;
    t->pnl += r->pnl;
    t->updated_at = f->now;
    if (t->closed_lots < t->filled_lots) return;
    t->has_closed_at = true;
    t->closed_at = f->now;
    t->state = TRADE_STATE__STATE__closed;
}

static void close_part(struct feed *f, TradeState *t, int64_t lots) {
    bool by_broker = roll(f, 2);
    TradeState closing = *t;
    Terms terms = *t->terms;
    TradeResult r;
    ResultMetrics m;
    wait_a_little(f);
    if (!by_broker) {
        closing.terms = &terms;
        closing.trade_id = new_id(f);
        closing.signal_id = arena_text(f->arena, "closer");
        closing.direction = SIGNAL__DIRECTION__close;
        closing.state = TRADE_STATE__STATE__filled;
        closing.has_closed_lots = closing.has_pnl = closing.has_exit_price = closing.has_closed_at =
            false;
        closing.closed_lots = closing.pnl = closing.exit_price = 0;
        closing.terms->lot_size = closing.filled_lots = lots;
        closing.ordered_at = closing.executed_at = closing.updated_at = f->now;
    }
    executed(f, by_broker ? t : &closing, &r, lots);
    r.direction =
        t->side == SIGNAL__DIRECTION__buy ? SIGNAL__DIRECTION__sell : SIGNAL__DIRECTION__buy;
    r.execution_price = t->average_price + ((int64_t)roll(f, 2001) - 1000) * 10000;
    r.has_pnl = true;
    r.pnl =
        (r.execution_price - t->average_price) * (t->side == SIGNAL__DIRECTION__buy ? 1 : -1) * 37;
    take_off(f, t, lots, &r);
    if (by_broker) {
        t->has_commission |= r.has_commission;
        t->commission += r.commission;
        t->has_fees |= r.has_fees;
        t->fees += r.fees;
        tell(f, t, &r, NULL);
    } else {
        closing.has_average_price = true;
        closing.average_price = r.execution_price;
        closing.has_commission = r.has_commission;
        closing.commission = r.commission;
        closing.has_fees = r.has_fees;
        closing.fees = r.fees;
        measured(f, &closing, &r, &m);
        tell(f, &closing, &r, &m);
        tell(f, t, NULL, NULL);
    }
}

static void close_some(struct feed *f) {
    size_t i = roll(f, f->n_open);
    TradeState *t = f->open[i];
    int64_t left = t->filled_lots - t->closed_lots, part = roll(f, 2) ? left : left / 2 + 1;
    close_part(f, t, part);
    if (t->state != TRADE_STATE__STATE__closed) return;
    protobuf_c_message_free_unpacked(&t->base, NULL);
    f->open[i] = f->open[--f->n_open];
}

static void fail(struct feed *f, TradeState *t) {
    static const TradeState__State ends[] = {
        TRADE_STATE__STATE__rejected, TRADE_STATE__STATE__rejected, TRADE_STATE__STATE__cancelled,
        TRADE_STATE__STATE__expired};
    TradeResult r;
    t->state = ends[roll(f, 4)];
    t->updated_at = f->now;
    t->reason = arena_format(f->arena, roll(f, 2) ? "no money: %u needed" : "market closed %u",
                             (unsigned)roll(f, 1000));
    executed(f, t, &r, t->terms->lot_size);
    r.state = TRADE_RESULT__STATE__failed;
    r.has_execution_price = r.has_commission = r.has_fees = false;
    r.commission = r.fees = 0;
    tell(f, t, t->state == TRADE_STATE__STATE__rejected ? &r : NULL, NULL);
    compared(f, t, false);
    wait_a_little(f);
    if (roll(f, 3)) return;
    fill(f, t, t->terms->lot_size, true); // it comes to light
    compared(f, t, true);
}

static void live(struct feed *f, TradeState *t) {
    if (f->wild && roll(f, 6) == 0) return fail(f, t);
    if (f->wild && roll(f, 3) == 0) {
        t->state = TRADE_STATE__STATE__working;
        tell(f, t, NULL, NULL);
        wait_a_little(f);
        fill(f, t, t->terms->lot_size / 3, false);
        wait_a_little(f);
        if (roll(f, 8) == 0) return; // the rest still works
        fill(f, t, t->terms->lot_size - t->terms->lot_size / 3, true);
    } else
        fill(f, t, t->terms->lot_size, true);
    compared(f, t, true);
    if (f->wild && f->n_open < OPEN_MOST)
        f->open[f->n_open++] = (TradeState *)record_copy(&t->base, NULL);
}

static void set_order(const TradeState *t, Order *o) {
    order__init(o);
    o->terms = new_terms();
    o->trade_id = t->trade_id;
    o->signal_id = t->signal_id;
    o->account_id = t->account_id;
    o->broker_id = t->broker_id;
    o->symbol = o->broker_symbol = t->symbol;
    o->terms->order_type = t->terms->order_type;
    o->direction = t->direction;
    o->terms->has_lot_size = o->terms->has_requested_price = true;
    o->terms->lot_size = t->terms->lot_size;
    o->terms->requested_price = t->terms->requested_price;
    o->signal_at = t->signal_at;
    o->ordered_at = t->ordered_at;
}

static TradeState *new_trade(struct feed *f, const Signal *s, unsigned account) {
    TradeState *t = arena_take(f->arena, sizeof(*t));
    trade_state__init(t);
    t->terms = new_terms();
    t->trade_id = new_id(f);
    t->signal_id = s->signal_id;
    t->account_id = arena_format(f->arena, "acc%03u", account);
    t->broker_id = (char *)(uintptr_t)(account % 2 ? "b" : "a");
    t->instance_id = (char *)(uintptr_t)(account % 2 ? "gw-b" : "gw-a");
    t->symbol = t->broker_symbol = s->symbol;
    t->terms->order_type = SIGNAL__ORDER_TYPE__market;
    t->direction = t->side = s->direction;
    t->has_side = t->terms->has_lot_size = t->terms->has_requested_price = true;
    t->terms->lot_size = f->wild ? E8(1 + roll(f, 200)) : E8(10);
    t->terms->requested_price = s->price;
    t->signal_at = s->created_at;
    t->ordered_at = t->updated_at = f->now;
    t->has_submitted_at = true;
    t->submitted_at = f->now;
    t->broker_order_id = t->trade_id;
    return t;
}

static void end_batch(struct feed *f, bool all) {
    if (rows_count(f->rows) < (all ? 1 : f->batch)) return;
    commit(f);
    backfill(f, false);
}

static void routed(struct feed *f, const Signal *s, TradeState *const *trades) {
    Routing *r = arena_take(f->arena, sizeof(*r));
    Decision *decisions = arena_take(f->arena, f->accounts * sizeof(*decisions));
    routing__init(r);
    r->decisions = arena_take(f->arena, f->accounts * sizeof(*r->decisions));
    for (unsigned i = 0; i < f->accounts; i++) {
        decision__init(r->decisions[i] = &decisions[i]);
        decisions[i].account_id = trades[i]->account_id;
        decisions[i].reason = REASON__CODE__ordered;
        decisions[i].trade_id = trades[i]->trade_id;
    }
    r->signal_id = s->signal_id;
    r->source = s->source;
    r->orders = f->accounts;
    r->n_decisions = f->accounts;
    r->signal_at = s->created_at;
    r->routed_at = f->now;
    rows_add(f->rows, TABLE_routings, &r->base);
}

static Signal *new_signal(struct feed *f) {
    static const char *const symbols[] = {"EURUSD", "GBPUSD", "XAUUSD"};
    static const int64_t prices[] = {108432000, 126500000, 190000000000};
    Signal *s = arena_take(f->arena, sizeof(*s));
    size_t at = f->wild ? roll(f, 3) : 0;
    signal__init(s);
    s->signal_id = new_id(f);
    s->source = (char *)(uintptr_t) "test";
    s->strategy = (char *)(uintptr_t) "trend";
    s->symbol = (char *)(uintptr_t)symbols[at];
    s->order_type = SIGNAL__ORDER_TYPE__market;
    s->direction = f->wild && roll(f, 2) ? SIGNAL__DIRECTION__sell : SIGNAL__DIRECTION__buy;
    s->has_price = s->has_lot_size = true;
    s->price = prices[at];
    s->lot_size = E8(10);
    s->status = SIGNAL__STATUS__pending;
    s->created_at = f->now;
    return s;
}

static void ended(struct feed *f, const Signal *s) {
    SignalExecutionStatus *x = arena_take(f->arena, sizeof(*x));
    signal_execution_status__init(x);
    x->signal_id = s->signal_id;
    x->status = SIGNAL__STATUS__completed;
    rows_add(f->rows, TABLE_signal_execution_status, &x->base);
}

static void one_signal(struct feed *f) {
    f->now += f->wild ? NS_PER_S + roll(f, 1200) * NS_PER_S : NS_PER_MS;
    Signal *s = new_signal(f);
    TradeState **trades = arena_take(f->arena, f->accounts * sizeof(*trades));
    bool late = f->wild && roll(f, 3) == 0; // topics have no order between them
    if (!late) rows_add(f->rows, TABLE_signals, &signal_row(s, f->arena)->base);
    for (unsigned i = 0; i < f->accounts; i++) trades[i] = new_trade(f, s, i);
    routed(f, s, trades);
    for (int round = 0; round < 2; round++) {
        bool orders = (round == 0) != late;
        for (unsigned i = 0; i < f->accounts; i++) {
            if (orders) {
                Order *o = arena_take(f->arena, sizeof(*o));
                set_order(trades[i], o);
                rows_add(f->rows, TABLE_orders, &o->base);
            } else
                live(f, trades[i]);
        }
    }
    if (late) rows_add(f->rows, TABLE_signals, &signal_row(s, f->arena)->base);
    ended(f, s);
    f->orders += f->accounts;
}

static double cpu_s(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void open_feed(struct feed *f, char **arguments) {
    char notice[400] = "";
    f->accounts = (unsigned)atoi(arguments[3]);
    f->batch = (unsigned)atoi(arguments[4]);
    f->dice = strtoull(arguments[5], NULL, 10) * 7919 + 1;
    f->now = UINT64_C(1763720000) * NS_PER_S;
    f->arena = arena_new(0);
    f->db = database_open(arguments[1], 0, notice, sizeof(notice));
    must(f->db != NULL && f->accounts && f->batch,
         "FILE SIGNALS ACCOUNTS MESSAGES_A_BATCH SEED [wild [corrected]]");
    f->rows = rows_new(f->db);
    f->positions = archived_positions_new(f->db);
    must(f->rows && f->positions && !positions_load(f->positions), "the tables do not fit");
}

static void close_feed(struct feed *f) {
    for (size_t i = 0; i < f->n_open; i++)
        protobuf_c_message_free_unpacked(&f->open[i]->base, NULL);
    if (f->last) protobuf_c_message_free_unpacked(&f->last->base, NULL);
    if (f->last_metrics) protobuf_c_message_free_unpacked(&f->last_metrics->base, NULL);
    if (f->last_trade) protobuf_c_message_free_unpacked(&f->last_trade->base, NULL);
    archived_positions_destroy(&f->positions);
    rows_destroy(&f->rows);
    sql_destroy(&f->db);
    arena_destroy(&f->arena);
}

int main(int n, char **arguments) {
    struct feed f = {.wild = n > 6, .corrected = n > 7};
    must(n > 5, "FILE SIGNALS ACCOUNTS MESSAGES_A_BATCH SEED [wild [corrected]]");
    open_feed(&f, arguments);
    long signals = atol(arguments[2]);
    uint64_t began = clock_mono_ns();
    double cpu = cpu_s();
    for (long i = 0; i < signals; i++) {
        one_signal(&f);
        for (uint64_t k = f.wild && f.n_open ? roll(&f, 2 * f.accounts) : 0; k && f.n_open; k--)
            close_some(&f);
        if (f.wild) tell_again(&f);
        end_batch(&f, false);
    }
    end_batch(&f, true);
    backfill(&f, true);
    double took = (double)(clock_mono_ns() - began) / 1e9;
    printf("{\"rows\": %llu, \"orders\": %llu, \"batches\": %llu, \"seconds\": %.6f, "
           "\"cpu_seconds\": %.6f}\n",
           (unsigned long long)f.written, (unsigned long long)f.orders,
           (unsigned long long)f.batches, took, cpu_s() - cpu);
    close_feed(&f);
    return 0;
}
