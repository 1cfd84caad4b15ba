// executor - places orders at brokers through their gateways: recorded before they are sent, asked
// about and never repeated.
// SPDX-License-Identifier: MIT
//
// In:   orders.<shard> (Order, OrderCommand), commands (Command), outcomes (StatusQuery), config;
// prices (feed); gateways (proto/gateway.proto) Out:  executions.<shard> (Execution, AccountState,
// InstanceState, BrokerSnapshot) Keys: slice.c. Read doubt.h next, then orders.c.
#pragma once

#include "common/service/service.h"

struct executor;

extern const struct service executor_service;
