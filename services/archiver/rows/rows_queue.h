// rows_queue - the rows that a batch will write, in the order in which handlers queued them.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "execution.pb-c.h"
#include "proto/tables.h"
#include "signal.pb-c.h"

struct row {
    enum table_name table;
    const ProtobufCMessage *m;
    // of a trade_result its metrics, of a signal what is kept until it has an outcome
    const ProtobufCMessage *with;
};

// {0} is empty. Of a trade only the latest state is in it.
struct row_queue {
    struct row *rows;
    size_t count, capacity;
    struct trade_place *places, *by_trade; // where in the queue trades' states stand
    size_t n_places;
};

void row_queue_destroy(struct row_queue *self);
void row_queue_clear(struct row_queue *self);
// As in services/archiver/rows/rows.h.
void row_queue_add(struct row_queue *self, enum table_name table, const ProtobufCMessage *m);
void row_queue_add_trade(struct row_queue *self, const TradeState *trade);
void row_queue_add_signal(struct row_queue *self, const Signal *signal, arena_t *arena);
void row_queue_add_execution(struct row_queue *self, const Execution *e, arena_t *arena);
