// router - decides, for every account, what a signal becomes.
// SPDX-License-Identifier: MIT
//
// In:   signals (Signal), executions.* (Execution), commands (Command), config
// Out:  orders.<shard> (Order, OrderCommand), routings (Routing)
// Keys: slice.c. Read desk.h and decide/decide.h next.
#pragma once

#include "common/base/clock.h"
#include "common/batch/guard.h"
#include "common/service/service.h"
#include "price.pb-c.h"
#include "services/router/desk.h"

#define GUARD_FOR (48 * UINT64_C(3600) * NS_PER_S) // how long what was done is remembered at least

struct router_settings {
    int64_t guard_max, price_age_max_ms, rate_age_max_ms;
};

struct router {
    const struct context *context;
    const struct router_settings *settings;
    struct desk desk;
    guard_t *routed; // signal_id -> Signal.content
    guard_t *ended;  // trade_id: over before it was known here
    port_t *prices;
    uint64_t chores_at; // monotonic ns
    bool renewed;       // what an older version kept is written anew
};

// follow.c: what comes back, and what the market says.
handle_fn router_handle_execution, router_handle_account;
err_t follow_open(void *self, reactor_t *reactor);
// from its order on a trade counts
void follow_order(struct router *self, batch_t *batch, const Order *order, struct account *account);

handle_fn router_handle_command; // operator.c

extern const struct service router_service;

// What a symbol costs now, as the feed says it; `self`: as router_service.new made it.
void router_price(void *self, const Price *price);
