// duplicates - signals that came again.
// SPDX-License-Identifier: MIT
#include "services/ingest/identity/duplicates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"
#include "common/domain/signal_id.h"
#include "services/ingest/slice.h"

#define RETIRE_STEP 100 // so many a call, so that no batch waits for a walk over all

struct again {
    char signal_id[SIGNAL_ID_TEXT];
    uint32_t count;
    uint64_t last_at;
    UT_hash_handle hh; // in the order in which they came last
};

struct duplicates {
    struct again *all;
    size_t most;
};

duplicates_t *duplicates_new(size_t most) {
    duplicates_t *self = alloc_zeroed(1, sizeof *self);
    self->most = most;
    return self;
}

void duplicates_destroy(duplicates_t **self) {
    struct again *a, *next;
    if (!*self) return;
    HASH_ITER(hh, (*self)->all, a, next) {
        HASH_DEL((*self)->all, a);
        free(a);
    }
    free(*self);
    *self = NULL;
}

size_t duplicates_count(const duplicates_t *self) { return HASH_COUNT(self->all); }

// What is there, or a new one, behind all others.
static struct again *again_last(duplicates_t *self, const char *signal_id) {
    struct again *a;
    HASH_FIND_STR(self->all, signal_id, a);
    if (a) {
        HASH_DEL(self->all, a);
    } else {
        a = alloc_zeroed(1, sizeof *a);
        (void)snprintf(a->signal_id, sizeof a->signal_id, "%s", signal_id);
    }
    HASH_ADD_STR(self->all, signal_id, a);
    return a;
}

static void forget_first(duplicates_t *self, batch_t *batch) {
    struct again *first = self->all;
    slice_duplicates_over(batch, first->signal_id);
    HASH_DEL(self->all, first);
    free(first);
}

void duplicates_add(duplicates_t *self, batch_t *batch, const char *signal_id) {
    struct again *a = again_last(self, signal_id);
    Duplicates d = DUPLICATES__INIT;
    a->count++;
    a->last_at = batch_now(batch);
    d.signal_id = a->signal_id;
    d.count = a->count;
    d.last_at = a->last_at;
    slice_duplicates(batch, &d);
    if (HASH_COUNT(self->all) > self->most) forget_first(self, batch);
}

void duplicates_retire(duplicates_t *self, batch_t *batch, uint64_t before) {
    for (unsigned i = 0; i < RETIRE_STEP && self->all && self->all->last_at < before; i++)
        forget_first(self, batch);
}

// --- at start

static err_t load_duplicates_row(void *arg, const Duplicates *d) {
    struct again *a = again_last(arg, d->signal_id);
    a->count = d->count;
    a->last_at = d->last_at;
    return ERR_OK;
}

static int by_last(const struct again *a, const struct again *b) {
    return (a->last_at > b->last_at) - (a->last_at < b->last_at);
}

err_t duplicates_load(duplicates_t *self, store_t *store) {
    err_t e = slice_duplicates_each(store, load_duplicates_row, self);
    HASH_SORT(self->all, by_last);
    return e;
}
