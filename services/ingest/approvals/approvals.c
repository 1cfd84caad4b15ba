// approvals - signals that wait for an operator's word.
// SPDX-License-Identifier: MIT
#include "services/ingest/approvals/approvals.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/domain/signal_id.h"
#include "services/ingest/slice.h"

#define EXPIRE_STEP 200 // so many a call, so that no batch is filled with them

struct waiting_signal {
    Signal *signal; // owned
    UT_hash_handle hh;
    char id[];
};

struct approvals {
    struct waiting_signal *waiting;
};

approvals_t *approvals_new(void) { return alloc_zeroed(1, sizeof(approvals_t)); }

static void free_waiting_signal(approvals_t *self, struct waiting_signal *w) {
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): of uthash's own pointers
    HASH_DEL(self->waiting, w);
    signal__free_unpacked(w->signal, NULL);
    free(w);
}

void approvals_destroy(approvals_t **self) {
    struct waiting_signal *w, *next;
    if (!*self) return;
    HASH_ITER(hh, (*self)->waiting, w, next) free_waiting_signal(*self, w);
    free(*self);
    *self = NULL;
}

size_t approvals_count(const approvals_t *self) { return HASH_COUNT(self->waiting); }

void approval_stamp(const SignalConfig *source, Signal *signal, uint64_t now) {
    bool waits = source && !source->auto_execute;
    signal->has_approval = waits;
    signal->has_approve_by = waits && source->approve_within_s;
    if (!waits) return;
    signal->approval = signal->has_approve_by ? SIGNAL__APPROVAL__awaited : SIGNAL__APPROVAL__off;
    if (signal->has_approve_by) signal->approve_by = now + source->approve_within_s * NS_PER_S;
}

static struct waiting_signal *find_waiting_signal(const approvals_t *self, const char *signal_id) {
    struct waiting_signal *w;
    HASH_FIND_STR(self->waiting, signal_id, w);
    return w;
}

// False: the bytes are no signal.
static bool keep_packed_signal(approvals_t *self, const char *id, struct span packed) {
    Signal *signal = signal__unpack(NULL, packed.length, packed.data);
    if (!signal) return false;
    size_t length = strlen(id) + 1;
    struct waiting_signal *w = alloc_zeroed(1, sizeof *w + length);
    memcpy(w->id, id, length);
    w->signal = signal;
    HASH_ADD_STR(self->waiting, id, w);
    return true;
}

void approvals_add(approvals_t *self, batch_t *batch, const Signal *signal) {
    size_t length = signal__get_packed_size(signal);
    if (find_waiting_signal(self, signal->signal_id)) return;
    uint8_t *bytes = arena_take(batch_arena(batch), length + 1);
    const struct span packed = {bytes, signal__pack(signal, bytes)};
    slice_approval(batch, signal->signal_id, packed);
    (void)keep_packed_signal(self, signal->signal_id, packed);
}

void approvals_drop(approvals_t *self, batch_t *batch, const char *signal_id) {
    struct waiting_signal *w = self->waiting ? find_waiting_signal(self, signal_id) : NULL;
    if (!w) return;
    slice_approval_over(batch, signal_id);
    free_waiting_signal(self, w);
}

// The age of an approved signal counts from the operator's word, however late that is heard here;
// and it never counts from a time to come.
static void stamp_verdict(Signal *signal, const struct approval_verdict *verdict, uint64_t now) {
    const uint64_t at = verdict->at < now ? verdict->at : now;
    signal->approval = verdict->approval;
    signal->has_decided_at = true;
    signal->decided_at = at - at % NS_PER_US;
    signal->decided_by = (char *)(uintptr_t)verdict->by;
    signal->decision_note = (char *)(uintptr_t)verdict->note;
}

static bool is_approved_too_late(const Signal *signal, const struct approval_verdict *verdict) {
    return verdict->approval == SIGNAL__APPROVAL__approved && verdict->at >= signal->approve_by;
}

// What it is made of is in the batch before the signal is let go of.
bool approvals_decide(approvals_t *self, batch_t *batch, const char *signal_id,
                      const struct approval_verdict *verdict) {
    struct waiting_signal *w = find_waiting_signal(self, signal_id);
    if (!w) return false;
    const struct approval_verdict over = {.approval = SIGNAL__APPROVAL__expired,
                                          .at = batch_now(batch)};
    Signal decided = *w->signal;
    stamp_verdict(&decided, is_approved_too_late(w->signal, verdict) ? &over : verdict,
                  batch_now(batch));
    slice_decided(batch, &decided);
    batch_emit(batch, TOPIC_signals, 0, &decided.base);
    slice_approval_over(batch, w->id);
    free_waiting_signal(self, w);
    return true;
}

void approvals_expire(approvals_t *self, batch_t *batch) {
    const struct approval_verdict over = {.approval = SIGNAL__APPROVAL__expired,
                                          .at = batch_now(batch)};
    struct waiting_signal *w, *next;
    unsigned n = 0;
    HASH_ITER(hh, self->waiting, w, next) {
        if (w->signal->approve_by > batch_now(batch) || n++ >= EXPIRE_STEP) continue;
        (void)approvals_decide(self, batch, w->id, &over);
    }
}

// --- at start

static err_t load_approval(void *arg, struct span name, struct span value) {
    char id[SIGNAL_ID_TEXT];
    if (name.length >= sizeof id) return ERR_INPUT;
    memcpy(id, name.data, name.length);
    id[name.length] = 0;
    return keep_packed_signal(arg, id, value) ? ERR_OK : ERR_INPUT;
}

err_t approvals_load(approvals_t *self, store_t *store) {
    return slice_approvals(store, load_approval, self);
}
