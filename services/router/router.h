// router - decides, for every account, what a signal becomes.
// SPDX-License-Identifier: MIT
//
// In:   signals (Signal), executions.* (Execution), commands (Command), config
// Out:  orders.<shard> (Order, OrderCommand), routings (Routing)
// Keys: slice.c. Read decide.h next.
#pragma once

#include "common/service.h"

extern const struct service router_service;
