// levels - stop loss, take profit and trailing of an entry, as prices. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/router/decide/decide.h"

// What an entry of this side is reckoned from: the order's price, else the price the signal
// expects, else what the feed says (a buy pays the ask). has == false: nothing says.
struct optional_price levels_entry(const struct decide_input *in, Signal__Direction side);

// Fills out->levels. What comes as points, percent or a distance is reckoned from the entry and
// rounded to the symbol's tick towards it: a stop is never further away, a target never harder to
// reach than was said. `ordered`, or why not (no_price, wrong_side, out_of_range).
Reason__Code levels_resolve(const struct decide_input *in, Signal__Direction side,
                            struct decide_result *out);

// The same for a modify: no presets, and 0 takes a level away. side close: not known; then points,
// percent and distances say nothing.
Reason__Code levels_modified(const struct decide_input *in, Signal__Direction side,
                             struct decide_result *out);

decimal_t symbol_point(const SymbolConfig *symbol); // what "points" count
// smallest step of its price: when it is not configured, the last of its digits
decimal_t symbol_tick(const SymbolConfig *symbol);
