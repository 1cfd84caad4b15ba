// derived - what follows from a trade or an execution beyond its own row: trade_performance,
// commission_log, a signal's outcome, and the performance tables; in the transaction of the rows
// that it follows from.
// SPDX-License-Identifier: MIT
#pragma once

#include "archive.pb-c.h"
#include "common/sql/sql.h"
#include "execution.pb-c.h"
#include "services/archiver/counts/tallies.h"

typedef struct derived derived_t;

derived_t *derived_new(sql_t *db); // NULL: a statement does not fit the tables (it is logged)
void derived_destroy(derived_t **self);

// Rows of an earlier version that are not counted yet: the backfill comes to them, and counts them
// as they stand then.
struct uncounted {
    int64_t after, until; // rowids: above `after`, up to `until`
};
enum counted { COUNTED_TRADES, COUNTED_RESULTS, COUNTED_TABLES };
struct uncounted *derived_uncounted(derived_t *self, enum counted table);

// What the tables hold of it, before it is written anew. Nothing: it is new, or not counted yet.
// Valid until derived_write.
struct old_trade {
    const TradeState *trade; // NULL: nothing
    bool uncounted;
};
err_t derived_old_trade(derived_t *self, const char *trade_id, struct old_trade *out);
struct old_execution {
    struct executed executed;
    bool uncounted;
};
err_t derived_old_execution(derived_t *self, const char *result_id, struct old_execution *out);

// As it was written. Texts must live until derived_write.
err_t derived_trade(derived_t *self, const struct old_trade *old, const TradeState *t);
err_t derived_execution(derived_t *self, const struct old_execution *old, struct executed new);
// A signal, or an order of it, has come late: its outcome is looked at.
void derived_signal(derived_t *self, const char *signal_id);
err_t derived_order(derived_t *self, const char *trade_id, const char *signal_id);

// at the end of the transaction: outcomes and performance
err_t derived_write(derived_t *self, uint64_t utc_ns);
void derived_drop(derived_t *self); // the transaction did not take place
