// lifecycle - the life of trades, results and instances, as tables with one step.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "execution.pb-c.h"

// What can happen to a trade. Words as in alerts.
#define TRADE_EVENTS(X)                                                                            \
    X(TRADE_SUBMIT, "submit")       /* recorded, about to be sent */                               \
    X(TRADE_UNSENT, "be unsent")    /* it did not leave, for certain: it waits again */            \
    X(TRADE_DOUBT, "doubt")         /* nobody knows whether the broker has it */                   \
    X(TRADE_ACCEPT, "accept")       /* a report: the broker has taken it */                        \
    X(TRADE_FOUND, "found")         /* asked: the broker has it, and it works */                   \
    X(TRADE_FILL_PART, "fill_part") /* an execution, more to come */                               \
    X(TRADE_FILL_ALL, "fill_all")   /* an execution that completes it */                           \
    X(TRADE_REJECT, "reject")                                                                      \
    X(TRADE_CANCEL, "cancel")                                                                      \
    X(TRADE_EXPIRE, "expire")                                                                      \
    X(TRADE_REOPEN, "reopen") /* a correction: the broker still works on the rest */               \
    X(TRADE_CLOSE, "close")   /* its position is gone */

#define EVENT_NAME(name, word) name,
enum trade_event { TRADE_EVENTS(EVENT_NAME) TRADE_EVENT_COUNT };
enum result_event { RESULT_FULL, RESULT_PART, RESULT_FAIL, RESULT_EVENT_COUNT };
enum instance_event {
    INSTANCE_HELLO,   // it presents itself
    INSTANCE_WELCOME, // we have answered
    INSTANCE_BEAT,    // alive and well
    INSTANCE_STRAIN,  // silent for a while, or its link to the broker is down
    INSTANCE_SILENCE, // silent for long
    INSTANCE_EVENT_COUNT
};

// What is known of its Submit. "May be there": recorded as submitted, in this life or an earlier
// one, and not for certain held back.
enum sending {
    SENDING_NEVER, // never recorded
    // asked about, and its gateway's books have never seen it: it may be sent
    SENDING_CLEARED,
    SENDING_EARLIER,       // recorded by an earlier life of this executor, whose epoch is over
    SENDING_DECIDED,       // recorded, the first time: it leaves when that is committed
    SENDING_DECIDED_AGAIN, // likewise, and an earlier one may be there
    SENDING_LEFT,
    SENDING_HELD_BACK,       // it was decided, and for certain has not left
    SENDING_HELD_BACK_AGAIN, // likewise, and an earlier one may be there
    SENDING_COUNT
};
enum sending_event {
    SENDING_DECIDE,
    SENDING_LEAVE,      // handed to the socket
    SENDING_HOLD_BACK,  // it did not leave
    SENDING_RECONSIDER, // what was held back is decided about anew
    // its gateway's books have never seen it, and no Submit of an older epoch is taken any more
    SENDING_DENY,
    SENDING_EVENT_COUNT
};
// One step: false when there is none; *state is then unchanged.
bool sending_step(enum sending *state, enum sending_event event);
bool sending_may_be_there(enum sending s);

// One step: false when the table does not list the move; *state is then unchanged and the caller
// reports it.
[[nodiscard]] bool trade_step(TradeState__State *state, enum trade_event event);
[[nodiscard]] bool result_step(TradeResult__State *state, enum result_event event);
[[nodiscard]] bool instance_step(InstanceState__State *state, enum instance_event event);
const char *trade_event_name(enum trade_event event);

// Nothing more is expected of it: rejected, cancelled, expired, closed; and a filled closing trade,
// which leaves no position.
bool trade_is_final(const TradeState *t);
// The broker has, or may have, an order that can still execute.
bool trade_is_live(const TradeState *t);
