// slice - the keys the advisor owns.
// SPDX-License-Identifier: MIT
//
//   llm:decision:{decision_id}   hash    LlmDecision; final: for a day, without package and raw_answer
//   llm:open                     set     the decisions that are not final
//   llm:use                      hash    LlmUse: what was used up of the limits
#include "services/advisor/slice.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "services/advisor/decision/lifecycle.h"

#define DECISION  "llm:decision:"
#define OPEN      "llm:open"
#define KEY_TEXT  80
#define FINAL_FOR (24 * 3600 * NS_PER_S) // so long a decision that comes again is recognised

const char *const advisor_slice[] = {"llm:", NULL};

static const char *decision_key(const char *id, char out[static KEY_TEXT]) {
    snprintf(out, KEY_TEXT, DECISION "%.40s", id);
    return out;
}

// What is long is in the archive.
static void keep_final(batch_t *batch, const char *key, const LlmDecision *row) {
    LlmDecision kept = *row;
    kept.package = kept.raw_answer = NULL;
    batch_keep(batch, key, &kept.base);
    batch_field_drop(batch, key, "package");
    batch_field_drop(batch, key, "raw_answer");
    batch_expire_at(batch, key, batch_now(batch) + FINAL_FOR);
}

void slice_put_decision(batch_t *batch, const LlmDecision *row) {
    char key[KEY_TEXT];
    decision_key(row->decision_id, key);
    if (decision_is_open(row->state)) {
        batch_keep(batch, key, &row->base);
        batch_member(batch, OPEN, row->decision_id);
    } else {
        keep_final(batch, key, row);
        batch_member_drop(batch, OPEN, row->decision_id);
    }
    batch_emit(batch, TOPIC_decisions, 0, &row->base);
}

void slice_record_unrepeatable(batch_t *batch, const LlmDecision *row) {
    batch_emit(batch, TOPIC_decisions, 0, &row->base);
}

void slice_put_use(batch_t *batch, const LlmUse *use) { batch_keep(batch, LLM_USE, &use->base); }

err_t slice_each_open(store_t *store, store_record_fn *visit, void *arg) {
    return store_records(store, OPEN, DECISION, &llm_decision__descriptor, visit, arg);
}

err_t slice_find_decision(store_t *store, const char *id, arena_t *arena, ProtobufCMessage **out) {
    char key[KEY_TEXT];
    return store_record(store, decision_key(id, key), &llm_decision__descriptor, arena, out);
}
