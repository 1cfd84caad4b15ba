// watch - what is missing: answers that are overdue, routings that never come, trades that explain
// what a broker holds.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/reconciler/reconciler.h"

// asks for trades that should have an answer by now
void watch_overdue(struct reconciler *self, batch_t *batch);
// Of a signal without a routing: the archive has its outcome, and nothing here shows another. True:
// it is gone.
bool watch_drop_archived(struct reconciler *self, batch_t *batch, struct live_signal *s);
void watch_unrouted(struct reconciler *self, batch_t *batch); // gives up waiting for routings
void watch_snapshot(struct reconciler *self, batch_t *batch, const BrokerSnapshot *snapshot);
