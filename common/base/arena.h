// arena - memory of one batch: taken in small pieces, given back at once.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

typedef struct arena arena_t;

arena_t *arena_new(size_t block_size); // 0: 256 KiB
void arena_destroy(arena_t **self);
void *arena_take(arena_t *self, size_t size); // aligned to 16, not cleared; never NULL
void *arena_zero(arena_t *self, size_t size);
char *arena_text(arena_t *self, const char *text);
char *arena_format(arena_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
// gives everything back; up to 4 MiB stay for the next batch
void arena_reset(arena_t *self);
// for x__unpack: what is unpacked must not be freed
ProtobufCAllocator *arena_allocator(arena_t *self);
