// monitoring - positions:monitoring:{symbol}: what is open in a symbol, against its targets and its
// indicators (spec 003; docs/market-data.md).
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/domain/book.h"
#include "common/redis/store.h"
#include "execution.pb-c.h"
#include "market.pb-c.h"

typedef struct monitoring monitoring_t;

monitoring_t *monitoring_new(void);
void monitoring_destroy(monitoring_t **self);
// Something happened in a symbol: it is looked at with the next write.
void monitoring_note(monitoring_t *self, const char *symbol);
// Looks at what is open and writes it; every now and then at all symbols that the book has, for what
// was not heard. Called about once a second. Trouble with Redis shows elsewhere.
void monitoring_write(monitoring_t *self, store_t *store, const book_t *book, batch_t *batch);

// Pure: the document. `in` NULL: no indicators are known. `now` in UTC ns.
void monitoring_print(const ActivePosition *position, const Indicators *in, uint64_t now,
                      buffer_t *out);
