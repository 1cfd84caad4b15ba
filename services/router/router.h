// router - decides, for every account, what a signal becomes.
// SPDX-License-Identifier: MIT
//
// In:   signals (Signal), executions.* (Execution), commands (Command), config
// Out:  orders.<shard> (Order, OrderCommand), routings (Routing)
// Keys: slice.c. Read decide.h next.
#pragma once

#include "common/service/service.h"
#include "price.pb-c.h"

extern const struct service router_service;

// What a symbol costs now, as the feed says it; `self`: as router_service.new made it.
void router_price(void *self, const Price *price);
