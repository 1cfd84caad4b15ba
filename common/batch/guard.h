// guard - remembers identities so that nothing is done twice. No expiry: a clock step would expire
// it.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/id.h"
#include "common/batch/batch.h"
#include "common/redis/store.h"

// In memory an open-addressing table of digests (32 bytes an entry); in Redis one hash per hour,
// <prefix>:<hour>, so that what is older than 48 h leaves a whole hour at a time; the set
// <prefix>:hours lists them.
typedef struct guard guard_t;

guard_t *guard_new(const char *prefix, size_t entries_max); // e.g. "routing:guard"
void guard_destroy(guard_t **self);
err_t guard_load(guard_t *self, store_t *store);
bool guard_find(const guard_t *self, struct digest key, uint64_t *value);
// Remembers key -> value (overwrites), in memory and in the batch. False when full: take no more.
[[nodiscard]] bool guard_put(guard_t *self, batch_t *batch, struct digest key, uint64_t value);
size_t guard_count(const guard_t *self);
// Forgets one whole hour that ended before `before` (UTC ns), if there is one. The caller knows
// that everything in it is final, archived and reconciled: `before` is min(now - 48 h, oldest live
// item, time at which consumers were last seen to have everything).
void guard_retire(guard_t *self, batch_t *batch, uint64_t before);
