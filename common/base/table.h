// table - a compact map from ids to small values: for what there may be a million of.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/id.h"

// It stands beside the hash table of common/base/hash.h because a million trades cost 52 bytes each
// here and 120 there, and are found in 0.8 us, not 1.5 us; of some thousand, uthash finds one
// sooner.
// Open addressing; an entry costs 17 bytes and its value, over a filling of at most 3/4. Growing
// never fails: out of memory ends the process.
typedef struct table table_t;

// A UUID (lower case) is its 16 bytes, any other text its digest: different ids have different
// keys.
struct digest table_key(const char *id);
// the UUID that the key was made from
void table_key_print(struct digest key, char out[static ID_TEXT]);

table_t *table_new(size_t value_size);
void table_destroy(table_t **self);
// Values may be written through the pointers; they are valid until the next table_add or
// table_drop. Values are aligned to 8.
void *table_find(const table_t *self, struct digest key); // NULL: there is none
// the one that is there, else a new one, cleared
void *table_add(table_t *self, struct digest key);
bool table_drop(table_t *self, struct digest key); // false: there was none
size_t table_count(const table_t *self);
// All values, in no order: start with *cursor = 0; NULL at the end. Nothing may be added or dropped
// meanwhile.
void *table_next(const table_t *self, size_t *cursor, struct digest *key);
