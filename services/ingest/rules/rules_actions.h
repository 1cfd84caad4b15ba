// rules_actions - which fields go with which action, and with each other. Pure; part of rules.h.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/read/signal_of.h"

void rules_actions(struct reading *reading);
