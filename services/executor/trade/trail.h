// trail - where the stop of a position belongs: trailing and break-even, by the price. Pure: no
// clock, no broker.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Prices and distances, scaled by 10^8; 0: none.
struct trail {
    bool is_long;
    int64_t entry;
    // the stop follows the best price at `distance`, once `trigger` ahead, by no less than `step`
    int64_t distance, trigger, step;
    // once even_trigger ahead, the stop goes to entry + even_offset (short: entry - even_offset)
    int64_t even_trigger, even_offset;
    int64_t point;  // the price's last digit: stops are whole points; over 0
    int64_t high;   // best price so far: highest, when short lowest
    int64_t placed; // the stop at the broker
    // where this has moved the stop before, whether the broker took it or not: it never goes back
    int64_t latched;
};

enum trail_step {
    TRAIL_STAYS,
    TRAIL_MOVES, // the stop is to be moved to *stop
    // the price has come back to *stop before the broker has taken it: the position is to be closed
    TRAIL_CLOSES,
};

// Best of the price before and the one now (at which the position could be closed: bid when long,
// ask when short).
int64_t trail_best(const struct trail *t, int64_t price);
// What to do at `price`, t->high being what trail_best says. A stop moves only toward the price,
// never away from it.
enum trail_step trail_next(const struct trail *t, int64_t price, int64_t *stop);
