// ring - the bytes of the last batches.
// SPDX-License-Identifier: MIT
#include "common/delivery/ring.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/testing.h"
#include "common/delivery/delivery.h"

struct ring {
    struct ring_entry *entries; // a circle of `room`, `count` used from `first`
    size_t room, first, count;
    size_t bytes, bytes_max;
    uint64_t age_ns;
};

ring_t *ring_new(size_t bytes_max, uint64_t age_ns) {
    ring_t *self = alloc_zeroed(1, sizeof *self);
    self->room = 64;
    self->entries = alloc_zeroed(self->room, sizeof *self->entries);
    self->bytes_max = bytes_max;
    self->age_ns = age_ns;
    return self;
}

static struct ring_entry *ring_slot_at(const ring_t *self, size_t i) {
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): there is always room
    return &self->entries[(self->first + i) % self->room];
}

static void drop_oldest(ring_t *self) {
    struct ring_entry *e = ring_slot_at(self, 0);
    self->bytes -= e->bytes.length;
    free((void *)e->bytes.data);
    e->bytes = (struct span){0};
    self->first = (self->first + 1) % self->room;
    self->count--;
}

void ring_destroy(ring_t **self) {
    if (!*self) return;
    while ((*self)->count) drop_oldest(*self);
    free((*self)->entries);
    free(*self);
    *self = NULL;
}

static void ring_grow(ring_t *self) {
    struct ring_entry *wider = alloc_zeroed(self->room * 2, sizeof *wider);
    for (size_t i = 0; i < self->count; i++) wider[i] = *ring_slot_at(self, i);
    free(self->entries);
    self->entries = wider;
    self->room *= 2;
    self->first = 0;
}

void ring_push(ring_t *self, uint64_t batch, const void *bytes, size_t length, unsigned commands,
               uint64_t mono_ns) {
    while (self->count && mono_ns - ring_slot_at(self, 0)->mono_ns > self->age_ns)
        drop_oldest(self);
    while (self->count && self->bytes + length > self->bytes_max) drop_oldest(self);
    if (self->count == self->room) ring_grow(self);
    void *copy = alloc_bytes(length ? length : 1);
    memcpy(copy, bytes, length);
    *ring_slot_at(self, self->count++) =
        (struct ring_entry){batch, mono_ns, {copy, length}, commands};
    self->bytes += length;
}

void ring_written(ring_t *self, uint64_t upto_batch) {
    while (self->count && ring_slot_at(self, 0)->batch <= upto_batch) drop_oldest(self);
}

size_t ring_bytes(const ring_t *self) { return self->bytes; }
size_t ring_count(const ring_t *self) { return self->count; }

bool ring_is_tight(const ring_t *self, uint64_t mono_ns, uint64_t least_ns) {
    return self->count && self->bytes > self->bytes_max / 4 * 3 &&
           mono_ns - ring_slot_at(self, 0)->mono_ns < least_ns;
}

// Batches are consecutive, so an entry's place follows from its number.
const struct ring_entry *ring_find(const ring_t *self, uint64_t batch) {
    if (!self->count || batch < ring_slot_at(self, 0)->batch) return NULL;
    uint64_t i = batch - ring_slot_at(self, 0)->batch;
    return i < self->count ? ring_slot_at(self, i) : NULL;
}

void ring_touch(ring_t *self, uint64_t batch, uint64_t mono_ns) {
    struct ring_entry *e = (struct ring_entry *)ring_find(self, batch);
    if (e) e->mono_ns = mono_ns;
}

enum replay ring_resume(const ring_t *self, uint64_t incarnation, uint64_t newest,
                        const char *redis_batch, const char *batch_at_start, uint64_t *from) {
    // incarnation and batch number have the form of an entry's id
    struct entry_id has = ENTRY_ID_NONE;
    bool mine = entry_id_parse(redis_batch, strlen(redis_batch), &has) == ERR_OK &&
                has.incarnation == incarnation;
    if (!mine && has.incarnation > incarnation) return REPLAY_FENCED;
    // it lost what was there before we started
    if (!mine && strcmp(redis_batch, batch_at_start) != 0) return REPLAY_HOLE;
    uint64_t last = mine ? has.sequence : 0;
    if (last > newest) return REPLAY_FENCED;
    if (last == newest) return REPLAY_NOTHING;
    *from = last + 1;
    if (MUTATED("no_ring") && *from != newest) *from = newest; // only the open batch is tried again
    return ring_find(self, *from) ? REPLAY_FROM : REPLAY_HOLE;
}
