// approvals - signals of sources that are not auto_execute: they wait until an operator approves or
// refuses them, or until their time is over; then they travel once more, with what was decided.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "config.pb-c.h"
#include "signal.pb-c.h"

typedef struct approvals approvals_t;

approvals_t *approvals_new(void);
void approvals_destroy(approvals_t **self);
err_t approvals_load(approvals_t *self, store_t *store);

// Whether a new signal of the source has to wait, and until when: `source` NULL: it has none, and
// does not. `now` UTC ns.
void approval_stamp(const SignalConfig *source, Signal *signal, uint64_t now);

// It waits from now on, over restarts too. A signal that is there already stays as it was.
void approvals_add(approvals_t *self, batch_t *batch, const Signal *signal);
// It waits no longer: nothing happens when it did not.
void approvals_drop(approvals_t *self, batch_t *batch, const char *signal_id);
size_t approvals_count(const approvals_t *self);

// What was decided about a signal that waits.
struct approval_verdict {
    Signal__Approval approval; // approved, refused, expired
    uint64_t at;               // UTC ns: when it was decided, which may be a while ago
    const char *by, *note;     // NULL: nobody; none
};

// Decides: it waits no longer, its hash says who decided and why, and it is in the topic again. An
// approval that was given at approve_by or later approves nothing: the signal expires. False: it
// does not wait.
bool approvals_decide(approvals_t *self, batch_t *batch, const char *signal_id,
                      const struct approval_verdict *verdict);
// Those whose time is over, a bounded number a call.
void approvals_expire(approvals_t *self, batch_t *batch);
