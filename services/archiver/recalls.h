// recalls - what the archive has and Redis may have lost is offered again: topic `recalls`, to
// ingest, the executors and the reconciler.
// SPDX-License-Identifier: MIT
//
// SQLite forgets nothing that was committed; Redis may forget its last seconds, and who is killed
// with it forgets them, too. A signal that is known at the door is passed over there. One that is
// not is taken up again, with its id and times: without an outcome like any other (what became of
// it meanwhile is found by the ids that follow from its own), else as it ended. A trade that is not
// over is offered to the executors likewise: whose it is takes it up when it does not know it, and
// asks the broker. One that came to nothing shortly before the loss is known again as that.
#pragma once

#include "common/batch/batch.h"
#include "common/sql/sql.h"

typedef struct recalls recalls_t;

recalls_t *recalls_new(sql_t *db); // NULL: a statement does not fit the tables (it is logged)
void recalls_destroy(recalls_t **self);
// at start, before anything is written: all that has no outcome, and is not over, is to be offered
err_t recalls_load(recalls_t *self);

// A trade that is over here: the reconciler misses how it ended, and its executor may have
// forgotten it. Of one that is not over, nothing.
err_t recalls_answer(recalls_t *self, batch_t *batch, const char *trade_id);

// A page of what is to be offered, into the batch. `rolled_back_at`, UTC ns: when Redis was last
// found to have lost something (0: never); when it moves, what has no outcome is offered, and what
// the archive had got in its last seconds before.
err_t recalls_tick(recalls_t *self, batch_t *batch, uint64_t rolled_back_at);
