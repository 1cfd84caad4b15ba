// stream - where a journal begins and ends.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/delivery/delivery.h"
#include "common/redis/store.h"

struct journal {
    uint64_t length;
    char first[ENTRY_ID_TEXT]; // empty: it holds nothing
    // the last entry's id, also when it was trimmed; empty: there never was one
    char head[ENTRY_ID_TEXT];
};
err_t journal_look(store_t *store, const char *topic, struct journal *out);
err_t stream_length(store_t *store, const char *key, uint64_t *out);

// Entries that a consumer at `position` has not taken: exact within an incarnation, else counted,
// up to LAG_COUNTED.
#define LAG_COUNTED 10000
err_t journal_lag(store_t *store, const char *topic, struct entry_id position,
                  const struct journal *journal, uint64_t *out);
// Where a service stands in a topic; false in *known: it has registered no position yet, and stands
// before the beginning.
err_t journal_position(store_t *store, const char *service, const char *topic, struct entry_id *out,
                       bool *known);
// Both at once: how many entries of a topic a service has still to take.
err_t journal_behind(store_t *store, const char *service, const char *topic, uint64_t *out);
