// store_transaction - the other side of store.h: what the ledger does with the connection.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/redis/store.h"

void store_patience(store_t *self, int64_t answer_within_ms);

// MULTI, the commands, EXEC in one write; every element of the answer is looked at. ERR_STORE: the
// outcome is unknown, the connection is gone. ERR_REFUSED: nothing of it happened. ERR_OWNER: a
// command inside failed (our mistake, or another owner).
err_t store_transaction(store_t *self, struct span commands, unsigned n);

// Replies of a pipeline, one after the other; text is empty for nil and errors inside.
typedef err_t store_reply_fn(void *arg, unsigned i, struct span text, int64_t number);
err_t store_pipeline(store_t *self, struct span commands, unsigned n, store_reply_fn *visit,
                     void *arg);

// One command as RESP bytes appended to `out`.
void store_format(buffer_t *out, unsigned argc, const char *const argv[]);
