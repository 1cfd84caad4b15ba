// array - items side by side whose number grows.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/alloc.h"
#include "common/base/arena.h"

// Room for one item more behind the `n` that are there: twice as much when it is used up, and what
// is new is zeroed. `items` may move; free it. `room` is a size_t that begins with 0.
#define array_reserve(items, n, room)                                                              \
    ((n) < (room) ? (void)0 : (void)((items) = array_wider((items), &(room), sizeof *(items))))

static inline void *array_wider(void *items, size_t *room, size_t size) {
    size_t before = *room;
    *room = before ? 2 * before : 16;
    items = alloc_resized(items, *room, size);
    memset((char *)items + before * size, 0, (*room - before) * size);
    return items;
}

// The same in an arena.
#define array_reserve_in(arena, items, n, room)                                                    \
    ((n) < (room) ? (void)0                                                                        \
                  : (void)((items) = array_wider_in((arena), (items), &(room), sizeof *(items))))

static inline void *array_wider_in(arena_t *arena, const void *items, size_t *room, size_t size) {
    size_t before = *room;
    *room = before ? 2 * before : 16;
    void *wider = arena_zero(arena, *room * size);
    if (before) memcpy(wider, items, before * size);
    return wider;
}
