// handed - which signals go to other cells.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "signal.pb-c.h"

// What this cell's own door took. What came from another cell is not handed on: that one has handed
// it to all. A consensus is reached in every cell by itself, from the votes.
static inline bool is_handed_on(const Signal *s) {
    return !s->cell && !s->n_parts && !s->has_decided_at;
}
