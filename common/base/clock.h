// clock - UTC for what is recorded, the monotonic clock for what is waited for.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)
#define TIME_TEXT 32 // longest text of a time, terminating zero included

uint64_t clock_utc_ns(void);  // since 1970-01-01T00:00:00Z
uint64_t clock_mono_ns(void); // since some start; never goes back

// Holds both clocks at these times, for running a service again; 0, 0: they run.
void clock_hold(uint64_t utc_ns, uint64_t mono_ns);

// Writes "2025-03-22T10:15:30.123456Z" (fraction left out when zero, 3 or 6 digits else); returns
// its length.
size_t time_print(uint64_t utc_ns, char out[static TIME_TEXT]);

// Reads ISO 8601 with Z or an offset and up to nine decimals, or integer Unix seconds /
// milliseconds. ERR_INPUT: neither. ERR_RULE: not within 1970-01-01T00:00:00Z to
// 2554-07-21T23:34:33.709551615Z, all that 64 bits hold: so whatever time_print prints is read as
// the same, to its microsecond.
err_t time_parse(const char *text, size_t length, uint64_t *utc_ns);

// No time that comes from outside is as late as this, 2262-01-01T00:00:00Z: before it, every
// database that gets copies, signed 64-bit nanoseconds, and sums of a time and a duration are good.
#define TIME_END   (UINT64_C(9214646400) * NS_PER_S)
#define TIME_RANGE "must be from 1970-01-01T00:00:00Z to 2261-12-31T23:59:59Z"

// time_parse for what comes from outside. ERR_RULE: a time, and not before TIME_END (say
// TIME_RANGE).
err_t time_read(const char *text, size_t length, uint64_t *utc_ns);
