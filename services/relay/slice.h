// slice - the keys the relay owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "services/relay/outbox.h"

extern const char *const relay_slice[];

// Who answered last, and from where on a relay that is started again would have to offer once more
// what may be forgotten there.
void slice_peer(batch_t *batch, const char *name, uint64_t peer, struct entry_id since);

// What is kept, as it was before this process: outbox.peer and outbox.recent, read again from the
// journal. *position: as stored; where none is, before the journal's first entry.
err_t relay_slice_load(store_t *store, const char *name, struct outbox *out,
                       struct entry_id *position, uint64_t mono_ns);
