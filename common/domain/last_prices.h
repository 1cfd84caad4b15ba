// last_prices - the latest price of every symbol, as ingest keeps it: for whoever needs prices from
// its first message on, and cannot wait until the next one is posted.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/redis/store.h"
#include "price.pb-c.h"

#define LAST_PRICES "signal:state:prices" // ingest's; by symbol, a packed Price with more behind it

// The price is valid during the call. What cannot be read is passed over: the next post brings it.
typedef void last_price_fn(void *arg, const Price *price);
err_t last_prices_load(store_t *store, last_price_fn *visit, void *arg);
