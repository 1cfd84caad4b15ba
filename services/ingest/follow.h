// follow - moves signals through their life: by the router's routings and the reconciler's outcomes.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/ingest.h"

handle_fn follow_routing; // Routing
handle_fn follow_outcome; // Outcome
handle_fn follow_command; // Command: an operator approves or refuses what waits
handle_fn follow_recall;  // Signal: the archive has it; nothing is done when it is known here
