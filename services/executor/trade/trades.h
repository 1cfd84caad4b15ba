// trades - every trade that is not over, and for a while those that are, by trade_id. Memory only.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "execution.pb-c.h"
#include "services/executor/due.h"

struct place;
struct session;

struct trade {
    struct due due;    // first: what comes out of the heap is the trade
    uint64_t sequence; // in which order trades came to this process
    TradeState *s;     // owned, allocated field by field
    struct place *place;
    struct session *session; // whose answer is waited for: counted in its in_flight

    // In doubt. Monotonic ns.
    uint64_t asked_at, asked_since; // the last question, and the first of those in a row that were answered "not found"; 0: none
    bool asking;                    // a question is out
    bool known_there;               // the broker refused it as a duplicate
    bool was_sent;                  // recorded as submitted, in this life or an earlier one
    bool sent_before;               // was_sent, before the Submit that waits for its commit
    uint64_t decided_at;            // of that Submit
    uint64_t first_at;              // UTC ns: it cannot have been sent before (doubt_first_at)

    bool resend;     // re-driven by hand
    bool query;      // to be asked about once, when due
    bool unsent;     // its Submit has not left, for certain: the commit took too long, or its gateway is gone
    bool unsaved;    // memory is ahead of Redis; saved at a tick if nothing else comes
    bool in_open;    // in the set of open trades in Redis
    bool in_watched; // likewise in that of those that were given up
    bool retired;    // over: in the queue of those that are forgotten
    bool kept;       // its hash is in Redis
    bool expiring;   // and has an expiry
    bool waits;      // pending, in its place's queue
    bool holds;      // among its place's positions
    bool pinned;     // worked on: not forgotten, though it is over
    bool followed;   // its stop follows the price: in its symbol's list

    int64_t closing;                     // lots (e8) that closing trades under way will take
    int64_t counted_lots, counted_price; // what its place has of it
    struct trade *prev, *next;           // in a place's queue, or among the retired
    struct trade *older, *newer;         // among the place's positions
    struct trade *followed_prev, *followed_next;
    int64_t high;        // e8: best price since its stop follows; ahead of TradeState.trail_high until the stop moves
    int64_t point;       // e8: its symbol's last digit
    uint64_t refused_at; // monotonic ns: when the broker last refused to move its stop
    struct trade *unsaved_prev, *unsaved_next;
};

typedef struct trades trades_t;

trades_t *trades_new(size_t retired_max);
void trades_destroy(trades_t **self);
struct trade *trades_find(const trades_t *self, const char *trade_id);
struct trade *trades_add(trades_t *self, const TradeState *s); // a copy; there must be none under its id
void trades_drop(trades_t *self, struct trade *t);             // forgets it; the caller has taken it out of everything
// It is over: kept until retired_max others have come after it, so that what arrives late finds it.
void trades_retire(trades_t *self, struct trade *t);
void trades_revive(trades_t *self, struct trade *t); // it is not over after all
size_t trades_count(const trades_t *self);
struct trade *trades_next(const trades_t *self, size_t *cursor); // all, in no order: *cursor = 0 first; NULL at the end

void trade_set_text(char **field, const char *text); // a field of trade->s; NULL empties it
void trade_add_execution(struct trade *t, const char *execution_id);
void trade_add_closing(struct trade *t, const char *trade_id, int64_t lots);
