// runs - commands on keys that many messages of a batch write to (sets, guards), gathered into one
// command a key.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

#include "common/base/buffer.h"

// SADD k a, SADD k b, … becomes SADD k a b …. What is done to one key stays in its order: another
// verb begins another run.
struct runs {
    struct run *run; // in the order in which they were begun; memory is kept from batch to batch
    size_t count, room;
    struct run_undo *undo; // one for every addition
    size_t added, undo_room;
};

void runs_destroy(struct runs *self);
void runs_clear(struct runs *self);
// verb: a literal
void runs_add(struct runs *self, const char *verb, const char *key, size_t n,
              const struct span *values);
bool runs_has(const struct runs *self, const char *key);

size_t runs_mark(const struct runs *self);
void runs_back_to(struct runs *self, size_t mark); // takes back what was added since

size_t runs_count(const struct runs *self); // commands
void runs_write(const struct runs *self, buffer_t *out);
