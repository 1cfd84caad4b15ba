// lifecycle - what a signal may become (design, section 4): one table, one step.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/error.h"
#include "signal.pb-c.h"

#define SIGNAL_EVENTS(X)                                                                           \
    X(SIGNAL_REFUSED)  /* it breaks a rule at the door */                                          \
    X(SIGNAL_ROUTED)   /* it became at least one order, or needs none */                           \
    X(SIGNAL_UNROUTED) /* no account took it */                                                    \
    X(SIGNAL_EXECUTED) /* all its trades are final, one at least was filled, or none was needed */ \
    X(SIGNAL_UNEXECUTED) /* all its trades are final, none was filled */                           \
    X(SIGNAL_PROVEN)     /* late evidence: it had failed, and something was executed after all */

#define SIGNAL_EVENT(name) name,
enum signal_event { SIGNAL_EVENTS(SIGNAL_EVENT) SIGNAL_EVENT_COUNT };
#undef SIGNAL_EVENT

// Moves *status; ERR_STATE: the move is not in the table, *status is as it was.
err_t lifecycle_step(Signal__Status *status, enum signal_event event);
bool lifecycle_is_final(Signal__Status status);
const char *signal_event_name(enum signal_event event);
