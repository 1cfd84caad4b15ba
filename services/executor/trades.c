// trades - every trade that is not over, and for a while those that are, by trade_id.
// SPDX-License-Identifier: MIT
#include "services/executor/trades.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"
#include "common/base/table.h"

struct trades {
    table_t *by_id; // struct trade *
    struct trade *retired;
    size_t n_retired, retired_max;
};

trades_t *trades_new(size_t retired_max) {
    trades_t *self = alloc_zeroed(1, sizeof *self);
    self->by_id = table_new(sizeof(struct trade *));
    self->retired_max = retired_max;
    return self;
}

static void trade_free(struct trade *t) {
    trade_state__free_unpacked(t->s, NULL);
    free(t);
}

void trades_destroy(trades_t **self) {
    if (!*self) return;
    size_t cursor = 0;
    for (struct trade *t; (t = trades_next(*self, &cursor)) != NULL;) trade_free(t);
    table_destroy(&(*self)->by_id);
    free(*self);
    *self = NULL;
}

struct trade *trades_find(const trades_t *self, const char *trade_id) {
    struct trade **t = table_find(self->by_id, table_key(trade_id));
    return t ? *t : NULL;
}

struct trade *trades_add(trades_t *self, const TradeState *s) {
    struct trade *t = alloc_zeroed(1, sizeof *t);
    t->s = trade_copy(s);
    struct trade **slot = table_add(self->by_id, table_key(s->trade_id));
    return *slot = t;
}

void trades_retire(trades_t *self, struct trade *t) {
    if (t->queue == QUEUE_RETIRED) return;
    t->queue = QUEUE_RETIRED;
    DL_APPEND(self->retired, t);
    self->n_retired++;
}

void trades_revive(trades_t *self, struct trade *t) {
    if (t->queue != QUEUE_RETIRED) return;
    t->queue = QUEUE_NONE;
    DL_DELETE(self->retired, t);
    t->prev = t->next = NULL;
    self->n_retired--;
}

void trades_drop(trades_t *self, struct trade *t) {
    trades_revive(self, t);
    table_drop(self->by_id, table_key(t->s->trade_id));
    trade_free(t);
}

bool trades_forget_oldest(trades_t *self) {
    bool named = false;
    while (self->retired && self->n_retired > self->retired_max) {
        named |= self->retired->closing != 0;
        trades_drop(self, self->retired);
    }
    return named;
}

size_t trades_count(const trades_t *self) { return table_count(self->by_id); }

struct trade *trades_next(const trades_t *self, size_t *cursor) {
    struct digest key;
    struct trade **t = table_next(self->by_id, cursor, &key);
    return t ? *t : NULL;
}
