// reconciler - compares what was asked with what was done, and says when a signal is complete.
// SPDX-License-Identifier: MIT
//
// In:   orders.* (Order), routings (Routing), executions.* (Execution, BrokerSnapshot), config
// Out:  outcomes (Outcome, StatusQuery)
// Keys: slice.c. Read compare.h next, then verdict.h.
#pragma once

#include "common/service/service.h"

extern const struct service reconciler_service;
