// performance - the day's results in one currency, net of commission and fees: wins, losses and
// what they came to. Decimals only. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/decimal.h"
#include "system.pb-c.h"

// A day is a UTC day.
struct performance {
    uint64_t day; // days since 1970-01-01
    uint32_t wins, losses;
    decimal_t won, lost; // lost <= 0
    decimal_t charged;   // what executions cost that realised nothing, <= 0
    decimal_t largest_win, largest_loss;
};

// The result of an execution, less commission and fees. Zero is neither a win nor a loss, and so is
// what closed nothing (`realised` is false). A new day starts the counts anew.
void performance_add(struct performance *self, decimal_t net, bool realised, uint64_t utc_ns);
void performance_turn(struct performance *self, uint64_t utc_ns); // starts a new day when it is one

// The form of metrics:performance. `balance` is what the accounts hold now; zero: unknown,
// and no percentage of what was gained or lost. What there is none of is 0.
void performance_write(const struct performance *self, decimal_t balance, uint64_t utc_ns,
                       TradingPerformance *out);
// Goes on from what a monitor wrote before; what is from another day is left.
void trading_performance_resume(struct performance *self, const TradingPerformance *stored,
                                uint64_t utc_ns);
