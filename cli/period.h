// period - times as people write them on a command line. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

// "2026-11-01", an ISO 8601 time, Unix seconds, or "7d", "12h", "30m", "90s" before now_ns. False:
// none of these.
bool period_read(const char *text, uint64_t now_ns, uint64_t *out);
