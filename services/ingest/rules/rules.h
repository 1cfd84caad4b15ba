// rules - what a signal must be to pass the door. Pure: no clock, no store.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/ingest/read/signal_of.h"

#define LOTS_MAX   DECIMAL_INT(10000000)
#define SYMBOL_MAX 32

// Adds every broken rule to reading->complaints. `now` in UTC ns.
void rules_check(struct reading *reading, uint64_t now);

bool symbol_is_valid(const char *symbol);
bool id_is_valid(const char *id);
