// journal - what a topic's journal in Redis says of itself.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdio.h>

#include "common/delivery/delivery.h"
#include "common/redis/store.h"

// The key of a topic's journal.
#define JOURNAL          "journal:"
#define JOURNAL_KEY_TEXT 96
static inline void journal_key(const char *topic, char out[static JOURNAL_KEY_TEXT]) {
    (void)snprintf(out, JOURNAL_KEY_TEXT, JOURNAL "%s", topic);
}

// *before: what came before the oldest entry that the journal holds, which is the position from
// where all of it can be read again; NONE when it holds nothing, or from the very first one on. An
// error of the store.
err_t journal_beginning(store_t *store, const char *topic, struct entry_id *before);
