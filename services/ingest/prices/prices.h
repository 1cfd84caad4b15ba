// prices - the latest price of each symbol: read, checked, kept, published once a batch.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/domain/book.h"
#include "services/ingest/read/signal_of.h"

typedef struct prices prices_t;

prices_t *prices_new(const book_t *book, size_t symbols_max);
void prices_destroy(prices_t **self);

// Prices as a source has posted them.
struct price_post {
    const SignalConfig *source;
    const struct document *body;
    batch_t *batch;
};
// Takes the prices of a body, and says how many. One that breaks a rule keeps all of them out; one
// that is not this source's to say (price_trust.h), or that is not believed yet, keeps itself out.
// `out`: each of them with its place ("[2].last"). What is older than what is held is passed over.
size_t prices_take(prices_t *self, const struct price_post *post, struct complaints *out);
// Writes what changed since the last call; once at the end of what was there, so that a symbol is
// written once however often it came.
void prices_flush(prices_t *self, batch_t *batch);
size_t prices_count(const prices_t *self);
