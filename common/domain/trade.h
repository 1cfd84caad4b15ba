// trade - what every service means by the state and the side of a trade, and by a routing that
// gives no order. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "execution.pb-c.h"
#include "order.pb-c.h"

bool trade_state_is_given_up(TradeState__State state); // rejected, cancelled or expired
bool trade_state_is_over(TradeState__State state);     // given up, or closed: nothing of it is open
bool trade_is_closing(const TradeState *t);            // it takes off what others opened
Signal__Direction side_opposite(Signal__Direction side);

// Of a signal for which no order was given:
//   satisfied  an account has what it wants without an order (it holds the target, its orders were
//              changed by command), or it is for other cells to decide
//   skipped    nobody was to trade it: no subscriber, only a vote, filtered by every subscription,
//              switched off, not approved
//   failed     somebody was to, and could not: unknown symbol, no size, a halt, a risk rule …
SignalExecutionStatus__Outcome routed_without_order(const Routing *routing);

// Whether it was only a vote in a consensus: that is what its source is for, so it is no refusal.
bool routed_as_vote(const Routing *routing);

// Whether a decision says that the account was to trade and could not.
bool decision_is_failure(Reason__Code reason);
