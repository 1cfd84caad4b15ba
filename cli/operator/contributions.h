// contributions - in which consensus a signal was counted.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/operator/story.h"
#include "common/redis/store.h"
#include "common/sql/sql.h"

#define CONTRIBUTIONS_MAX 32

// Fills story->contributions: ballots that are open come from Redis, what was decided from the
// archive. Either may be NULL: not asked.
void contributions_gather(store_t *store, sql_t *archive, arena_t *arena, struct story *story);
