// handover - signals that another cell's door has taken: known again, not wanted here, or accepted
// in the batch's transaction.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/ingest.h"

// What the handover door holds. `batch` NULL: it is told that nothing can be taken now.
err_t handover_parcels(struct ingest *self, batch_t *batch);
void handover_answer(struct ingest *self); // committed: everybody who waits
// cannot be committed now; it comes again
void handover_turn_away(struct ingest *self, const char *why);

// Takes all of a Handover and says what became of it; `answer` points into the batch's arena.
void handover_take(struct ingest *self, batch_t *batch, const Handover *h, HandoverAnswer *answer);
void handover_beat(const struct ingest *self, Heartbeat *out, arena_t *arena);
