// source_rules - what a source asks of its signals, beside what all must be: how old they may be,
// and how large they are if they do not say. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "config.pb-c.h"
#include "services/ingest/read/signal_of.h"

void rules_of_source(struct reading *reading, const SignalConfig *source, uint64_t now);
