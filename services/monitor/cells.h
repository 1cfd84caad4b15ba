// cells - how this cell is, in one message for the monitors of other cells, and how those said they
// are. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.h"

// shown from now on, also before it is heard
void cells_expect(struct watch *self, const char *name);
void cells_hear(struct watch *self, const CellState *state, uint64_t mono_ns);
// now and then: what came in since the last time
void cells_turn(struct watch *self, uint64_t mono_ns);

CellState *cells_own(const struct view *view, arena_t *arena);
// this cell first; none where it has no name
CellViews *cells_view(const struct view *view, arena_t *arena);
