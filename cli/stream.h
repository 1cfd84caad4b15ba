// stream - where a journal begins and ends.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/delivery.h"
#include "common/store.h"

struct journal {
    uint64_t length;
    char first[ENTRY_ID_TEXT]; // empty: it holds nothing
    char head[ENTRY_ID_TEXT];  // the last entry's id, also when it was trimmed; empty: there never was one
};
err_t journal_look(store_t *store, const char *topic, struct journal *out);
err_t stream_length(store_t *store, const char *key, uint64_t *out);

// Entries that a consumer at `position` has not taken: exact within an incarnation, else counted, up to LAG_COUNTED.
#define LAG_COUNTED 10000
err_t journal_lag(store_t *store, const char *topic, struct entry_id position, const struct journal *journal, uint64_t *out);
