// signal_views - signals:entry:{symbol} and signals:exit:{symbol}: the last signal of each kind that
// was accepted, with what was known of its symbol then. For looking at; written once a batch.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/market/market.h"
#include "services/ingest/prices/prices.h"
#include "signal.pb-c.h"

#define SIGNAL_VIEWS_MAX 64 // symbols of one batch; of more the last ones are shown

// What the signals of one batch were; their texts live in that batch.
struct signal_views {
    struct signal_shown {
        bool exit;
        Signal signal;
    } shown[SIGNAL_VIEWS_MAX];
    size_t n;
    uint64_t batch_at; // whose batch it is, by its monotonic time
};

// A signal was accepted into the batch.
void signal_views_note(struct signal_views *self, batch_t *batch, const Signal *signal);

struct signal_views_known {
    const prices_t *prices;
    const market_t *market;
    uint64_t ttl_ns;
};
// At the end of what came in: writes what was noted.
void signal_views_flush(struct signal_views *self, batch_t *batch,
                        const struct signal_views_known *known);
