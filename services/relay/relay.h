// relay - hands the signals that this cell's door has taken to one other cell, and is done with
// them when that one has committed them.
// SPDX-License-Identifier: MIT
//
// In:   signals (Signal)
// Out:  Handover to the other cell's ingest (door "handover")
// Keys: slice.c. Read outbox.h next.
#pragma once

#include "common/service/service.h"

extern const struct service relay_service;
