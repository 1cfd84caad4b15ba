// guard - remembers identities: a table in memory, one hash per hour in Redis.
// SPDX-License-Identifier: MIT
#include "common/batch/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/testing.h"

#define HOUR_NS    (UINT64_C(3600) * NS_PER_S)
#define ROOM_LEAST ((size_t)1024)
// Retiring an hour looks at so many places a call, so that no batch waits for a walk over the whole
// table.
#define SWEEP_STEP ((size_t)65536)
#define KEY_TEXT   128

struct entry {
    struct digest key;
    uint64_t value;
    uint32_t hour; // since 1970, plus 1; 0: free
};

struct guard {
    char prefix[64];
    size_t entries_max;
    struct entry *entries; // `room` places, a power of two, linear probing
    size_t room, count;
    uint32_t *hours; // ascending: what the set in Redis lists
    size_t n_hours;
    uint32_t leaving; // the hour that is being swept out; 0: none
    size_t swept;     // places looked at so far
};

static struct entry *entries_new(size_t room) { return alloc_zeroed(room, sizeof(struct entry)); }

guard_t *guard_new(const char *prefix, size_t entries_max) {
    guard_t *self = alloc_zeroed(1, sizeof *self);
    (void)snprintf(self->prefix, sizeof self->prefix, "%s", prefix);
    self->entries_max = entries_max;
    self->room = ROOM_LEAST;
    self->entries = entries_new(self->room);
    return self;
}

void guard_destroy(guard_t **self) {
    if (!*self) return;
    free((*self)->entries);
    free((*self)->hours);
    free(*self);
    *self = NULL;
}

// --- the table

// Keys are digests, so any eight of their bytes are as good as a hash.
static size_t guard_home_of(const guard_t *self, struct digest key) {
    uint64_t hash;
    memcpy(&hash, key.bytes, sizeof hash);
    return (size_t)hash & (self->room - 1);
}

// The key's entry, or the free place where it would stand. There is always a free one.
static struct entry *guard_slot_of(const guard_t *self, struct digest key) {
    size_t i = guard_home_of(self, key);
    while (self->entries[i].hour && memcmp(&self->entries[i].key, &key, sizeof key) != 0)
        i = (i + 1) & (self->room - 1);
    return &self->entries[i];
}

static void guard_grow(guard_t *self) {
    struct entry *old = self->entries;
    size_t old_room = self->room;
    self->room *= 2;
    self->entries = entries_new(self->room);
    self->swept = 0;
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].hour) *guard_slot_of(self, old[i].key) = old[i];
    }
    free(old);
}

static void table_put(guard_t *self, struct digest key, uint64_t value, uint32_t hour) {
    if (self->count >= self->room / 4 * 3) guard_grow(self);
    struct entry *e = guard_slot_of(self, key);
    if (!e->hour) self->count++;
    *e = (struct entry){key, value, hour};
}

// Frees place i and moves up whoever stands further from home because of it.
static void drop_slot(guard_t *self, size_t i) {
    size_t mask = self->room - 1;
    for (size_t j = (i + 1) & mask; self->entries[j].hour; j = (j + 1) & mask) {
        size_t home = guard_home_of(self, self->entries[j].key);
        if (((j - home) & mask) < ((j - i) & mask)) continue; // its home lies behind the gap
        self->entries[i] = self->entries[j];
        i = j;
    }
    self->entries[i].hour = 0;
    self->count--;
}

static void sweep_hours(guard_t *self) {
    size_t end = self->room - self->swept > SWEEP_STEP ? self->swept + SWEEP_STEP : self->room;
    while (self->swept < end) {
        if (self->entries[self->swept].hour == self->leaving)
            drop_slot(self, self->swept);
        else
            self->swept++;
    }
    if (self->swept == self->room) self->leaving = 0;
}

// --- hours

static const char *guard_hour_key(const guard_t *self, uint32_t hour, char out[static KEY_TEXT]) {
    (void)snprintf(out, KEY_TEXT, "%s:%u", self->prefix, hour - 1);
    return out;
}

static const char *hours_key(const guard_t *self, char out[static KEY_TEXT]) {
    (void)snprintf(out, KEY_TEXT, "%s:hours", self->prefix);
    return out;
}

// True when the hour is new.
static bool hours_add(guard_t *self, uint32_t hour) {
    size_t at = self->n_hours;
    while (at > 0 && self->hours[at - 1] > hour) at--;
    if (at > 0 && self->hours[at - 1] == hour) return false;
    uint32_t *hours = alloc_resized(self->hours, self->n_hours + 1, sizeof *hours);
    memmove(hours + at + 1, hours + at, (self->n_hours - at) * sizeof *hours);
    hours[at] = hour;
    self->hours = hours;
    self->n_hours++;
    return true;
}

// --- Redis

static err_t load_hour(void *arg, struct span member) {
    char text[16], *end;
    if (member.length == 0 || member.length >= sizeof text) return ERR_INPUT;
    memcpy(text, member.data, member.length);
    text[member.length] = 0;
    unsigned long hour = strtoul(text, &end, 10);
    if (*end || hour >= UINT32_MAX) return ERR_INPUT;
    (void)hours_add(arg, (uint32_t)hour + 1);
    return ERR_OK;
}

struct loading {
    guard_t *guard;
    uint32_t hour;
};

static err_t load_entry(void *arg, struct span name, struct span value) {
    struct loading *l = arg;
    struct digest key;
    if (name.length != sizeof key) return ERR_INPUT;
    memcpy(&key, name.data, sizeof key);
    uint64_t number = 0;
    for (int i = 0; i < 8 && value.length == 8; i++)
        number = number << 8 | ((const uint8_t *)value.data)[i];
    table_put(l->guard, key, number, l->hour); // without its value it guards all the same
    return value.length == 8 ? ERR_OK : ERR_INPUT;
}

// Oldest hour first: what was remembered again later stands in two hours, and the later value is
// the right one.
err_t guard_load(guard_t *self, store_t *store) {
    char key[KEY_TEXT];
    err_t e = store_members(store, hours_key(self, key), load_hour, self);
    for (size_t i = 0; !e && i < self->n_hours; i++) {
        struct loading l = {self, self->hours[i]};
        e = store_pairs(store, guard_hour_key(self, l.hour, key), load_entry, &l);
    }
    return e;
}

bool guard_find(const guard_t *self, struct digest key, uint64_t *value) {
    if (MUTATED("no_guards")) return false;
    const struct entry *e = guard_slot_of(self, key);
    if (e->hour && value) *value = e->value;
    return e->hour != 0;
}

bool guard_put(guard_t *self, batch_t *batch, struct digest key, uint64_t value) {
    uint32_t hour = (uint32_t)(batch_now(batch) / HOUR_NS) + 1;
    if (self->count >= self->entries_max && !guard_slot_of(self, key)->hour) return false;
    table_put(self, key, value, hour);

    char redis_key[KEY_TEXT], number[16];
    if (hours_add(self, hour)) {
        (void)snprintf(number, sizeof number, "%u", hour - 1);
        batch_member(batch, hours_key(self, redis_key), number);
    }
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    batch_entry(batch, guard_hour_key(self, hour, redis_key),
                (struct span){key.bytes, sizeof key.bytes}, (struct span){bytes, sizeof bytes});
    return true;
}

size_t guard_count(const guard_t *self) { return self->count; }

void guard_retire(guard_t *self, batch_t *batch, uint64_t before) {
    if (!self->leaving) {
        // The hour kept as h began at h - 1 hours and ended at h.
        if (!self->n_hours || (uint64_t)self->hours[0] * HOUR_NS > before) return;
        char key[KEY_TEXT], number[16];
        self->leaving = self->hours[0];
        self->swept = 0;
        memmove(self->hours, self->hours + 1, --self->n_hours * sizeof *self->hours);
        (void)snprintf(number, sizeof number, "%u", self->leaving - 1);
        batch_drop(batch, guard_hour_key(self, self->leaving, key));
        batch_member_drop(batch, hours_key(self, key), number);
    }
    sweep_hours(self);
}
