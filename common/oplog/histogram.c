// histogram - how often each value came, at two significant digits.
// SPDX-License-Identifier: MIT
#include "common/oplog/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

#define EXACT 100 // values below stand for themselves
#define STEPS 90  // of two digits, 10 to 99, for each further digit

void histogram_destroy(struct histogram *self) {
    free(self->buckets);
    *self = (struct histogram){0};
}

void histogram_clear(struct histogram *self) {
    self->n = 0;
    self->total = 0;
}

static int32_t get_bucket_place(int64_t value) {
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value, unit = 1;
    int32_t digits = 0;
    if (size < EXACT) return (int32_t)value;
    while (size / unit >= EXACT) unit *= 10, digits++;
    uint64_t two = size / unit + (size % unit >= unit - unit / 2);
    if (two == EXACT) two = EXACT / 10, digits++;
    int32_t at = EXACT + (digits - 1) * STEPS + (int32_t)two - 10;
    return value < 0 ? -at : at;
}

static int64_t get_bucket_value(int32_t at) {
    uint32_t size = (uint32_t)(at < 0 ? -at : at);
    if (size < EXACT) return at;
    uint64_t value = (size - EXACT) % STEPS + 10;
    for (uint32_t digits = (size - EXACT) / STEPS + 1; digits; digits--) {
        // what rounding took beyond
        if (value > INT64_MAX / 10) return at < 0 ? INT64_MIN : INT64_MAX;
        value *= 10;
    }
    return at < 0 ? -(int64_t)value : (int64_t)value;
}

// The first bucket that is not below `at`.
static uint32_t find_bucket(const struct histogram *self, int32_t at) {
    uint32_t low = 0, high = self->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (self->buckets[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void make_room(struct histogram *self, uint32_t n) {
    if (n <= self->capacity) return;
    self->capacity = n > 8 ? n + n / 2 : 8;
    self->buckets = alloc_resized(self->buckets, self->capacity, sizeof(*self->buckets));
}

static void add_at(struct histogram *self, int32_t at, uint64_t count) {
    uint32_t i = find_bucket(self, at);
    if (i == self->n || self->buckets[i].at != at) {
        make_room(self, self->n + 1);
        memmove(&self->buckets[i + 1], &self->buckets[i], (self->n - i) * sizeof(*self->buckets));
        self->buckets[i] = (struct bucket){at, 0};
        self->n++;
    }
    self->buckets[i].count += count;
    self->total += count;
}

void histogram_add(struct histogram *self, int64_t value) {
    add_at(self, get_bucket_place(value), 1);
}

void histogram_take(struct histogram *self, int64_t value) {
    int32_t at = get_bucket_place(value);
    uint32_t i = find_bucket(self, at);
    if (i == self->n || self->buckets[i].at != at) return;
    self->total--;
    if (--self->buckets[i].count) return;
    self->n--;
    memmove(&self->buckets[i], &self->buckets[i + 1], (self->n - i) * sizeof(*self->buckets));
}

void histogram_merge(struct histogram *self, const struct histogram *more) {
    for (uint32_t i = 0; i < more->n; i++)
        add_at(self, more->buckets[i].at, more->buckets[i].count);
}

bool histogram_percentile(const struct histogram *self, unsigned share_percent, int64_t *value) {
    unsigned __int128 rank = ((unsigned __int128)self->total * share_percent + 99) / 100;
    uint64_t below = 0;
    for (uint32_t i = 0; i < self->n; i++) {
        below += self->buckets[i].count;
        if (below < rank) continue;
        *value = get_bucket_value(self->buckets[i].at);
        return true;
    }
    return false;
}

// Storing.

static void write_varint(uint64_t value, buffer_t *out) {
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    buffer_add(out, bytes, n);
}

static bool read_varint(struct span *bytes, uint64_t *value) {
    const uint8_t *p = bytes->data;
    *value = 0;
    for (size_t i = 0; i < bytes->length && i < 10; i++) {
        *value |= (uint64_t)(p[i] & 0x7f) << (7 * i);
        if (p[i] & 0x80) continue;
        *bytes = (struct span){p + i + 1, bytes->length - i - 1};
        return true;
    }
    return false;
}

void histogram_write(const struct histogram *self, buffer_t *out) {
    int32_t before = 0;
    write_varint(self->n, out);
    for (uint32_t i = 0; i < self->n; i++) {
        int64_t step = (int64_t)self->buckets[i].at - before;
        write_varint(step < 0 ? 2 * (uint64_t)-step - 1 : 2 * (uint64_t)step, out);
        write_varint(self->buckets[i].count, out);
        before = self->buckets[i].at;
    }
}

static bool read_buckets(struct histogram *self, uint64_t n, struct span *bytes) {
    int64_t at = 0;
    uint64_t step, count;
    if (n > bytes->length / 2) return false;
    make_room(self, (uint32_t)n);
    for (uint64_t i = 0; i < n; i++) {
        if (!read_varint(bytes, &step) || !read_varint(bytes, &count)) return false;
        at += (int64_t)(step >> 1) ^ -(int64_t)(step & 1);
        if (at > INT16_MAX || at < INT16_MIN || !count || (i && step & 1)) return false;
        self->buckets[self->n++] = (struct bucket){(int32_t)at, count};
        self->total += count;
    }
    return true;
}

bool histogram_read(struct histogram *self, struct span *bytes) {
    uint64_t n;
    histogram_clear(self);
    if (read_varint(bytes, &n) && read_buckets(self, n, bytes)) return true;
    histogram_clear(self);
    return false;
}
