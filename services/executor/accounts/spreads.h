// spreads - what the feed's bids and asks were apart, by symbol: the latest and the widest. For
// looking at, never decided by.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/arena.h"
#include "config.pb-c.h"
#include "execution.pb-c.h"
#include "price.pb-c.h"

typedef struct spreads spreads_t;

spreads_t *spreads_new(void);
void spreads_destroy(spreads_t **self);
void spreads_note(spreads_t *self, const Price *price); // one without bid and ask tells nothing
bool spreads_moved(const spreads_t *self);              // since they were last marked as written
void spreads_mark_written(spreads_t *self);
// Adds those of the broker's symbols to the view (memory of the arena); where its gateway has told
// no spread, the one seen last is the broker's. broker NULL: none.
void spreads_list(const spreads_t *self, const BrokerConfig *broker, arena_t *arena,
                  BrokerState *view);
