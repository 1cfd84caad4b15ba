// slice - the keys the reconciler owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "services/reconciler/live.h"

// signal_id -> Signal.Status: complete; also by the trade_id of an order of the executor's own
#define DONE_GUARD   "reconciliation:guard"
#define FAILED_GUARD "reconciliation:failed" // trade_id -> enum failure: of a complete signal
enum failure { FAILED_NO_LONGER, FAILED_NOT_EXECUTED, FAILED_EXECUTED };

// A trade that was compared.
struct reconciled {
    const char *signal_id, *account_id;
    const struct facts *facts;
    const TradeReconciliation *result;
};

extern const char *const reconciler_slice[];

void slice_reconciliation(batch_t *batch, const struct reconciled *trade); // no expiry yet
// in a field of its own: its signal's does not name it
void slice_trade_apart(batch_t *batch, struct live_trade *trade);
void slice_signal(batch_t *batch, struct live_signal *signal); // with all of its trades
void slice_complete(batch_t *batch, const struct live_signal *signal);
void slice_expire(batch_t *batch, const char *trade_id);

// Signals that are not complete, into `live`; `now` UTC ns.
err_t reconciler_slice_load(store_t *store, struct live *live, uint64_t now);
// Trades that the executor holds as open, of all its shards. Its slice and its journal change in
// the same transactions, and of the journal we read everything after our position: so what is seen
// here is never newer than what is yet to come, and nothing is missed between the two.
err_t slice_load_open(store_t *store, unsigned shards, store_record_fn *visit, void *arg);
