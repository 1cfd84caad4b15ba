// watch - what does not come by itself: answers that are overdue, routings that never come, what
// brokers hold and nobody explains.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/reconciler/part.h"

// asks for trades that should have an answer by now
void watch_overdue(struct reconciler *r, batch_t *batch);
void watch_unrouted(struct reconciler *r, batch_t *batch); // gives up waiting for routings
void watch_snapshot(struct reconciler *r, batch_t *batch, const BrokerSnapshot *snapshot);
