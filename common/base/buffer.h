// buffer - bytes that grow.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A plain value; {0} is empty and valid. Growing never fails: out of memory ends the process before
// any effect.
typedef struct buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
} buffer_t;

void buffer_destroy(buffer_t *b); // frees and empties
void buffer_clear(buffer_t *b);   // empties, keeps the memory
// room for `more` bytes at the end; length unchanged
uint8_t *buffer_reserve(buffer_t *b, size_t more);
void buffer_add(buffer_t *b, const void *data, size_t length);
void buffer_text(buffer_t *b, const char *text);
void buffer_format(buffer_t *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *buffer_string(buffer_t *b); // zero-terminated view; length unchanged
// quoted and escaped, invalid UTF-8 replaced
void buffer_json_string(buffer_t *b, const char *text, size_t length);

struct span {
    const void *data;
    size_t length;
};
struct span span_of(const char *text);
struct span buffer_span(const buffer_t *b);      // what is in it; valid until it grows
void buffer_hex(buffer_t *b, struct span bytes); // two lower-case digits a byte
