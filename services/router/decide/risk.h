// risk - checks an entry against the risk rules of an account. Pure. Never asked about a close.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/router/decide/decide.h"

// `ordered`, or the rule that stops it, with its numbers in `out`. Before its size is known, and
// when it is (out->lots).
Reason__Code risk_before(const struct decide_input *in, struct decide_result *out);
Reason__Code risk_sized(const struct decide_input *in, struct decide_result *out);
