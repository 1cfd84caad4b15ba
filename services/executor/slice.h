// slice - the keys the executor owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "execution.pb-c.h"

extern const char *const executor_slice[];

void slice_guard_prefix(unsigned shard, char out[static 64]);

void slice_trade(batch_t *batch, const TradeState *t); // whole
// what may have changed since; the hash is there
void slice_trade_moved(batch_t *batch, const TradeState *t);
// The sets of what is loaded at start: open trades, and those that we gave up and watch a while
// longer.
void slice_trade_open(batch_t *batch, unsigned shard, const char *trade_id, bool member);
void slice_trade_watched(batch_t *batch, unsigned shard, const char *trade_id, bool member);
// only for looking from now on
void slice_trade_over(batch_t *batch, const char *trade_id);
// it was over, and is not: without an expiry again; its ExecutionState follows
void slice_trade_again(batch_t *batch, const TradeState *t);
// it is not set any more
void slice_trade_without(batch_t *batch, const char *trade_id, const char *field);
void slice_execution(batch_t *batch, const ExecutionState *e, bool over);
// m may be NULL; for looking
void slice_result(batch_t *batch, const TradeResult *r, const ResultMetrics *m);

void slice_account(batch_t *batch, const AccountState *a);
void slice_broker(batch_t *batch, const BrokerState *b);
void slice_instance(batch_t *batch, const InstanceState *i);
void slice_metrics(batch_t *batch, const InstanceMetrics *m, const InstanceHealth *h);

// latched: halts.h; NULL: not any more
void slice_risk(batch_t *batch, unsigned shard, const char *name, const char *value);
void slice_reports(batch_t *batch, const char *instance_id, uint64_t books, uint64_t report);
// A trade that a broker names and nobody here knows: orphans.h; NULL: it is known.
void slice_orphan(batch_t *batch, unsigned shard, const char *trade_id, const char *account_id);
void slice_forget_aside(batch_t *batch, unsigned shard); // what versions before kept in its place

// The view of positions in one symbol: of one account, or (NULL) of all.
void slice_position(batch_t *batch, const char *account_id, const char *symbol,
                    const ActivePosition *view);
// listed, or gone
void slice_view(batch_t *batch, unsigned shard, const char *account_id, const char *symbol,
                bool shown);
// this executor's part of it; NULL: none any more
void slice_sum(batch_t *batch, unsigned shard, const char *symbol, const SymbolSum *sum);
void slice_sums_forget(batch_t *batch, unsigned shard);

struct slice_loading {
    unsigned shard;
    void *arg;
    store_record_fn *trade;
    store_pair_fn *risk, *reports, *orphan, *report_aside;
    store_member_fn *position; // "<account_id>:<symbol>" or ":<symbol>"
};
err_t slice_load(store_t *store, const struct slice_loading *l);
// symbol -> a packed SymbolSum
err_t slice_load_sums(store_t *store, unsigned shard, store_pair_fn *visit, void *arg);
