// due - what is to be looked at when: a heap of moments.
// SPDX-License-Identifier: MIT
#include "services/executor/due.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/array.h"

struct due_heap {
    struct due **items; // from 1
    size_t count, room;
};

due_heap_t *due_heap_new(void) {
    due_heap_t *self = alloc_zeroed(1, sizeof *self);
    return self;
}

void due_heap_destroy(due_heap_t **self) {
    if (!*self) return;
    free((*self)->items);
    free(*self);
    *self = NULL;
}

static void put_due_item(due_heap_t *self, size_t place, struct due *item) {
    self->items[place] = item;
    item->place = place;
}

static void sift_up(due_heap_t *self, struct due *item, size_t place) {
    for (; place > 1 && self->items[place / 2]->at > item->at; place /= 2)
        put_due_item(self, place, self->items[place / 2]);
    put_due_item(self, place, item);
}

static void sift_down(due_heap_t *self, struct due *item, size_t place) {
    for (size_t child; (child = 2 * place) <= self->count; place = child) {
        if (child < self->count && self->items[child + 1]->at < self->items[child]->at) child++;
        if (self->items[child]->at >= item->at) break;
        put_due_item(self, place, self->items[child]);
    }
    put_due_item(self, place, item);
}

static void sift_due_item(due_heap_t *self, struct due *item, size_t place) {
    if (place > 1 && self->items[place / 2]->at > item->at)
        sift_up(self, item, place);
    else
        sift_down(self, item, place);
}

void due_set(due_heap_t *self, struct due *item, uint64_t at) {
    item->at = at;
    if (item->place) return sift_due_item(self, item, item->place);
    array_reserve(self->items, self->count + 1, self->room); // the first is not used
    sift_up(self, item, ++self->count);
}

void due_clear(due_heap_t *self, struct due *item) {
    if (!item->place) return;
    size_t place = item->place;
    struct due *last = self->items[self->count--];
    item->place = 0;
    if (last != item) sift_due_item(self, last, place);
}

struct due *due_pop(due_heap_t *self, uint64_t now) {
    if (!self->count || self->items[1]->at > now) return NULL;
    struct due *first = self->items[1];
    due_clear(self, first);
    return first;
}

size_t due_count(const due_heap_t *self) { return self->count; }
