// inquiry - a trade in doubt: asked about, never repeated. The rules are in doubt.h; here they step
// the trade.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/executor/trade/trade.h"

// Nobody knows whether the broker has it: recorded, published, its holding quarantined. A timeout
// never makes it rejected.
void inquiry_open(struct trade *t, const char *reason, const struct trade_env *env,
                  struct effects *out);
// An operator must look at the broker and release it.
void inquiry_hold(struct trade *t, const char *reason, const struct trade_env *env,
                  struct effects *out);
// Asks its gateway, where it can be asked.
void inquiry_ask(struct trade *t, const struct trade_env *env, struct effects *out);
// The row of answers starts again: its gateway has come (back).
void inquiry_restart(struct trade *t);
// The answer that the broker does not have it. `never`: its gateway's books have never seen it.
void inquiry_absent(struct trade *t, bool never, const struct trade_env *env, struct effects *out);
// It is due. True: it is to be sent again (the caller looks at the gate, and sends).
[[nodiscard]] bool inquiry_due(struct trade *t, const struct trade_env *env, struct effects *out);
