// usage - what this process takes of its machine.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include "common/base/decimal.h"

struct usage {
    uint64_t started_at;          // monotonic ns
    uint64_t looked_at, cpu_then; // monotonic ns, CPU time in ns by then
};

void usage_start(struct usage *u, uint64_t mono_ns);
// since it was last asked; 100: one core
decimal_t usage_cpu_percent(struct usage *u, uint64_t mono_ns);
uint64_t usage_memory_bytes(void); // resident
