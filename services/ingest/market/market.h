// market - market data beside prices: whose documents are believed, how new each is, and when it
// goes (docs/market-data.md).
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/domain/book.h"
#include "common/redis/store.h"
#include "services/ingest/market/documents.h"

// How long what is written of each kind stays, in ms; and how many symbols may have documents.
struct market_limits {
    int64_t ttl_ms[SIGNAL_CONFIG__DOCUMENT__context + 1]; // by document_kind_t
    size_t documents_max;
};

typedef struct market market_t;

market_t *market_new(const book_t *book, const struct market_limits *limits);
void market_destroy(market_t **self);
err_t market_load(market_t *self, store_t *store); // how new everything is

// What a source has posted.
struct market_post {
    const SignalConfig *source;
    const struct document_form *form;
    const char *symbol; // of the address, or NULL
    struct span body;
    batch_t *batch;
};
struct market_taken {
    size_t written;          // documents
    size_t older;            // than what is there, by their timestamp: they change nothing
    const char *undecodable; // what is wrong with the body as a whole, or NULL
};
// Takes the documents of a body: one that breaks a rule keeps all of them out; one that is of a
// symbol which is not this source's keeps itself out. `out`: each of them, with its place.
struct market_taken market_take(market_t *self, const struct market_post *post,
                                struct complaints *out);
// Whether the source may post documents of this kind at all.
bool market_is_allowed(const SignalConfig *source, const struct document_form *form);

// Calculated indicators: written, unless a source's are in force, which count for as long as they
// stand. True: they were written.
bool market_calculated(market_t *self, batch_t *batch, const Indicators *in);
// The indicators of a symbol that are in force; NULL: none.
const Indicators *market_indicators(const market_t *self, const char *symbol, uint64_t now);

void market_retire(market_t *self, batch_t *batch); // forgets what has expired
size_t market_count(const market_t *self);
