// follow - what becomes of a signal: what the router decided, what the reconciler found.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/ingest.h"

handle_fn follow_routing; // Routing
handle_fn follow_outcome; // Outcome
handle_fn follow_recall;  // Signal: the archive has it; nothing is done when it is known here
