// follow - moves signals through their life: by the router's routings and the reconciler's outcomes.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/ingest.h"

handle_fn ingest_handle_routing; // Routing
handle_fn ingest_handle_outcome; // Outcome
handle_fn ingest_handle_command; // Command: an operator approves or refuses what waits
handle_fn ingest_handle_recall; // Signal: the archive has it; nothing is done when it is known here
