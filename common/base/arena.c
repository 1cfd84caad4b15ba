// arena - memory of one batch.
// SPDX-License-Identifier: MIT
#include "common/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

#define ALIGNMENT ((size_t)16)
// bytes of blocks that outlive a reset: the next batch needs as much
#define KEPT_MOST ((size_t)4 << 20)

struct block {
    struct block *next;
    size_t size;
    _Alignas(16) uint8_t bytes[];
};

struct arena {
    struct block *first;
    struct block *last; // in use; those behind it are from before the last reset
    size_t used;        // of that one
    size_t block_size;
    ProtobufCAllocator allocator;
};

static struct block *block_new(size_t size) {
    if (size > SIZE_MAX - sizeof(struct block)) abort();
    struct block *b = alloc_bytes(sizeof *b + size);
    b->next = NULL;
    b->size = size;
    return b;
}

static void *allocator_alloc(void *data, size_t size) { return arena_take(data, size); }
static void allocator_free(void *data, void *pointer) { (void)data, (void)pointer; }

arena_t *arena_new(size_t block_size) {
    arena_t *self = alloc_zeroed(1, sizeof *self);
    self->block_size = block_size ? block_size : (size_t)256 * 1024;
    self->first = self->last = block_new(self->block_size);
    self->allocator = (ProtobufCAllocator){allocator_alloc, allocator_free, self};
    return self;
}

static void free_after(struct block *b) {
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_destroy(arena_t **self) {
    if (!*self) return;
    free_after((*self)->first);
    free(*self);
    *self = NULL;
}

// The next block with room for `need`: one from before the last reset, else a new one before those.
static void next_block(arena_t *self, size_t need) {
    struct block *next = self->last->next;
    if (!next || next->size < need) {
        next = block_new(need > self->block_size ? need : self->block_size);
        next->next = self->last->next;
        self->last->next = next;
    }
    self->last = next;
    self->used = 0;
}

void *arena_take(arena_t *self, size_t size) {
    if (size > SIZE_MAX - ALIGNMENT) abort();
    size_t need = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (need > self->last->size - self->used) next_block(self, need);
    void *taken = self->last->bytes + self->used;
    self->used += need;
    return taken;
}

void *arena_zero(arena_t *self, size_t size) { return memset(arena_take(self, size), 0, size); }

char *arena_text(arena_t *self, const char *text) {
    size_t n = strlen(text) + 1;
    return memcpy(arena_take(self, n), text, n);
}

char *arena_format(arena_t *self, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char small[256];
    int n = vsnprintf(small, sizeof small, format, args);
    if (n < 0) n = 0, small[0] = 0;
    char *text = arena_take(self, (size_t)n + 1);
    if ((size_t)n < sizeof small)
        memcpy(text, small, (size_t)n + 1);
    else
        (void)vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void arena_reset(arena_t *self) {
    struct block *kept = self->first;
    for (size_t bytes = kept->size; kept->next && bytes + kept->next->size <= KEPT_MOST;
         kept = kept->next)
        bytes += kept->next->size;
    free_after(kept->next);
    kept->next = NULL;
    self->last = self->first;
    self->used = 0;
}

ProtobufCAllocator *arena_allocator(arena_t *self) { return &self->allocator; }
