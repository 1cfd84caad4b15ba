// owner - one process writes the archive: whoever claimed it last. One that was stopped and
// replaced finds that out before it writes.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"

typedef struct owner owner_t;

owner_t *owner_new(sql_t *db);
void owner_destroy(owner_t **self);
err_t owner_claim(owner_t *self); // at start
// in an open transaction. ERR_FENCED: somebody else has claimed it
err_t owner_check(owner_t *self);
