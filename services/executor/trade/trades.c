// trades - every trade that is not over, and for a while those that are, by trade_id.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/trades.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/record.h"
#include "common/table.h"

struct trades {
    table_t *by_id; // struct trade *
    struct trade *retired;
    size_t n_retired, retired_max;
};

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

trades_t *trades_new(size_t retired_max) {
    trades_t *self = must(calloc(1, sizeof *self));
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
    struct trade *t = must(calloc(1, sizeof *t));
    t->s = (TradeState *)record_copy(&s->base, NULL);
    struct trade **place = table_add(self->by_id, table_key(s->trade_id));
    return *place = t;
}

void trades_drop(trades_t *self, struct trade *t) {
    if (t->retired) {
        DL_DELETE(self->retired, t);
        self->n_retired--;
    }
    table_drop(self->by_id, table_key(t->s->trade_id));
    trade_free(t);
}

void trades_retire(trades_t *self, struct trade *t) {
    if (t->retired) return;
    t->retired = true;
    DL_APPEND(self->retired, t);
    if (++self->n_retired <= self->retired_max) return;
    struct trade *oldest = self->retired;
    while (oldest && oldest->pinned) oldest = oldest->next;
    if (oldest) trades_drop(self, oldest);
}

void trades_revive(trades_t *self, struct trade *t) {
    if (!t->retired) return;
    t->retired = false;
    DL_DELETE(self->retired, t);
    t->prev = t->next = NULL;
    self->n_retired--;
}

size_t trades_count(const trades_t *self) { return table_count(self->by_id); }

struct trade *trades_next(const trades_t *self, size_t *cursor) {
    struct digest key;
    struct trade **t = table_next(self->by_id, cursor, &key);
    return t ? *t : NULL;
}

void trade_set_text(char **field, const char *text) {
    char *copy = text ? must(strdup(text)) : NULL;
    if (*field != protobuf_c_empty_string) free(*field);
    *field = copy;
}

void trade_add_execution(struct trade *t, const char *execution_id) {
    TradeState *s = t->s;
    s->executions = must(realloc(s->executions, (s->n_executions + 1) * sizeof *s->executions));
    s->executions[s->n_executions++] = must(strdup(execution_id));
}

void trade_add_closing(struct trade *t, const char *trade_id, int64_t lots) {
    TradeState *s = t->s;
    Closing *c = must(malloc(sizeof *c));
    closing__init(c);
    c->trade_id = must(strdup(trade_id));
    c->lots = lots;
    s->closes = must(realloc(s->closes, (s->n_closes + 1) * sizeof(Closing *)));
    s->closes[s->n_closes++] = c;
}
