// recalls - what the archive has and Redis may have lost is offered again.
// SPDX-License-Identifier: MIT
#include "services/archiver/recalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.pb-c.h"
#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/testing.h"
#include "execution.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/rows/signals.h"

#define PAGE 200 // signals at a tick
// so long the door knows for sure what it had; nothing older is offered
#define REMEMBERED (47 * UINT64_C(3600) * NS_PER_S)
#define FORGOTTEN  (10 * NS_PER_S) // Redis forgets no more than so much
// a moment that is reckoned over two clocks is not exact
#define SAME NS_PER_S

#define QUERIES(X)                                                                                 \
    X(newest, "SELECT id, created_at FROM signals ORDER BY id DESC LIMIT 1")                       \
    X(pending, "SELECT p.signal, s.* FROM signals s LEFT JOIN pending_signals p ON p.signal_id = " \
               "s.signal_id"                                                                       \
               " WHERE s.status = 'pending' AND s.created_at >= ?1 AND (s.created_at, "            \
               "s.signal_id) > (?1, ?2)"                                                           \
               " ORDER BY s.created_at, s.signal_id LIMIT ?3")                                     \
    X(ended, "SELECT id, * FROM signals WHERE id <= ?1 AND created_at >= ?2 AND status IN "        \
             "('completed', 'failed') ORDER BY id DESC LIMIT ?3")                                  \
    X(status, "SELECT * FROM signal_execution_status WHERE signal_id = ?1")                        \
    X(trades, "SELECT * FROM trades WHERE state IN ('pending', 'submitting', 'unknown', "          \
              "'working', 'partially_filled')"                                                     \
              " AND ordered_at >= ?1 AND (ordered_at, trade_id) > (?1, ?2) ORDER BY ordered_at, "  \
              "trade_id LIMIT ?3")                                                                 \
    X(given_up, "SELECT * FROM trades WHERE state IN ('rejected', 'cancelled', 'expired') AND "    \
                "filled_lots IS NULL"                                                              \
                " AND ordered_at >= ?1 AND (ordered_at, trade_id) > (?1, ?2) ORDER BY "            \
                "ordered_at, trade_id LIMIT ?3")                                                   \
    X(over, "SELECT * FROM trades WHERE trade_id = ?1 AND state IN ('filled', 'closed', "          \
            "'rejected', 'cancelled', 'expired')")

SQL_QUERIES(QUERIES);

enum step { NOTHING, PENDING, ENDED, GIVEN_UP, TRADES };

struct recalls {
    sql_query_t *queries[QUERY_COUNT];
    enum step step;
    bool lost;         // Redis has lost something: what has ended is offered, too
    uint64_t answered; // UTC ns: the loss that was last answered
    bool known;        // `last_id` and `last_at` are of before the loss
    int64_t last_id;   // the archive's newest signal …
    uint64_t last_at;  // … and when it came, UTC ns
    // UTC ns; where the next page of what is pending begins, signals or trades, with …
    uint64_t page_at;
    char page_id[128]; // … this one
};

recalls_t *recalls_new(sql_t *db) {
    recalls_t *self = alloc_zeroed(1, sizeof(*self));
    if (!sql_prepare_all(db, query_texts, QUERY_COUNT, self->queries)) recalls_destroy(&self);
    return self;
}

void recalls_destroy(recalls_t **self) {
    if (!*self) return;
    sql_query_destroy_all((*self)->queries, QUERY_COUNT);
    free(*self);
    *self = NULL;
}

static err_t read_newest(recalls_t *self) {
    sql_query_t *q = self->queries[QUERY_newest];
    bool row;
    err_t e = sql_step(q, &row);
    self->last_id = 0;
    if (!e && row) {
        const char *at = sql_text(q, 1);
        self->last_id = sql_integer(q, 0);
        if (!at || time_parse(at, strlen(at), &self->last_at)) self->last_at = 0;
    }
    sql_reset(q);
    self->known = !e;
    return e;
}

static void begin_recall_step(recalls_t *self, enum step step) {
    self->step = step;
    self->page_at = 0;
    self->page_id[0] = 0;
}

err_t recalls_load(recalls_t *self) {
    begin_recall_step(self, PENDING);
    return read_newest(self);
}

// --- offering

// What an earlier version archived is not whole here: it must not become an order, so it comes as
// one that has expired.
static Signal *unpack_recalled_signal(const SignalRow *row, struct span whole, arena_t *arena) {
    Signal *s =
        whole.length ? signal__unpack(arena_allocator(arena), whole.length, whole.data) : NULL;
    if (!s) {
        s = signal_of_row(row, arena);
        s->has_expiration_time = true;
        s->expiration_time = s->created_at;
    }
    s->status = SIGNAL__STATUS__pending;
    return s;
}

static sql_query_t *next_page(recalls_t *self, const batch_t *batch, enum query_name name) {
    sql_query_t *q = self->queries[name];
    uint64_t now = batch_now(batch), oldest = now > REMEMBERED ? now - REMEMBERED : 0;
    if (self->page_at < oldest) self->page_at = oldest;
    sql_bind_time(q, 1, self->page_at);
    sql_bind_text(q, 2, self->page_id);
    sql_bind_integer(q, 3, PAGE);
    return q;
}

static void turn_page(recalls_t *self, uint64_t at, const char *id, unsigned *n) {
    self->page_at = at;
    (void)snprintf(self->page_id, sizeof(self->page_id), "%s", id);
    ++*n;
}

static err_t offer_pending(recalls_t *self, batch_t *batch, unsigned *n) {
    sql_query_t *q = next_page(self, batch, QUERY_pending);
    ProtobufCMessage *m;
    bool row = true;
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(q, &row)) && row &&
           !(e = sql_row(q, &signal_row__descriptor, batch_arena(batch), &m))) {
        const SignalRow *r = (const SignalRow *)m;
        batch_emit(batch, TOPIC_recalls, 0,
                   &unpack_recalled_signal(r, sql_bytes(q, 0), batch_arena(batch))->base);
        turn_page(self, r->created_at, r->signal_id, n);
    }
    sql_reset(q);
    return e;
}

// Its outcome first: then the signal is known at the door as what it became.
static err_t offer_outcome(recalls_t *self, batch_t *batch, const SignalRow *row) {
    sql_query_t *q = self->queries[QUERY_status];
    ProtobufCMessage *m;
    bool there;
    sql_bind_text(q, 1, row->signal_id);
    err_t e = sql_step(q, &there);
    if (!e && there) e = sql_row(q, &signal_execution_status__descriptor, batch_arena(batch), &m);
    if (!e && there) {
        Outcome o = OUTCOME__INIT;
        o.signal_id = row->signal_id;
        o.signal = (SignalExecutionStatus *)m;
        o.has_signal_at = true;
        o.signal_at = row->created_at;
        o.has_first_executed_at = o.signal->has_executed_at;
        o.first_executed_at = o.signal->executed_at;
        batch_emit(batch, TOPIC_recalls, 0, &o.base);
        batch_emit(batch, TOPIC_recalls, 0, &signal_of_row(row, batch_arena(batch))->base);
    }
    sql_reset(q);
    return e;
}

static err_t offer_ended(recalls_t *self, batch_t *batch, unsigned *n) {
    sql_query_t *q = self->queries[QUERY_ended];
    ProtobufCMessage *m;
    bool row = true;
    sql_bind_integer(q, 1, self->last_id);
    sql_bind_time(q, 2, self->last_at > FORGOTTEN ? self->last_at - FORGOTTEN : 0);
    sql_bind_integer(q, 3, PAGE);
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(q, &row)) && row &&
           !(e = sql_row(q, &signal_row__descriptor, batch_arena(batch), &m))) {
        e = offer_outcome(self, batch, (const SignalRow *)m);
        self->last_id = sql_integer(q, 0) - 1;
        ++*n;
    }
    sql_reset(q);
    return e;
}

static err_t offer_trades_of(recalls_t *self, batch_t *batch, enum query_name name, unsigned *n) {
    sql_query_t *q = next_page(self, batch, name);
    ProtobufCMessage *m;
    bool row = true;
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(q, &row)) && row &&
           !(e = sql_row(q, &trade_state__descriptor, batch_arena(batch), &m))) {
        const TradeState *t = (const TradeState *)m;
        batch_emit(batch, TOPIC_recalls, 0, m);
        turn_page(self, t->ordered_at, t->trade_id, n);
    }
    sql_reset(q);
    return e;
}

// What came to nothing in the seconds that Redis may have lost: its executor knows it again, as that.
static err_t offer_given_up(recalls_t *self, batch_t *batch, unsigned *n) {
    uint64_t since = self->last_at > FORGOTTEN ? self->last_at - FORGOTTEN : 0;
    if (self->page_at < since) self->page_at = since;
    return offer_trades_of(self, batch, QUERY_given_up, n);
}

// What is not over here, and what no executor may know of any more: an order of its own that it
// decided about before Redis forgot.
static err_t offer_trades(recalls_t *self, batch_t *batch, unsigned *n) {
    return offer_trades_of(self, batch, QUERY_trades, n);
}

err_t recalls_answer(recalls_t *self, batch_t *batch, const char *trade_id) {
    sql_query_t *q = self->queries[QUERY_over];
    ProtobufCMessage *m;
    bool row;
    sql_bind_text(q, 1, trade_id);
    err_t e = sql_step(q, &row);
    if (!e && row) e = sql_row(q, &trade_state__descriptor, batch_arena(batch), &m);
    if (!e && row) batch_emit(batch, TOPIC_recalls, 0, m);
    sql_reset(q);
    return e;
}

static bool is_same_moment(uint64_t a, uint64_t b) { return (a > b ? a - b : b - a) < SAME; }

static err_t note_rollback(recalls_t *self, uint64_t rolled_back_at) {
    if (!rolled_back_at || is_same_moment(rolled_back_at, self->answered)) return ERR_OK;
    err_t e = self->known ? ERR_OK : read_newest(self);
    if (e) return e;
    self->answered = rolled_back_at;
    self->lost = true;
    begin_recall_step(self, PENDING);
    return ERR_OK;
}

typedef err_t offer_fn(recalls_t *self, batch_t *batch, unsigned *n);
static offer_fn *const offers[] = {[PENDING] = offer_pending,
                                   [ENDED] = offer_ended,
                                   [GIVEN_UP] = offer_given_up,
                                   [TRADES] = offer_trades};

static enum step step_after(const recalls_t *self) {
    if (self->step == PENDING) return self->lost ? ENDED : TRADES;
    if (self->step == ENDED) return GIVEN_UP;
    return self->step == GIVEN_UP ? TRADES : NOTHING;
}

err_t recalls_tick(recalls_t *self, batch_t *batch, uint64_t rolled_back_at) {
    unsigned n = 0;
    err_t e = note_rollback(self, rolled_back_at);
    if (e || self->step == NOTHING || MUTATED("no_recalls")) return e;
    e = offers[self->step](self, batch, &n);
    if (e || n == PAGE) return e; // there is more
    begin_recall_step(self, step_after(self));
    if (self->step == NOTHING) self->lost = self->known = false;
    return ERR_OK;
}
