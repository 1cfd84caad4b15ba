// items - what is still to be posted: its own SQLite tables, filled from the archive up to a bound,
// emptied by what the backend takes.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "sync/backend/body.h"

#define ITEMS_MOST 10000 // what is beyond them waits in the archive
#define TRIES_MOST 3     // then an item counts as unsynced, and is tried again much later

extern const char *const items_steps[];
extern const size_t items_n_steps;

struct item {
    char signal_id[200];
    enum event event;
    int64_t tries; // that came to nothing
};

typedef struct items items_t;
items_t *items_new(sql_t *state); // NULL: the state file cannot be used (it is logged)
void items_destroy(items_t **self);

// Takes note of what changed in the archive since the last time, until there are ITEMS_MOST. *more:
// there is more in the archive.
err_t items_collect(items_t *self, sql_t *archive, bool *more);
struct items_wanted {
    uint64_t now; // UTC ns
    size_t most;
    bool probe; // also what failed because the backend was away and is not due yet, after the rest
};
// The oldest items that are due. An outcome is not due while its signal has not been taken.
err_t items_due(items_t *self, const struct items_wanted *wanted, struct item *out, size_t *n);

// What became of them, in a transaction between items_begin and sql_commit of the state file.
// key: an outcome's, so that it is not told again
err_t items_taken(items_t *self, const struct item *item, const char *key);
struct item_failure {
    uint64_t due; // UTC ns: not before
    bool away;    // the backend was not there: due at once when it is again
    const char *why;
};
err_t items_failed(items_t *self, const struct item *item, const struct item_failure *failure);
err_t items_gone(items_t *self, const struct item *item); // the archive does not have it any more
// those that failed because the backend was away
err_t items_all_due(items_t *self);

struct items_sum {
    uint64_t items, unsynced;
    uint64_t oldest; // `changed` of the oldest
    uint64_t next;   // UTC ns when the next one is due; 0: there is none
};
err_t items_sum(items_t *self, struct items_sum *out);
