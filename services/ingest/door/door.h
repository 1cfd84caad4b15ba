// door - the HTTP routes, and the same for ZeroMQ: who it is, whether more can be taken, when the
// answer goes out.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/ingest.h"

http_request_fn door_request;          // a whole request is there
void door_answer(struct ingest *self); // committed: everybody who waits
// cannot be committed now: 503, which may still mean accepted
void door_turn_away(struct ingest *self);
err_t door_parcels(struct ingest *self, batch_t *batch); // what the ZeroMQ intake holds

// Whether new signals are taken. After a start beside a Redis that has just been started, too, both
// may have lost the same signals; whoever routed or archived them gives them back within moments.
// Until then a resend of one would be another signal.
#define LOSS_RECENT (60 * NS_PER_S)
bool door_is_open(struct ingest *self, batch_t *batch);

// Notes, once after a start, whether what the store had then was not all: the time that it had is
// older than Redis' start. False: nothing can be written now.
bool door_knows_losses(struct ingest *self, batch_t *batch);
