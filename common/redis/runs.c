// runs - commands on keys that many messages of a batch write to, gathered into one command a key.
// SPDX-License-Identifier: MIT
#include "common/redis/runs.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/redis/resp.h"

#define KEY_MAX 256
// runs looked back at: with more keys than that in turn, gathering is not worth the search
#define WINDOW 16

struct run {
    const char *verb;
    char key[KEY_MAX];
    buffer_t values; // RESP
    size_t count;
};

// How an addition is taken back.
struct run_undo {
    size_t run, length, count;
    bool began;
};

void runs_destroy(struct runs *self) {
    for (size_t i = 0; i < self->room; i++) buffer_destroy(&self->run[i].values);
    free(self->run);
    free(self->undo);
    *self = (struct runs){0};
}

void runs_clear(struct runs *self) { self->count = self->added = 0; }

static struct run *last_of(const struct runs *self, const char *key) {
    size_t least = self->count > WINDOW ? self->count - WINDOW : 0;
    for (size_t i = self->count; i > least; i--) {
        if (strcmp(self->run[i - 1].key, key) == 0) return &self->run[i - 1];
    }
    return NULL;
}

static struct run *begin_run(struct runs *self, const char *verb, const char *key) {
    array_reserve(self->run, self->count, self->room);
    struct run *r = &self->run[self->count++];
    size_t length = strlen(key);
    if (length >= KEY_MAX) abort(); // a slice's keys are shorter
    memcpy(r->key, key, length + 1);
    r->verb = verb;
    buffer_clear(&r->values);
    r->count = 0;
    return r;
}

void runs_add(struct runs *self, const char *verb, const char *key, size_t n,
              const struct span *values) {
    struct run *r = last_of(self, key);
    bool began = !r || strcmp(r->verb, verb) != 0;
    if (began) r = begin_run(self, verb, key);
    array_reserve(self->undo, self->added, self->undo_room);
    self->undo[self->added++] =
        (struct run_undo){(size_t)(r - self->run), r->values.length, r->count, began};
    for (size_t i = 0; i < n; i++) resp_bulk(&r->values, values[i]);
    r->count += n;
}

bool runs_has(const struct runs *self, const char *key) {
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->run[i].key, key) == 0) return true;
    }
    return false;
}

size_t runs_mark(const struct runs *self) { return self->added; }

void runs_back_to(struct runs *self, size_t mark) {
    while (self->added > mark) {
        const struct run_undo *u = &self->undo[--self->added];
        struct run *r = &self->run[u->run];
        r->values.length = u->length;
        r->count = u->count;
        // it was begun by this addition, and later ones are taken back already
        if (u->began) self->count = u->run;
    }
}

size_t runs_count(const struct runs *self) { return self->count; }

void runs_write(const struct runs *self, buffer_t *out) {
    for (size_t i = 0; i < self->count; i++) {
        const struct run *r = &self->run[i];
        resp_count(out, '*', 2 + r->count);
        resp_bulk(out, span_of(r->verb));
        resp_bulk(out, span_of(r->key));
        buffer_add(out, r->values.data, r->values.length);
    }
}
