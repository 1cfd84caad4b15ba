// follow - whether a position's stop follows the price.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "execution.pb-c.h"

static inline bool follow_wants(const TradeState *s) { return s->trail_distance > 0 || s->break_even_trigger > 0; }
