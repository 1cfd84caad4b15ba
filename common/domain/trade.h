// trade - what every service means by the state and the side of a trade. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "execution.pb-c.h"

bool trade_state_is_given_up(TradeState__State state); // rejected, cancelled or expired
bool trade_state_is_over(TradeState__State state);     // given up, or closed: nothing of it is open
bool trade_is_closing(const TradeState *t);            // it takes off what others opened
Signal__Direction side_opposite(Signal__Direction side);
