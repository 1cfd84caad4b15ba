// table - a compact map from ids to small values.
// SPDX-License-Identifier: MIT
#include "common/base/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

#define ROOM_LEAST ((size_t)16)

struct table {
    size_t value_size, stride; // a place: key, value
    size_t room, count;        // room: a power of two, linear probing
    uint8_t *places, *used;
};

static int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static bool is_dash(int i) { return i == 8 || i == 13 || i == 18 || i == 23; }

static bool uuid_bytes(const char *text, uint8_t out[static 16]) {
    unsigned nibbles = 0;
    for (int i = 0; i < ID_TEXT - 1; i++) {
        if (is_dash(i) && text[i] == '-') continue;
        int value_at = is_dash(i) ? -1 : hex_of(text[i]); // -1 at the end of a shorter text, too
        if (value_at < 0) return false;
        uint8_t *byte = &out[nibbles / 2];
        *byte = (uint8_t)(nibbles++ % 2 ? *byte | value_at : value_at << 4);
    }
    return text[ID_TEXT - 1] == 0;
}

struct digest table_key(const char *id) {
    struct digest key;
    return uuid_bytes(id, key.bytes) ? key : digest_text(id);
}

void table_key_print(struct digest key, char out[static ID_TEXT]) {
    static const char hex[] = "0123456789abcdef";
    for (int i = 0, byte = 0; i < ID_TEXT - 1; i++) {
        if (is_dash(i)) {
            out[i] = '-';
            continue;
        }
        out[i++] = hex[key.bytes[byte] >> 4];
        out[i] = hex[key.bytes[byte++] & 15];
    }
    out[ID_TEXT - 1] = 0;
}

static void table_make_room(table_t *self, size_t room) {
    self->room = room;
    self->places = alloc_zeroed(room, self->stride);
    self->used = alloc_zeroed(room, 1);
}

table_t *table_new(size_t value_size) {
    table_t *self = alloc_zeroed(1, sizeof *self);
    self->value_size = value_size;
    self->stride = sizeof(struct digest) + ((value_size + 7) & ~(size_t)7);
    table_make_room(self, ROOM_LEAST);
    return self;
}

void table_destroy(table_t **self) {
    if (!*self) return;
    free((*self)->places);
    free((*self)->used);
    free(*self);
    *self = NULL;
}

static uint8_t *entry_at(const table_t *self, size_t i) { return self->places + i * self->stride; }
static void *value_at(const table_t *self, size_t i) {
    return entry_at(self, i) + sizeof(struct digest);
}

// Half of a UUID's bytes are a time, so all of them are mixed.
static size_t table_home_of(const table_t *self, const uint8_t *key) {
    uint64_t a, b;
    memcpy(&a, key, sizeof a);
    memcpy(&b, key + sizeof a, sizeof b);
    uint64_t hash = (a ^ (b << 32 | b >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32 ^ hash) & (self->room - 1);
}

// The key's place, or the free one where it would stand. There is always a free one.
static size_t seek_entry(const table_t *self, const uint8_t *key) {
    size_t i = table_home_of(self, key);
    while (self->used[i] && memcmp(entry_at(self, i), key, sizeof(struct digest)) != 0)
        i = (i + 1) & (self->room - 1);
    return i;
}

void *table_find(const table_t *self, struct digest key) {
    size_t i = seek_entry(self, key.bytes);
    return self->used[i] ? value_at(self, i) : NULL;
}

static void table_grow(table_t *self) {
    table_t old = *self;
    table_make_room(self, old.room * 2);
    for (size_t i = 0; i < old.room; i++) {
        if (!old.used[i]) continue;
        size_t to = seek_entry(self, entry_at(&old, i));
        memcpy(entry_at(self, to), entry_at(&old, i), self->stride);
        self->used[to] = 1;
    }
    free(old.places);
    free(old.used);
}

void *table_add(table_t *self, struct digest key) {
    size_t i = seek_entry(self, key.bytes);
    if (self->used[i]) return value_at(self, i);
    if (self->count + 1 > self->room / 4 * 3) {
        table_grow(self);
        i = seek_entry(self, key.bytes);
    }
    memcpy(entry_at(self, i), key.bytes, sizeof key);
    memset(value_at(self, i), 0, self->value_size);
    self->used[i] = 1;
    self->count++;
    return value_at(self, i);
}

// Frees the place and moves up whoever stands further from home because of it.
bool table_drop(table_t *self, struct digest key) {
    size_t mask = self->room - 1, i = seek_entry(self, key.bytes);
    if (!self->used[i]) return false;
    for (size_t j = (i + 1) & mask; self->used[j]; j = (j + 1) & mask) {
        size_t home = table_home_of(self, entry_at(self, j));
        if (((j - home) & mask) < ((j - i) & mask)) continue; // its home lies behind the gap
        memcpy(entry_at(self, i), entry_at(self, j), self->stride);
        i = j;
    }
    self->used[i] = 0;
    self->count--;
    return true;
}

size_t table_count(const table_t *self) { return self->count; }

void *table_next(const table_t *self, size_t *cursor, struct digest *key) {
    while (*cursor < self->room) {
        size_t i = (*cursor)++;
        if (!self->used[i]) continue;
        if (key) memcpy(key->bytes, entry_at(self, i), sizeof *key);
        return value_at(self, i);
    }
    return NULL;
}
