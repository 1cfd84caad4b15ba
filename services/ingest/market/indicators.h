// indicators - RSI 14, MACD 12/26/9 and Bollinger bands 20/2 from the closes of bars, in integers, so
// that the same closes give the same digits everywhere (formulas: docs/market-data.md). Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/decimal.h"
#include "market.pb-c.h"

#define RSI_BARS       14
#define FAST_BARS      12
#define SLOW_BARS      26
#define SIGNAL_BARS    9
#define BOLLINGER_BARS 20
#define CLOSES_HELD    SLOW_BARS // the longest that anything looks back

// Running averages, scaled by 10^16: eight digits more than a price has.
enum average {
    AVERAGE_GAIN, // Wilder's; before it begins, the sum of what it begins with
    AVERAGE_LOSS,
    AVERAGE_FAST,
    AVERAGE_SLOW,
    AVERAGE_SIGNAL,
    AVERAGE_MACDS, // those that the signal line begins with
    AVERAGES = AVERAGE_MACDS + SIGNAL_BARS
};

// All zero: no bar yet.
struct calculation {
    uint64_t bars;               // closed ones that are in it
    uint64_t closed_at;          // UTC ns: the end of the last one; 0: none
    int64_t closes[CLOSES_HELD]; // e8; the last ones, the newest last
    wide_t averages[AVERAGES];
};

// One bar more. `close` in e8, more than 0.
void calculation_add(struct calculation *self, int64_t close, uint64_t closed_at);
// What is known after the last bar: what lacks bars is not set. Symbol and source are the caller's.
void calculation_read(const struct calculation *self, Indicators *out);

// As it is stored. `out` lives in the arena. Restoring: false when it is of bars of another length,
// or damaged; then the calculation begins anew.
void calculation_store(const struct calculation *self, const char *symbol, uint32_t length_s,
                       arena_t *arena, IndicatorState *out);
bool calculation_restore(struct calculation *self, const IndicatorState *stored, uint32_t length_s);
