// prices - the latest price of each symbol: read, checked, kept, published once a batch.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch.h"
#include "services/ingest/signal_of.h"

typedef struct prices prices_t;

prices_t *prices_new(size_t symbols_max);
void prices_destroy(prices_t **self);

// Takes all prices of a body, or none of them: false, and every broken rule with its place ("[2].last"). `now` in UTC ns. What is older
// than what is held is passed over.
bool prices_take(prices_t *self, const struct document *body, batch_t *batch, struct complaints *out);
// Writes what changed since the last call; once at the end of what was there, so that a symbol is written once however often it came.
void prices_flush(prices_t *self, batch_t *batch);
size_t prices_count(const prices_t *self);
