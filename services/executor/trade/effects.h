// effects - what is to be done about a trade after a step: a list that the pure part makes and the
// handlers work off, in order.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/arena.h"
#include "gateway.pb-c.h"
#include "system.pb-c.h"

enum effect_kind {
    EFFECT_KEEP,         // write its record
    EFFECT_PUBLISH,      // write its record, and publish an Execution of it
    EFFECT_PUBLISH_SOON, // likewise, unless something else does within a moment
    EFFECT_UNSET,        // take a field out of its record
    EFFECT_SUBMIT,       // SEND: these four go to its gateway after the commit
    EFFECT_ASK,
    EFFECT_CANCEL,
    EFFECT_MODIFY,
    EFFECT_ALERT,
    EFFECT_CHARGE,      // commission and fees of an execution: of its broker
    EFFECT_REDUCE,      // so much of another trade's position was closed
    EFFECT_SEEK,        // a trade that may not be known here: ask about it
    EFFECT_GIVE_BACK,   // a partial close came to nothing: what it added to the residual goes
    EFFECT_SHARE_STOPS, // netting: its stops are those of every position of its side
    EFFECT_RETURN,      // pending again: it waits in its old place
    EFFECT_CLOSE,       // its own stop was reached: close it from here
    EFFECT_FORGET,      // a late watch is over
    EFFECT_DUE,         // look at it again at a moment, not by its state
};

struct reduction {
    const Closing *piece; // whose position, and how much of it
    const Fill *fill;     // the execution
};

struct effect {
    struct effect *next;
    enum effect_kind kind;
    union {
        struct {
            TradeResult *result; // NULL: no execution
            ResultMetrics *metrics;
        } publish;
        struct {
            int severity;
            const char *code, *subject, *text; // subject NULL: the trade
        } alert;
        struct reduction reduce;
        const Fill *fill;
        const char *name; // EFFECT_UNSET: of the field; EFFECT_SEEK: the trade's id
        int64_t lots;     // e8: EFFECT_GIVE_BACK
        bool whole;       // EFFECT_KEEP: also what otherwise never changes
        uint64_t at;      // monotonic ns
    };
};

// In the order in which they are to be done. Memory is the arena's.
struct effects {
    arena_t *arena;
    struct effect *first, **end;
};

struct effects effects_new(arena_t *arena); // `end` is set with the first: it may be copied
struct effect *effects_add(struct effects *self, enum effect_kind kind);
void effects_keep(struct effects *self); // write its record, unless something here does already
void effects_publish(struct effects *self, TradeResult *result, ResultMetrics *metrics);
struct effect *effects_alert(struct effects *self, int severity, const char *code,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));
