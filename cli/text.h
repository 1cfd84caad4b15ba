// text - what people read: aligned tables, times apart, text that cannot harm a terminal. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// A table. heads: "SERVICE|STATE|>BATCHES", '>' before a column of numbers. {0} before sheet_start.
struct sheet {
    buffer_t cells; // zero-terminated, one after the other, the heads first
    unsigned columns, count;
    char right[24]; // per column: 1 when its cells are numbers
};

void sheet_start(struct sheet *self, const char *heads);
void sheet_destroy(struct sheet *self);
void sheet_add(struct sheet *self, const char *cell); // the next cell; NULL: empty
void sheet_format(struct sheet *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sheet_print(const struct sheet *self, buffer_t *out);
// [{"service":…}, …]: keys are the heads in lower case, an empty cell is null, a number a number.
void sheet_json(const struct sheet *self, buffer_t *out);

void text_clean(buffer_t *out, const char *text, size_t length); // control characters become '?'
// "412 us", "1.9 ms", "3.20 s", "5 min 10 s"
void text_between(uint64_t ns, char out[static 24]);
void text_bytes(uint64_t bytes, char out[static 24]); // "61.2 MiB"
