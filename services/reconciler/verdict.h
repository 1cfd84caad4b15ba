// verdict - when a trade is final it is compared; when all of a signal's trades are, the signal is
// complete. Told as Outcomes.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/reconciler/reconciler.h"

// Takes over a live trade's state: compares it if it is final, and completes its signal if that was
// the last one. The signal may be gone afterwards, and `trade` with it.
void verdict_trade(struct reconciler *self, batch_t *batch, struct live_trade *trade,
                   const TradeState *state);

// A signal's routing has changed: completes it if nothing is left to wait for (then it is gone:
// true).
bool verdict_signal(struct reconciler *self, batch_t *batch, struct live_signal *signal);

// An execution of a trade whose signal is complete: evidence that was not there then beats what was
// said then.
void verdict_late(struct reconciler *self, batch_t *batch, const TradeState *state,
                  bool new_position);
