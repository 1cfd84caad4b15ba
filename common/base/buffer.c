// buffer - bytes that grow.
// SPDX-License-Identifier: MIT
#include "common/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/utf8.h"

void buffer_destroy(buffer_t *b) {
    free(b->data);
    *b = (buffer_t){0};
}

void buffer_clear(buffer_t *b) { b->length = 0; }

uint8_t *buffer_reserve(buffer_t *b, size_t more) {
    size_t need;
    if (__builtin_add_overflow(b->length, more, &need)) abort();
    if (need > b->capacity || !b->data) {
        size_t room = b->capacity ? b->capacity : 64;
        while (room < need) room = room > SIZE_MAX / 2 ? need : room * 2;
        b->data = alloc_resized(b->data, room, 1);
        b->capacity = room;
    }
    return b->data + b->length;
}

void buffer_add(buffer_t *b, const void *data, size_t length) {
    uint8_t *place = buffer_reserve(b, length);
    if (length) memcpy(place, data, length);
    b->length += length;
}

void buffer_text(buffer_t *b, const char *text) { buffer_add(b, text, strlen(text)); }

void buffer_format(buffer_t *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char small[256];
    int n = vsnprintf(small, sizeof small, format, args);
    if (n >= 0 && (size_t)n < sizeof small)
        buffer_add(b, small, (size_t)n);
    else if (n >= 0) {
        (void)vsnprintf((char *)buffer_reserve(b, (size_t)n + 1), (size_t)n + 1, format, again);
        b->length += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

const char *buffer_string(buffer_t *b) {
    *buffer_reserve(b, 1) = 0;
    return (const char *)b->data;
}

// `c` is below U+10000.
static void json_escape(buffer_t *b, uint32_t c) {
    static const char names[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                 ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (c < sizeof names && names[c])
        buffer_add(b, (char[]){'\\', names[c]}, 2);
    else
        buffer_format(b, "\\u%04x", (unsigned)c);
}

static bool json_plain(uint8_t c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

void buffer_json_string(buffer_t *b, const char *text, size_t length) {
    const uint8_t *s = (const uint8_t *)text;
    buffer_add(b, "\"", 1);
    for (size_t i = 0; i < length;) {
        size_t run = 0;
        while (i + run < length && json_plain(s[i + run])) run++;
        buffer_add(b, s + i, run);
        i += run;
        if (i == length) break;
        size_t n = utf8_length(text + i, length - i);
        if (n > 1 && utf8_is_visible(text + i, n))
            buffer_add(b, s + i, n);
        else if (n)
            json_escape(b, utf8_code(text + i, n));
        else
            buffer_text(b, "\xEF\xBF\xBD"); // U+FFFD
        i += n ? n : 1;
    }
    buffer_add(b, "\"", 1);
}

struct span buffer_span(const buffer_t *b) {
    return (struct span){b->data, b->length};
}

void buffer_hex(buffer_t *b, struct span bytes) {
    const uint8_t *at = bytes.data;
    for (size_t i = 0; i < bytes.length; i++) buffer_format(b, "%02x", at[i]);
}

struct span span_of(const char *text) {
    return (struct span){text, strlen(text)};
}
