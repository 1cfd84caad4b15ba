// kept - entries of a recording's topics, kept until everybody who wants them has had them.
// SPDX-License-Identifier: MIT
#include "replay/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"

struct item {
    struct item *next;
    struct entry_id id, prev;
    char type[48];
    size_t length;
    uint8_t body[];
};

struct topic {
    char name[64];
    struct item *first, *last;
    size_t count;
    bool wanted[KEPT_READERS];
    // the last one that it was given; NULL: none of those that are here
    struct item *had[KEPT_READERS];
    struct entry_id newest;
    UT_hash_handle hh;
};

struct kept {
    struct topic *topics;
    size_t bytes, bytes_most;
    unsigned long lost;
};

kept_t *kept_new(size_t bytes_most) {
    kept_t *self = alloc_zeroed(1, sizeof *self);
    self->bytes_most = bytes_most;
    return self;
}

static size_t size_of(const struct item *i) { return sizeof *i + i->length; }

static void drop_first(kept_t *self, struct topic *t) {
    struct item *i = t->first;
    for (unsigned r = 0; r < KEPT_READERS; r++) {
        if (t->had[r] == i) t->had[r] = NULL;
    }
    t->first = i->next;
    if (!t->first) t->last = NULL;
    t->count--;
    self->bytes -= size_of(i);
    free(i);
}

void kept_destroy(kept_t **self) {
    if (!*self) return;
    for (struct topic *t; (t = (*self)->topics) != NULL;) {
        while (t->first) drop_first(*self, t);
        HASH_DEL((*self)->topics, t);
        free(t);
    }
    free(*self);
    *self = NULL;
}

unsigned long kept_lost(const kept_t *self) { return self->lost; }

static struct topic *find_kept_topic(const kept_t *self, const char *name) {
    struct topic *t;
    HASH_FIND_STR(self->topics, name, t);
    return t;
}

void kept_want(kept_t *self, const char *topic, unsigned reader) {
    struct topic *t = find_kept_topic(self, topic);
    if (!t) {
        t = alloc_zeroed(1, sizeof *t);
        (void)snprintf(t->name, sizeof t->name, "%s", topic);
        HASH_ADD_STR(self->topics, name, t);
    }
    t->wanted[reader] = true;
}

static struct topic *find_fullest_topic(kept_t *self) {
    struct topic *t, *next, *most = self->topics;
    HASH_ITER(hh, self->topics, t, next) {
        if (t->count > most->count) most = t;
    }
    return most;
}

void kept_add(kept_t *self, const char *topic, const struct envelope *e) {
    struct topic *t = find_kept_topic(self, topic);
    if (!t || entry_id_cmp(e->id, t->newest) <= 0) return;
    struct item *i = alloc_bytes(sizeof *i + e->body.length);
    *i = (struct item){.id = e->id, .prev = e->prev, .length = e->body.length};
    memcpy(i->type, e->type, sizeof i->type);
    if (i->length) memcpy(i->body, e->body.data, i->length);
    if (t->last)
        t->last->next = i;
    else
        t->first = i;
    t->last = i;
    t->newest = i->id;
    t->count++;
    self->bytes += size_of(i);
    while (self->bytes > self->bytes_most) {
        drop_first(self, find_fullest_topic(self));
        self->lost++;
    }
}

bool kept_next(kept_t *self, const char *topic, unsigned reader, struct entry_id upto,
               struct envelope *out) {
    struct topic *t = find_kept_topic(self, topic);
    if (!t) return false;
    struct item *i = t->had[reader] ? t->had[reader]->next : t->first;
    if (!i || entry_id_cmp(i->id, upto) > 0) return false;
    t->had[reader] = i;
    *out = (struct envelope){.id = i->id, .prev = i->prev, .body = {i->body, i->length}};
    memcpy(out->type, i->type, sizeof out->type);
    return true;
}

// All have had the one behind the first, so nobody needs the first to know where it is.
static bool is_done(const struct topic *t) {
    if (!t->first || !t->first->next) return false;
    for (unsigned r = 0; r < KEPT_READERS; r++) {
        if (t->wanted[r] && (!t->had[r] || t->had[r] == t->first)) return false;
    }
    return true;
}

void kept_sweep(kept_t *self) {
    struct topic *t, *next;
    HASH_ITER(hh, self->topics, t, next) {
        while (is_done(t)) drop_first(self, t);
    }
}
