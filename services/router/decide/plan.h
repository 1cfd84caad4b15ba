// plan - which orders and commands a signal becomes for one account, in which order. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/router/decide/decide.h"

// Writes the legs; 0: there are none, and out->reason says why (in_position, no_position,
// nothing_to_change, or why a target has no size). Closes come before entries, cancels before both.
size_t plan_legs(const struct decide_input *in, struct decide_result *out,
                 struct leg legs[static DECIDE_LEGS]);
