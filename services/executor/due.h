// due - what must be looked at next: a heap of times, so that no tick walks over everything that
// waits.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

// Part of whatever waits; {0} is not waiting.
struct due {
    uint64_t at;  // monotonic ns
    size_t index; // in the heap, from 1; 0: not in it
};

typedef struct due_heap due_heap_t;

due_heap_t *due_heap_new(void);
void due_heap_destroy(due_heap_t **self);
void due_set(due_heap_t *self, struct due *item, uint64_t at); // moves it when it is in already
void due_clear(due_heap_t *self, struct due *item);            // nothing happens when it is not in
// takes out what is due at `now`, earliest first; NULL: nothing is
struct due *due_pop(due_heap_t *self, uint64_t now);
size_t due_count(const due_heap_t *self);
