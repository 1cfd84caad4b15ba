// backup - when a copy of the archive was last made.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/place.h"

// false: none is known of
bool backup_last(const struct place *place, uint64_t *at, char path[static 300]);
