// journal - what a topic's journal in Redis says of itself.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/delivery.h"
#include "common/store.h"

// *before: what came before the oldest entry that the journal holds, which is the position from
// where all of it can be read again; NONE when it holds nothing, or from the very first one on. An
// error of the store.
err_t journal_beginning(store_t *store, const char *topic, struct entry_id *before);
