// trailing - moves stops that follow the price to where trail.h says, by amendments that the broker
// answers.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/executor/trade/trade.h"

bool trailing_is_asked(const TradeState *s); // a trailing stop or break-even
// The price has moved to `price` (e8; the side at which the position can be closed).
void trailing_follow(struct trade *t, int64_t price, const struct trade_env *env,
                     struct effects *out);
