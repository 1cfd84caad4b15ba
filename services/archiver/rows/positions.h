// positions - where the archive goes on in each topic: in the same SQLite transaction as the rows,
// so that a crash neither loses nor doubles one.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/service/service.h"
#include "common/sql/sql.h"

typedef struct positions positions_t;

positions_t *archived_positions_new(sql_t *db);
void archived_positions_destroy(positions_t **self);
err_t positions_load(positions_t *self);
struct positions_found {
    struct inlet_position *inlets;
    size_t n;
    bool *cut; // something before what the journals hold is gone
};
// Where to go on. A topic that the archive has no position of (a new file) starts with what its
// journal still holds; so does, when the file was restored from a backup, one whose journal begins
// after its position.
void positions_find(positions_t *self, store_t *store, bool restored,
                    const struct positions_found *out);
// those that moved, into an open transaction
err_t archived_positions_write(positions_t *self, const struct inlet_position *inlets, size_t n);
void positions_committed(positions_t *self, const struct inlet_position *inlets, size_t n);
