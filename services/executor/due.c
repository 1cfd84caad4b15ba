// due - what must be looked at next: a heap of times.
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

static void put_due_item(due_heap_t *self, size_t index, struct due *item) {
    self->items[index] = item;
    item->index = index;
}

static void sift_up(due_heap_t *self, struct due *item, size_t index) {
    for (; index > 1 && self->items[index / 2]->at > item->at; index /= 2)
        put_due_item(self, index, self->items[index / 2]);
    put_due_item(self, index, item);
}

static void sift_down(due_heap_t *self, struct due *item, size_t index) {
    for (size_t child; (child = 2 * index) <= self->count; index = child) {
        if (child < self->count && self->items[child + 1]->at < self->items[child]->at) child++;
        if (self->items[child]->at >= item->at) break;
        put_due_item(self, index, self->items[child]);
    }
    put_due_item(self, index, item);
}

static void sift_due_item(due_heap_t *self, struct due *item, size_t index) {
    if (index > 1 && self->items[index / 2]->at > item->at)
        sift_up(self, item, index);
    else
        sift_down(self, item, index);
}

void due_set(due_heap_t *self, struct due *item, uint64_t at) {
    item->at = at;
    if (item->index) return sift_due_item(self, item, item->index);
    array_reserve(self->items, self->count + 1, self->room); // the first is not used
    sift_up(self, item, ++self->count);
}

void due_clear(due_heap_t *self, struct due *item) {
    if (!item->index) return;
    size_t index = item->index;
    struct due *last = self->items[self->count--];
    item->index = 0;
    if (last != item) sift_due_item(self, last, index);
}

struct due *due_pop(due_heap_t *self, uint64_t now) {
    if (!self->count || self->items[1]->at > now) return NULL;
    struct due *first = self->items[1];
    due_clear(self, first);
    return first;
}

size_t due_count(const due_heap_t *self) { return self->count; }
