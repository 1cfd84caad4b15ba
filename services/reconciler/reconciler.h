// reconciler - compares what was ordered with what was executed, and reports complete signals.
// SPDX-License-Identifier: MIT
//
// In:   orders.* (Order), routings (Routing), executions.* (Execution, BrokerSnapshot), config
// Out:  outcomes (Outcome, StatusQuery)
// Keys: slice.c. Read compare.h next, then verdict.h.
#pragma once

#include "common/base/clock.h"
#include "common/batch/guard.h"
#include "common/service/service.h"
#include "services/reconciler/holdings.h"
#include "services/reconciler/live.h"

// how long what is complete is remembered at least
#define REMEMBER_FOR (48 * UINT64_C(3600) * NS_PER_S)

struct reconciler_settings {
    int64_t guard_max;        // signals
    int64_t ask_every_ms;     // a trade's state, at first; then more and more seldom
    int64_t asks_most;        // per second, over all trades
    int64_t evidence_wait_ms; // for the routing of a signal whose trades are executed
};

#define DONE_RECALLED UINT64_C(0x100)

struct reconciler {
    const struct context *context;
    const struct reconciler_settings *settings;
    struct live live;
    // signal_id -> Signal.Status, with DONE_RECALLED where only the archive says so
    guard_t *done;
    guard_t *failed; // trade_id -> enum failure (slice.h)
    holdings_t *holdings;
    uint64_t chores_at; // monotonic ns
    int64_t asks_left;  // until the next chores
};

extern const struct service reconciler_service;
