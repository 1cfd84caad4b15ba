// in_force - whether the services have taken what was changed of the configuration.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/place.h"
#include "common/delivery/topology.h"

// Waits until all that follow the topic `config` have all of it, at most so long. False: `who` has
// not, or empty: it cannot be looked at.
bool in_force(const struct place *place, int64_t within_ms, char who[static NAME_TEXT]);
