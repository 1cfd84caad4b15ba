// amend - changes to an order or position at the broker: cancel, stop loss, take profit, price. Kept with the
// trade before they are sent, and sent until they are answered; they are absolute, so that twice is
// as once.
// SPDX-License-Identifier: MIT
#pragma once

#include "order.pb-c.h"
#include "services/executor/trade/trade.h"

bool amend_is_open(const TradeState *s);        // something is asked for and not answered
bool amend_change_is_open(const TradeState *s); // likewise, other than to cancel it

void amend_cancel(struct trade *t, const char *reason, const struct trade_env *env,
                  struct effects *out);
void amend_by_command(struct trade *t, const OrderCommand *c, const struct trade_env *env,
                      struct effects *out);
// e8; by trailing, break-even
void amend_stop(struct trade *t, int64_t stop_loss, const struct trade_env *env,
                struct effects *out);

// What is asked for and not answered is sent, or refused when its gateway cannot do it.
void amend_send(struct trade *t, const struct trade_env *env, struct effects *out);
// The broker's answers.
void amend_done(struct trade *t, const Report *r, const struct trade_env *env, struct effects *out);
void amend_refused(struct trade *t, const Report *r, const struct trade_env *env,
                   struct effects *out);

// The stops of another trade have become this one's: the position is one (netting account).
void amend_take_stops(struct trade *t, const TradeState *from, struct effects *out);
