// overview - what system:state counts in keys of others: open positions, the watchlist, the last
// scan of the market.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/redis/store.h"

struct overview {
    uint32_t positions;              // accounts' positions, each symbol once an account
    uint32_t watchlist;              // symbols in watchlist:current
    uint64_t scan_at;                // UTC ns of the latest candidate in candidates:ranked; 0: none
    uint64_t positions_at, moved_at; // monotonic ns: counted (0: never); an execution heard
};

// Reads what may have changed. Positions are counted when something was executed, else every 10 s.
err_t overview_read(struct overview *self, store_t *store, unsigned shards, uint64_t mono_ns);
