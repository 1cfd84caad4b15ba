// progress - how far a signal is that is not complete: said a moment after something of it changed,
// so that what completes sooner says it once.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/reconciler/reconciler.h"

// Something of it changed, and it is not complete.
void progress_note(struct reconciler *self, const batch_t *batch, struct live_signal *signal);
// Every tick: an Outcome of each that changed some time ago, a bounded number.
void progress_tell(struct reconciler *self, batch_t *batch);
// Nothing is noted any more.
void progress_clear(struct reconciler *self);
