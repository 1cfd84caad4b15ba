// archiver - keeps everything on record, in SQLite, and is where the configuration lives.
// SPDX-License-Identifier: MIT
//
// In:   signals, orders.*, routings, executions.*, outcomes, incidents.*
// Out:  config (ConfigChange)
// Keys: slice.c. Tables: schema.h. What each message becomes: archiver.c. Read rows.h next.
#pragma once

#include "common/service/service.h"

extern const struct service archiver_service;
