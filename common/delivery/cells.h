// cells - this cell's name and the others that its signals are handed to (docs/scaling.md):
// TRADECAST_CELL, TRADECAST_CELLS.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CELL_TEXT 25 // a name has at most 24 characters
#define CELLS_MAX 16

// Names are of lower-case letters, digits and '-'. `others` has blanks or commas between them; NULL
// and "" say nothing. False: *wrong says which variable and why, and there are no cells.
bool cells_set(const char *own, const char *others, char wrong[static 256]);

const char *cell_own(void); // NULL: there is one cell, and it has no name
size_t cells_count(void);
// of the others, as they stand in TRADECAST_CELLS; NULL: there are no more
const char *cell_at(size_t i);
bool cell_find(const char *name, size_t *i); // its place among them
