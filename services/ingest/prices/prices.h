// prices - the latest price of each symbol: read, checked, kept, published once a batch.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/domain/book.h"
#include "price.pb-c.h"
#include "services/ingest/market/market.h"
#include "services/ingest/read/signal_of.h"

typedef struct prices prices_t;

struct price_limits {
    size_t symbols_max;
    uint64_t ttl_ns; // a price that nothing follows for so long is forgotten
    uint64_t bar_s;  // length of the bars that indicators are calculated from; 0: none are
};

// Indicators go to `market`. Both must outlive it.
prices_t *prices_new(const book_t *book, market_t *market, const struct price_limits *limits);
void prices_destroy(prices_t **self);

// Prices as a source has posted them.
struct price_post {
    const SignalConfig *source;
    const struct document *body;
    const char *symbol; // of the address, for a body that names none; NULL: there is none
    batch_t *batch;
};
// Takes the prices of a body, and says how many. One that breaks a rule keeps all of them out; one
// that is not this source's to say (price_trust.h), or that is not believed yet, keeps itself out.
// `out`: each of them with its place ("[2].last"). What is older than what is held is passed over.
size_t prices_take(prices_t *self, const struct price_post *post, struct complaints *out);
// Writes what changed since the last call; once at the end of what was there, so that a symbol is
// written once however often it came.
void prices_flush(prices_t *self, batch_t *batch);
// Publishes what is held again: somebody has begun to listen.
void prices_say_again(prices_t *self, batch_t *batch);
// By the clock: bars that are over, prices that are forgotten.
void prices_retire(prices_t *self, batch_t *batch);
err_t prices_load(prices_t *self, store_t *store); // as the process before left them
const Price *prices_last(const prices_t *self, const char *symbol); // NULL: none is known
size_t prices_count(const prices_t *self);
