// rows_queue - the rows that a batch will write, in the order in which handlers queued them.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/rows_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/hash.h"
#include "order.pb-c.h"
#include "services/archiver/rows/signals.h"

// Where in the queue a trade's state stands.
struct trade_place {
    const char *trade_id;
    size_t at;
    UT_hash_handle hh;
};

void row_queue_add(struct row_queue *self, enum table_name table, const ProtobufCMessage *m) {
    array_reserve(self->rows, self->count, self->capacity);
    self->rows[self->count++] = (struct row){table, m, NULL};
}

static struct trade_place *new_place(struct row_queue *self) {
    static_assert(sizeof(struct trade_place) < 256);
    enum { CHUNK = 4096 };
    if (!self->places) self->places = alloc_zeroed(CHUNK, sizeof(*self->places));
    return self->n_places < CHUNK ? &self->places[self->n_places++] : NULL;
}

void row_queue_add_trade(struct row_queue *self, const TradeState *trade) {
    struct trade_place *place;
    HASH_FIND_STR(self->by_trade, trade->trade_id, place);
    if (place) {
        struct row *held = &self->rows[place->at];
        if (((const TradeState *)held->m)->updated_at <= trade->updated_at) held->m = &trade->base;
        return;
    }
    place = new_place(self);
    if (place) {
        place->trade_id = trade->trade_id;
        place->at = self->count;
        HASH_ADD_KEYPTR(hh, self->by_trade, place->trade_id, strlen(place->trade_id), place);
    }
    // without a place it is written more than once: right, only slower
    row_queue_add(self, TABLE_trades, &trade->base);
}

void row_queue_add_signal(struct row_queue *self, const Signal *signal, arena_t *arena) {
    PendingSignal *pending = arena_take(arena, sizeof(*pending));
    pending_signal__init(pending);
    pending->signal_id = signal->signal_id;
    pending->signal.len = signal__get_packed_size(signal);
    pending->signal.data = arena_take(arena, pending->signal.len);
    signal__pack(signal, pending->signal.data);
    row_queue_add(self, TABLE_signals, &signal_row(signal, arena)->base);
    self->rows[self->count - 1].with = &pending->base;
}

// The archive knows of a result through whom it was executed.
void row_queue_add_execution(struct row_queue *self, const Execution *e, arena_t *arena) {
    row_queue_add_trade(self, e->trade);
    if (!e->result) {
        if (e->metrics) row_queue_add(self, TABLE_result_metrics, &e->metrics->base);
        return;
    }
    TradeResult *result = arena_take(arena, sizeof(*result));
    *result = *e->result;
    result->broker_id = e->trade->broker_id;
    result->instance_id = e->trade->instance_id;
    row_queue_add(self, TABLE_trade_result, &result->base);
    if (e->metrics) self->rows[self->count - 1].with = &e->metrics->base;
}

void row_queue_clear(struct row_queue *self) {
    HASH_CLEAR(hh, self->by_trade);
    self->by_trade = NULL;
    self->n_places = self->count = 0;
}

void row_queue_destroy(struct row_queue *self) {
    row_queue_clear(self);
    free(self->rows);
    free(self->places);
    *self = (struct row_queue){0};
}
