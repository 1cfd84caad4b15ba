// clock - UTC for what is recorded, the monotonic clock for what is waited for.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)
#define TIME_TEXT 32 // longest text of a time, terminating zero included

uint64_t clock_utc_ns(void);  // since 1970-01-01T00:00:00Z
uint64_t clock_mono_ns(void); // since some start; never goes back

// Holds both clocks at these times, for running a service again; 0, 0: they run.
void clock_hold(uint64_t utc_ns, uint64_t mono_ns);

// Writes "2025-03-22T10:15:30.123456Z" (fraction left out when zero, 3 or 6 digits else); returns its length.
size_t time_print(uint64_t utc_ns, char out[static TIME_TEXT]);

// Reads ISO 8601 with Z or an offset and up to nine decimals, or integer Unix seconds / milliseconds. ERR_INPUT: neither.
err_t time_parse(const char *text, size_t length, uint64_t *utc_ns);
