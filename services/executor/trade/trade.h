// trade - an order and the position that it opened. What decides about it is in this folder: from a
// trade and an event to effects.
// SPDX-License-Identifier: MIT
//
// Nothing here touches a socket, a clock or a store. A function of this folder steps the trade that
// it is given and lists what is to be done about it (effects.h); the handlers do it. So a rule is
// tested without a world, and redone it gives the same.
#pragma once

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/domain/trade.h"
#include "gateway.pb-c.h"
#include "services/executor/due.h"
#include "services/executor/trade/effects.h"
#include "services/executor/trade/in_doubt/doubt.h"
#include "services/executor/trade/lifecycle.h"

struct holding;
struct session;

// What is asked of its gateway about it.
enum inquiry_state {
    INQUIRY_NONE,
    INQUIRY_WANTED, // to be asked once, when it is due
    INQUIRY_OUT,    // a question is out
};
struct inquiry {
    enum inquiry_state state;
    uint64_t asked_at; // monotonic ns: the last question; 0: none
    // likewise: the first of those in a row that were answered "not found"; 0: none
    uint64_t since;
};

// Where its record stands in Redis.
enum record {
    RECORD_NONE,
    RECORD_OPEN,    // in the set of what is loaded at start
    RECORD_WATCHED, // given up, and in the set of what may come to light yet
    RECORD_OVER,    // only for looking: it expires
};

// The queue that it is in, through prev and next.
enum queue {
    QUEUE_NONE,
    QUEUE_WAITS,   // pending, in its holding's
    QUEUE_RETIRED, // over, among those that are forgotten next
};

struct trade {
    struct due due;    // first: what comes out of the heap is the trade
    uint64_t sequence; // in which order trades came to this process
    TradeState *s;     // owned, allocated field by field

    // Known in this life only.
    enum sending sending;
    struct inquiry inquiry;
    bool known_there;    // the broker refused it as a duplicate
    bool resend;         // re-driven by hand
    uint64_t decided_at; // monotonic ns: of the Submit that waits for its commit
    uint64_t first_at;   // UTC ns: it cannot have been sent before (doubt_first_at)
    bool unsure;         // an earlier life may have sent it, though its record does not say so
    // e8: best price since its stop follows; ahead of TradeState.trail_high until the stop moves
    int64_t high;
    int64_t point;       // e8: its symbol's last digit; 0: not known yet
    uint64_t refused_at; // monotonic ns: when the broker last refused to move its stop
    // snapshots in a row, in which the broker's books say something else of its position,
    uint8_t differs;
    uint8_t misplaced; // … and of its order

    // Where it stands: the handlers' business.
    enum record record;
    enum queue queue;
    bool unsaved; // memory is ahead of its record, which follows when it is due
    struct holding *holding;
    struct session *session;             // whose answer is waited for: counted in its in_flight
    int64_t closing;                     // lots (e8) that closing trades under way will take
    int64_t counted_lots, counted_price; // what its holding has of it
    int64_t listed_lots;                 // e8: of the snapshot that is being compared
    bool listed_order;                   // likewise
    struct trade *prev, *next;
    struct trade *older, *newer; // among the holding's positions
    struct trade *followed_prev, *followed_next;
};

// What a decision is made of beside the trade.
struct trade_env {
    uint64_t now;  // UTC ns
    uint64_t mono; // monotonic ns
    arena_t *arena;
    const struct doubt_patience *patience;
    bool gateway_there;                      // it can be asked
    bool gateway_ready;                      // it can be given orders
    const struct gateway_abilities *gateway; // never NULL: one that is not there can do nothing
    uint64_t expire_grace, late_for, pending_for; // ns
};

// the broker has said that it has the order, and not that it is over
bool trade_is_working(const TradeState *s);
bool trade_is_too_old(const TradeState *s, uint64_t now); // for its signal, or by its own expiry
bool trade_was_sent(const struct trade *t);               // it may be at the broker
// For certain it has never left: it may end, and nobody need be asked.
bool trade_is_unsent(const struct trade *t);
// given up by us, and it may come to light yet
bool trade_is_watched(const struct trade *t);
// What the next stage asks for, in `arena`: as the one before did (texts are its own), or (NULL) at
// the market, until it decides otherwise.
Terms *terms_begin(const Terms *from, arena_t *arena);
// What is remembered of a trade (malloc; trade_state__free_unpacked). Of one that was made here
// nothing is wanted yet.
TradeState *trade_copy(const TradeState *from);

// A step of its life, by the table. False: it is not listed; nothing has changed, and an alert says
// so.
[[nodiscard]] bool trade_move(struct trade *t, enum trade_event event, const char *reason,
                              const struct trade_env *env, struct effects *out);
// A move after which nothing more is expected: published. Nothing happens when it is told again.
void trade_end(struct trade *t, enum trade_event event, const char *reason,
               const struct trade_env *env, struct effects *out);
// Recorded as submitting with this step; the bytes leave when that is committed. Not published:
// what comes next is.
void trade_submit(struct trade *t, const struct trade_env *env, struct effects *out);
// A position is over when nothing of it is open.
void trade_close_if_gone(struct trade *t, const struct trade_env *env, struct effects *out);
// When it is to be looked at next, by its state (monotonic ns). False: not at all.
bool trade_due(const struct trade *t, const struct trade_env *env, uint64_t *at);

// Fields of trade->s.
void trade_set_text(char **field, const char *text); // NULL empties it
void trade_add_execution(struct trade *t, const char *execution_id);
// in place of those that are there; copied
void trade_set_closings(struct trade *t, Closing *const *closes, size_t n);
