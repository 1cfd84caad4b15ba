// duplicates - signals that came again: how often, and when last. Answering them changes nothing
// else, so this is their only trace.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"

typedef struct duplicates duplicates_t;

// Of so many signals at most: beyond, what came again longest ago is forgotten.
duplicates_t *duplicates_new(size_t most);
void duplicates_destroy(duplicates_t **self);
err_t duplicates_load(duplicates_t *self, store_t *store);

// One more of this signal; counted in memory and in the batch.
void duplicates_add(duplicates_t *self, batch_t *batch, const char *signal_id);
// Forgets some of those that came again before `before` (UTC ns).
void duplicates_retire(duplicates_t *self, batch_t *batch, uint64_t before);
size_t duplicates_count(const duplicates_t *self);
