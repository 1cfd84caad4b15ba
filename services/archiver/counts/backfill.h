// backfill - what an earlier version of the archive left to be derived from its trades, results and
// reconciliations, slice by slice while the service works.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "services/archiver/counts/derived.h"

// Table backfill (table_name, after, until): rows above `after` and up to `until` (rowids) are
// still to be counted.
// at start, before anything is written: what is there and was never counted is noted
err_t backfill_prepare(sql_t *db);

typedef struct backfill backfill_t;

// NULL: a statement does not fit the tables (it is logged)
backfill_t *backfill_new(sql_t *db, derived_t *derived);
void backfill_destroy(backfill_t **self);
bool backfill_is_due(const backfill_t *self);
// A slice of at most so many rows, into the open transaction; derived_write comes next.
err_t backfill_step(backfill_t *self, int64_t rows);
void backfill_committed(backfill_t *self); // the transaction is
