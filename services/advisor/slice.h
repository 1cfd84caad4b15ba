// slice - the keys the advisor owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "llm.pb-c.h"

#define LLM_USE "llm:use"

extern const char *const advisor_slice[];

// The decision as it stands, in Redis and on its topic.
void slice_put_decision(batch_t *batch, const LlmDecision *row);
// On its topic alone: it has an id of its own, by which it can never come again.
void slice_record_unrepeatable(batch_t *batch, const LlmDecision *row);
void slice_put_use(batch_t *batch, const LlmUse *use);
err_t slice_each_open(store_t *store, store_record_fn *visit, void *arg);
// *out NULL: there is none any more
err_t slice_find_decision(store_t *store, const char *id, arena_t *arena, ProtobufCMessage **out);
