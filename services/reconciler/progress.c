// progress - how far a signal is that is not complete.
// SPDX-License-Identifier: MIT
#include "services/reconciler/progress.h"

#include <utlist.h>

#include "services/reconciler/sum.h"

#define TELL_AFTER   (200 * NS_PER_MS) // most signals are complete by then
#define TELL_AT_ONCE 50                // a tick, so that a backlog does not grow by this

void progress_note(struct reconciler *self, const batch_t *batch, struct live_signal *s) {
    if (s->noted_at || !s->routed || s->own) return;
    s->noted_at = batch_mono(batch);
    DL_APPEND2(self->live.noted, s, noted_before, noted_next);
}

static void tell_signal(batch_t *batch, const struct live_signal *s) {
    struct sum sum = {0};
    SignalExecutionStatus status = SIGNAL_EXECUTION_STATUS__INIT;
    Outcome o = OUTCOME__INIT;
    for (const struct live_trade *t = s->trades; t; t = t->next) sum_add(&sum, &t->facts);
    sum_progress(&sum, s->settled, &status);
    status.signal_id = (char *)(uintptr_t)s->id;
    o.signal_id = status.signal_id;
    o.signal = &status;
    batch_emit(batch, TOPIC_outcomes, 0, &o.base);
}

void progress_tell(struct reconciler *self, batch_t *batch) {
    for (unsigned i = 0; i < TELL_AT_ONCE && self->live.noted; i++) {
        struct live_signal *s = self->live.noted;
        if (batch_mono(batch) - s->noted_at < TELL_AFTER) return;
        live_signal_unnote(&self->live, s);
        tell_signal(batch, s);
    }
}

void progress_clear(struct reconciler *self) {
    while (self->live.noted) live_signal_unnote(&self->live, self->live.noted);
}
