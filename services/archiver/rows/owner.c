// owner - one process writes the archive: whoever claimed it last.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/owner.h"

#include <stdlib.h>

#include "common/base/alloc.h"

struct owner {
    sql_t *db;
    sql_query_t *read, *raise;
    int64_t claim;
};

owner_t *owner_new(sql_t *db) {
    owner_t *self = alloc_zeroed(1, sizeof(*self));
    self->db = db;
    self->read = sql_prepare(db, "SELECT claim FROM owner");
    self->raise = sql_prepare(db, "UPDATE owner SET claim = claim + 1");
    if (!self->read || !self->raise) owner_destroy(&self);
    return self;
}

void owner_destroy(owner_t **self) {
    if (!*self) return;
    sql_query_destroy(&(*self)->read);
    sql_query_destroy(&(*self)->raise);
    free(*self);
    *self = NULL;
}

static err_t read_claim(owner_t *self, int64_t *claim) {
    bool row = false;
    err_t e = sql_step(self->read, &row);
    *claim = !e && row ? sql_integer(self->read, 0) : 0;
    sql_reset(self->read);
    return e;
}

err_t owner_claim(owner_t *self) {
    err_t e = sql_begin(self->db);
    if (!e) e = sql_execute(self->raise);
    if (!e) e = read_claim(self, &self->claim);
    if (!e) return sql_commit(self->db);
    sql_rollback(self->db);
    return e;
}

err_t owner_check(owner_t *self) {
    int64_t claim;
    err_t e = read_claim(self, &claim);
    if (e) return e;
    return claim == self->claim ? ERR_OK : ERR_FENCED;
}
