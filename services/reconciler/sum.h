// sum - the outcome of a signal: the sum over its trades, and why some came to nothing.
// Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "outcome.pb-c.h"
#include "services/reconciler/compare.h"

// Exact until the one rounding at the end (half even).
struct sum {
    __int128 asked, filled;                  // lots, e8
    __int128 worth, priced;                  // price times lots, e16; lots that have a price
    __int128 slip, compared;                 // discrepancy times lots, e16; lots that have one
    uint64_t executed_at, first_executed_at; // UTC ns; 0: nothing was executed
    unsigned trades, executed;
    bool lost; // out of range: prices are left out
};

void sum_add(struct sum *s, const struct facts *f); // start with {0}
// Fills price, percentage, slippage, time and counts; status completed if anything was executed,
// else failed.
void sum_status(const struct sum *s, SignalExecutionStatus *out);

// The same of a signal that is not complete: processing; `settled` of its trades are final.
void sum_progress(const struct sum *s, unsigned settled, SignalExecutionStatus *out);

#define TALLY_KINDS 6
#define TALLY_TEXT  480

// How often each reason occurred; beyond the kinds only how many more.
struct tally {
    struct {
        char text[REASON_TEXT];
        unsigned count;
    } kinds[TALLY_KINDS];
    unsigned n, others;
};

void tally_add(struct tally *t, const char *text); // start with {0}
// "signal_too_old (3), unknown_symbol (1)"; its length
size_t tally_print(const struct tally *t, char out[static TALLY_TEXT]);
