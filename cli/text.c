// text - what people read: aligned tables, times apart, text that cannot harm a terminal.
// SPDX-License-Identifier: MIT
#include "cli/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"

void sheet_start(struct sheet *self, const char *heads) {
    const char *at = heads;
    while (*at) {
        if (*at == '>') self->right[self->columns] = 1, at++;
        const char *end = at + strcspn(at, "|");
        buffer_add(&self->cells, at, (size_t)(end - at));
        buffer_add(&self->cells, "", 1);
        self->columns++;
        self->count++;
        at = *end && self->columns < sizeof self->right ? end + 1 : "";
    }
}

void sheet_destroy(struct sheet *self) { buffer_destroy(&self->cells); }

void sheet_add(struct sheet *self, const char *cell) {
    text_clean(&self->cells, cell ? cell : "", cell ? strlen(cell) : 0);
    buffer_add(&self->cells, "", 1);
    self->count++;
}

void sheet_format(struct sheet *self, const char *format, ...) {
    char cell[512];
    va_list args;
    va_start(args, format);
    vsnprintf(cell, sizeof cell, format, args);
    va_end(args);
    sheet_add(self, cell);
}

// How many columns of a terminal it takes: UTF-8 continuation bytes take none.
static size_t width_of(const char *cell) {
    size_t width = 0;
    for (; *cell; cell++) width += ((unsigned char)*cell & 0xC0) != 0x80;
    return width;
}

static void pad_cell(buffer_t *out, size_t n) {
    while (n--) buffer_add(out, " ", 1);
}

static void print_cell(const struct sheet *self, unsigned column, const char *cell, size_t width,
                       buffer_t *out) {
    size_t gap = width - width_of(cell);
    if (column) buffer_add(out, "  ", 2);
    if (self->right[column]) pad_cell(out, gap);
    buffer_text(out, cell);
    if (!self->right[column] && column + 1 < self->columns) pad_cell(out, gap);
}

void sheet_print(const struct sheet *self, buffer_t *out) {
    size_t widths[sizeof self->right] = {0};
    const char *cell = (const char *)self->cells.data;
    for (unsigned i = 0; i < self->count; i++, cell += strlen(cell) + 1) {
        size_t width = width_of(cell);
        if (width > widths[i % self->columns]) widths[i % self->columns] = width;
    }
    cell = (const char *)self->cells.data;
    for (unsigned i = 0; i < self->count; i++, cell += strlen(cell) + 1) {
        unsigned column = i % self->columns;
        print_cell(self, column, cell, widths[column], out);
        if (column + 1 == self->columns) buffer_add(out, "\n", 1);
    }
}

static bool is_number_cell(const char *cell) {
    size_t n = strspn(cell + (*cell == '-'), "0123456789");
    return n && n < 16 && !cell[n + (*cell == '-')];
}

static void json_cell(const struct sheet *self, unsigned column, const char *cell, buffer_t *out) {
    if (!*cell)
        buffer_text(out, "null");
    else if (self->right[column] && is_number_cell(cell))
        buffer_text(out, cell);
    else
        buffer_json_string(out, cell, strlen(cell));
}

static void json_key(const char *head, buffer_t *out) {
    buffer_add(out, "\"", 1);
    for (; *head; head++) {
        char c = isalnum((unsigned char)*head) ? (char)tolower((unsigned char)*head) : '_';
        buffer_add(out, &c, 1);
    }
    buffer_add(out, "\":", 2);
}

void sheet_json(const struct sheet *self, buffer_t *out) {
    const char *heads[sizeof self->right], *cell = (const char *)self->cells.data;
    for (unsigned i = 0; i < self->columns; i++, cell += strlen(cell) + 1) heads[i] = cell;
    buffer_text(out, "[");
    for (unsigned i = self->columns; self->columns && i < self->count;
         i++, cell += strlen(cell) + 1) {
        unsigned column = i % self->columns;
        buffer_text(out, column ? "," : i > self->columns ? ",{" : "{");
        json_key(heads[column], out);
        json_cell(self, column, cell, out);
        if (column + 1 == self->columns) buffer_text(out, "}");
    }
    buffer_text(out, "]");
}

void text_clean(buffer_t *out, const char *text, size_t length) {
    for (size_t i = 0, n; i < length; i += n ? n : 1) {
        n = utf8_length(text + i, length - i);
        bool seen = n && utf8_is_visible(text + i, n);
        buffer_add(out, seen ? text + i : "?", seen ? n : 1);
    }
}

static void with_decimals(uint64_t value, uint64_t unit, const char *name, char out[static 24]) {
    unsigned long long whole = value / unit, tenths = value % unit * 10 / unit;
    if (whole >= 100)
        snprintf(out, 24, "%llu %s", whole, name);
    else
        snprintf(out, 24, "%llu.%llu %s", whole, tenths, name);
}

void text_between(uint64_t ns, char out[static 24]) {
    if (ns < NS_PER_MS)
        snprintf(out, 24, "%llu us", (unsigned long long)(ns / NS_PER_US));
    else if (ns < NS_PER_S)
        with_decimals(ns, NS_PER_MS, "ms", out);
    else if (ns < 100 * NS_PER_S)
        with_decimals(ns, NS_PER_S, "s", out);
    else if (ns < 7200 * NS_PER_S)
        with_decimals(ns, 60 * NS_PER_S, "min", out);
    else
        with_decimals(ns, 3600 * NS_PER_S, "h", out);
}

void text_bytes(uint64_t bytes, char out[static 24]) {
    if (bytes < 1024)
        snprintf(out, 24, "%llu B", (unsigned long long)bytes);
    else if (bytes < 1 << 20)
        with_decimals(bytes, 1 << 10, "KiB", out);
    else if (bytes < 1 << 30)
        with_decimals(bytes, 1 << 20, "MiB", out);
    else
        with_decimals(bytes, 1 << 30, "GiB", out);
}
