// slice - the keys ingest owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"
#include "services/ingest/door/sources.h"
#include "services/ingest/identity/losses.h"
#include "signal.pb-c.h"

#define SIGNAL_PREFIX    "signal:"
#define SIGNAL_GUARD     "signal:guard"
#define STATE_PENDING    "signal:state:pending"
#define STATE_PROCESSING "signal:state:processing"

extern const char *const ingest_slice[];

void slice_accepted(batch_t *batch, const Signal *signal);
// expires
void slice_rejected(batch_t *batch, const Signal *signal, const SignalRejection *rejection);
// takes back a field of a refused signal
void slice_unread(batch_t *batch, const char *signal_id, const char *field);
// expires when final
void slice_moved(batch_t *batch, const char *signal_id, Signal__Status from, Signal__Status to);
// a signal that was lost and is met again
void slice_restored(batch_t *batch, const SignalLife *life);
void slice_ended(batch_t *batch, const Signal *signal); // one that was lost, as it ended; expires
// how far a signal is that is not final
void slice_progress(batch_t *batch, const SignalExecutionStatus *status);
// one that was accepted, and came to nothing; expires
void slice_came_to_nothing(batch_t *batch, const SignalRejection *rejection);
// it was executed after all
void slice_nothing_no_longer(batch_t *batch, const char *signal_id);
// expires
void slice_executed(batch_t *batch, const SignalExecutionStatus *status);
// expires
void slice_measured(batch_t *batch, const SignalMetrics *metrics);
// name: "{config_id} {symbol}"
void slice_ballot(batch_t *batch, const char *name, struct span packed);
void slice_ballot_over(batch_t *batch, const char *name);
err_t slice_ballots(store_t *store, store_pair_fn *visit, void *arg);
// a signal that waits for approval, packed
void slice_approval(batch_t *batch, const char *signal_id, struct span packed);
void slice_approval_over(batch_t *batch, const char *signal_id);
err_t slice_approvals(store_t *store, store_pair_fn *visit, void *arg);
void slice_decided(batch_t *batch, const Signal *signal); // what was decided about it
void slice_windows(batch_t *batch, const char *source, const struct windows *windows);
void slice_identity_time(batch_t *batch, uint64_t ns);
void slice_losses(batch_t *batch, const struct losses *losses);
void slice_duplicates(batch_t *batch, const Duplicates *duplicates);
void slice_duplicates_over(batch_t *batch, const char *signal_id);
typedef err_t slice_duplicates_fn(void *arg, const Duplicates *duplicates);
err_t slice_duplicates_each(store_t *store, slice_duplicates_fn *visit, void *arg);
// What identities depend on beside what is remembered: the windows of sources, the time (none is
// stored: *ns stays), and when something was lost.
err_t slice_identities(store_t *store, sources_t *sources, uint64_t *ns, struct losses *losses);
