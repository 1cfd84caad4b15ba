// tallies - the performance of every account, broker and gateway, by day and in total: in memory as
// long as it is hot, written once a batch for each that changed. What is in memory is what the
// tables hold, with the open transaction's changes: whoever rolls back drops it.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "execution.pb-c.h"

typedef struct tallies tallies_t;

tallies_t *tallies_new(sql_t *db); // NULL: a statement does not fit the tables (it is logged)
void tallies_destroy(tallies_t **self);

// A trade as it was counted (NULL: it was not) and as it stands.
err_t tallies_trade(tallies_t *self, const TradeState *old, const TradeState *t);

// an execution with what was measured of it; result NULL: none, metrics NULL: not measured
struct executed {
    const TradeResult *result;
    const ResultMetrics *metrics;
};
err_t tallies_execution(tallies_t *self, struct executed old, struct executed new);

err_t tallies_write(tallies_t *self, uint64_t utc_ns); // into the open transaction
// everything in memory: it is read again when it is needed
void tallies_drop(tallies_t *self);
