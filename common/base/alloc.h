// alloc - memory that is there: when there is none left, the process ends, before any effect.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>
#include <string.h>

// What a library made, where NULL means only that there is no memory left.
static inline void *alloc_checked(void *memory) {
    if (!memory) abort();
    return memory;
}

// As calloc, malloc, reallocarray (never to nothing, which would free), strdup and strndup; the
// caller frees.
static inline void *alloc_zeroed(size_t n, size_t size) { return alloc_checked(calloc(n, size)); }
static inline void *alloc_bytes(size_t size) { return alloc_checked(malloc(size)); }
static inline void *alloc_resized(void *memory, size_t n, size_t size) {
    return alloc_checked(reallocarray(memory, n, size));
}
static inline char *alloc_text(const char *text) { return alloc_checked(strdup(text)); }
static inline char *alloc_part(const char *text, size_t length) {
    return alloc_checked(strndup(text, length));
}
