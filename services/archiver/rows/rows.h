// rows - what a batch will write: queued by handlers, written in one transaction, kept until that
// is committed.
// SPDX-License-Identifier: MIT
#pragma once

#include "execution.pb-c.h"
#include "services/archiver/chain/chain.h"
#include "signal.pb-c.h"
#include "system.pb-c.h"

// Whatever writes to a table also sets its column `changed` to next_change(), and notes what it
// deletes in removed_rows (unless it is only too old to be kept here): copies of the archive are
// made from these.
typedef struct rows rows_t;

rows_t *rows_new(sql_t *db); // NULL: a statement does not fit the tables (it is logged)
void rows_destroy(rows_t **self);

// Rows are not copied: they must live until rows_clear (a batch's arena does).
void rows_add(rows_t *self, enum table_name table, const ProtobufCMessage *row);
void rows_add_signal(rows_t *self, const Signal *signal, arena_t *arena);
// An execution's trade, result and metrics.
void rows_add_execution(rows_t *self, const Execution *e, arena_t *arena);
// Of several states of a trade in one batch only the latest is written.
void rows_add_trade(rows_t *self, const TradeState *trade);
size_t rows_count(const rows_t *self);
// Writes them all, into an open transaction. Writing them again later gives the same tables:
// everything is an upsert by key.
err_t rows_write_queued(rows_t *self);
void rows_committed(rows_t *self);   // the transaction is: the chain goes on from it
void rows_rolled_back(rows_t *self); // it is not
// How long signals took until they were committed; the message points into the arena.
StorageLatency *rows_report_storage(rows_t *self, arena_t *arena);
// What an earlier version left to be counted, slice by slice, each in a transaction of its own that
// the caller opens and commits.
bool rows_backfill_is_due(const rows_t *self);
err_t rows_backfill(rows_t *self, int64_t most);
void rows_backfilled(rows_t *self); // the transaction is committed
void rows_clear(rows_t *self);
chain_t *rows_chain(rows_t *self);
