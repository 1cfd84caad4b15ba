// redis - the part of Redis that the protocol rests on: whole transactions, in one order, the last
// of which a crash may forget.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define OLD_MAX sizeof(struct trade_record)

// What a place held before a write.
struct undo {
    void *place;
    size_t size;
    uint8_t old[OLD_MAX];
};

struct transaction {
    uint64_t at;
    size_t undo_from;
};

struct redis {
    bool up;
    uint64_t life, started_at;
    struct facts facts;
    struct journal journals[LINES];
    bool accepted[TRADES_MAX], decided[TRADES_MAX];
    struct trade_record trades[TRADES_MAX];
    buffer_t undo, transactions; // struct undo, struct transaction: the latest
    size_t written;              // so many of them are in the file
};

struct redis *redis_new(void) {
    struct redis *self = calloc(1, sizeof *self);
    if (!self) abort();
    self->up = true;
    self->life = 1;
    return self;
}

void redis_destroy(struct redis **self) {
    if (!*self) return;
    for (int i = 0; i < LINES; i++) free((*self)->journals[i].entries);
    buffer_destroy(&(*self)->undo);
    buffer_destroy(&(*self)->transactions);
    free(*self);
    *self = NULL;
}

bool redis_is_up(const struct redis *self) { return self->up; }
uint64_t redis_life(const struct redis *self) { return self->life; }
const struct facts *redis_facts(const struct redis *self) { return &self->facts; }
const struct trade_record *redis_trade(const struct redis *self, uint32_t trade) {
    return &self->trades[trade];
}
bool redis_accepted(const struct redis *self, uint32_t trade) { return self->accepted[trade]; }
bool redis_decided(const struct redis *self, uint32_t trade) { return self->decided[trade]; }
const struct journal *redis_journal(const struct redis *self, enum line line) {
    return &self->journals[line];
}

static void set(struct redis *self, void *place, const void *value, size_t size) {
    struct undo u = {.place = place, .size = size};
    if (size > sizeof u.old) abort();
    memcpy(u.old, place, size);
    buffer_add(&self->undo, &u, sizeof u);
    memcpy(place, value, size);
}

static bool append(struct redis *self, enum line line, const struct entry *entry) {
    struct journal *j = &self->journals[line];
    if (entry_id_cmp(entry->id, self->facts.last[line]) <= 0) return false;
    if (j->end == j->room) {
        j->room = j->room ? j->room * 2 : 1024;
        j->entries = realloc(j->entries, j->room * sizeof *j->entries);
        if (!j->entries) abort();
    }
    j->entries[j->end] = *entry;
    set(self, &j->end, &(size_t){j->end + 1}, sizeof j->end);
    set(self, &self->facts.last[line], &entry->id, sizeof entry->id);
    return true;
}

static void trim(struct redis *self, enum line line, struct entry_id upto) {
    struct journal *j = &self->journals[line];
    size_t first = j->first;
    while (first < j->end && entry_id_cmp(j->entries[first].id, upto) <= 0) first++;
    set(self, &j->first, &first, sizeof first);
}

static bool apply_one(struct redis *self, const struct command *c) {
    const bool yes = true;
    struct trade_record record = {c->entry.message, c->sent};
    uint32_t trade = c->entry.message.trade;
    switch (c->operation) {
    case SET_POSITION:
        set(self, &self->facts.position[c->who][c->line], &c->entry.id, sizeof c->entry.id);
        return true;
    case APPEND:
        return append(self, c->line, &c->entry);
    case TRIM:
        trim(self, c->line, c->entry.id);
        return true;
    case ACCEPT_SIGNAL:
        set(self, &self->accepted[trade], &yes, sizeof yes);
        return true;
    case DECIDE:
        set(self, &self->decided[trade], &yes, sizeof yes);
        return true;
    case KEEP_TRADE:
        set(self, &self->trades[trade], &record, sizeof record);
        return true;
    case SET_REPORT:
        set(self, &self->facts.report, &c->number, sizeof c->number);
        return true;
    case SET_BATCH:
        set(self, &self->facts.batch[c->who], &c->entry.id, sizeof c->entry.id);
        return true;
    }
    return false;
}

bool redis_apply(struct redis *self, const struct command *commands, size_t n, uint64_t now) {
    struct transaction t = {now, self->undo.length};
    buffer_add(&self->transactions, &t, sizeof t);
    bool well = true;
    for (size_t i = 0; i < n; i++) well = apply_one(self, &commands[i]) && well;
    return well;
}

static size_t held(const struct redis *self) {
    return self->transactions.length / sizeof(struct transaction);
}

// Forgets how to take back what is written; now and then, for the rest must be moved.
static void forget_written(struct redis *self) {
    struct transaction *all = (struct transaction *)self->transactions.data;
    size_t n = self->written, count = held(self),
           undo = n == count ? self->undo.length : all[n].undo_from;
    for (size_t i = n; i < count; i++) all[i].undo_from -= undo;
    memmove(all, all + n, (count - n) * sizeof *all);
    self->transactions.length = (count - n) * sizeof *all;
    memmove(self->undo.data, self->undo.data + undo, self->undo.length - undo);
    self->undo.length -= undo;
    self->written = 0;
}

void redis_written(struct redis *self, uint64_t before) {
    const struct transaction *all = (const struct transaction *)self->transactions.data;
    size_t count = held(self);
    while (self->written < count && all[self->written].at < before) self->written++;
    if (self->written && (self->written == count || self->written > 256)) forget_written(self);
}

static void take_back(struct redis *self, size_t from) {
    while (self->undo.length > from) {
        self->undo.length -= sizeof(struct undo);
        const struct undo *u = (const struct undo *)(self->undo.data + self->undo.length);
        memcpy(u->place, u->old, u->size);
    }
}

void redis_crash(struct redis *self, struct dice *dice) {
    size_t count = held(self), lost = count - self->written;
    size_t keep =
        dice_chance(dice, 500) ? self->written : count - (size_t)dice_below(dice, lost + 1);
    const struct transaction *all = (const struct transaction *)self->transactions.data;
    if (keep < count) take_back(self, all[keep].undo_from);
    buffer_clear(&self->transactions);
    buffer_clear(&self->undo);
    self->written = 0;
    self->up = false;
    self->life++;
}

void redis_start(struct redis *self, uint64_t now) {
    self->up = true;
    self->started_at = now;
}

uint64_t redis_started_at(const struct redis *self) { return self->started_at; }
