// slice_market - the keys of market data that ingest owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "market.pb-c.h"
#include "price.pb-c.h"
#include "services/ingest/market/documents.h"

// stocks:price:{symbol} in the form of spec 003, until `until` (UTC ns).
void slice_price(batch_t *batch, const Price *price, uint64_t until);
// What a start goes on from; of each symbol. `over`: it is forgotten.
void slice_price_state(batch_t *batch, const PriceState *state);
void slice_price_over(batch_t *batch, const char *symbol);
typedef err_t slice_price_fn(void *arg, const PriceState *state);
err_t slice_price_states(store_t *store, slice_price_fn *visit, void *arg);

void slice_indicator_state(batch_t *batch, const IndicatorState *state);
void slice_indicator_over(batch_t *batch, const char *symbol);
typedef err_t slice_indicator_fn(void *arg, const IndicatorState *state);
err_t slice_indicator_states(store_t *store, slice_indicator_fn *visit, void *arg);

// A document, until its time is over; and how new it is, by its name ("indicators EURUSD").
void slice_document(batch_t *batch, const struct document_form *form, const ProtobufCMessage *m,
                    const char *symbol, uint64_t until);
void slice_document_state(batch_t *batch, const char *name, const DocumentState *state);
void slice_document_over(batch_t *batch, const char *name);
typedef err_t slice_document_fn(void *arg, struct span name, const DocumentState *state);
err_t slice_document_states(store_t *store, slice_document_fn *visit, void *arg);

// signals:{entry|exit}:{symbol}
void slice_signal_view(batch_t *batch, const char *type, const char *symbol, const SignalView *view,
                       uint64_t until);
