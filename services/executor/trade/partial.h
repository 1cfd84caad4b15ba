// partial - how many lots a partial close takes: whole steps, and what rounding keeps is closed
// with the next. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Lots, scaled by 10^8.
struct partial {
    int64_t open;        // what can be closed
    int64_t asked;       // over 0: what is to be closed of it
    int64_t residual;    // asked before, and kept by rounding
    int64_t step, least; // of the symbol; over 0
    // what would be left is less than `least`: it is closed too; else so much less is closed that
    // `least` stays
    bool rest_closes;
};

struct partial_plan {
    // to be closed now: all that is open, or whole steps and no less than `least`, or 0: it is less
    // than an order can be
    int64_t lots;
    // kept for the next: lots + residual is what was asked, now and before, unless all is closed
    int64_t residual;
};

struct partial_plan partial_plan(const struct partial *p);
// percent of lots, rounded down to 8 decimals; 100 and more: all
int64_t partial_of(int64_t open, int64_t percent_e8);
