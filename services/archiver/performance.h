// performance - what trades and executions amount to, for one account, broker or gateway and one day or in total: sums, rates, percentiles.
// Everything can be added and taken back (a trade counts as it stands now), at a cost that does not depend on how much there is. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "archive.pb-c.h"
#include "common/arena.h"
#include "execution.pb-c.h"
#include "services/archiver/histogram.h"

#define REASONS_MAX   32 // reasons of rejections told apart in one row; the rest is "other"
#define REASON_TEXT   64
#define DAY_TEXT      12
#define CURRENCY_TEXT 16

enum measure { SLIPPAGE, EXECUTION_LATENCY, BROKER_LATENCY, NETWORK_LATENCY, MEASURES };

struct performance {
    AccountPerformance row; // also for brokers and instances: the three messages are alike (a test holds them so). Its texts point here
    struct histogram histograms[MEASURES]; // slippage in 10^-8 of the requested price, latencies in microseconds
    struct reasons *reasons;               // NULL: none so far
    char day[DAY_TEXT], currency[CURRENCY_TEXT];
};

void performance_init(struct performance *self, const char *id, const char *day); // `id` must outlive it
void performance_destroy(struct performance *self);
// Goes on from a stored row. False: it is not one.
bool performance_resume(struct performance *self, const AccountPerformance *stored);
// Brings the columns that follow from others up to date. Memory of the row is in the arena.
void performance_finish(struct performance *self, uint64_t utc_ns, arena_t *arena);

// sign: 1 adds, -1 takes back what was added.
void performance_order(struct performance *self, const TradeState *t, int sign);
void performance_close(struct performance *self, const TradeState *t, int sign); // of a trade that trade_is_closed
void performance_execution(struct performance *self, const TradeResult *r, const ResultMetrics *m, int sign); // m may be NULL
void performance_settle(struct performance *self);                         // after executions were added or taken: peak and drawdown
void performance_currency(struct performance *self, const char *currency); // of what is added

bool trade_is_closed(const TradeState *t);  // it opened a position, and that is closed again
bool trade_is_opening(const TradeState *t); // it opens a position if it is filled
bool result_is_execution(const TradeResult *r);
// Relative to the requested price, in 10^-8; adverse is positive. False: it has none.
bool result_slippage(const TradeResult *r, int64_t *out);
bool relative_slippage(int64_t executed, int64_t requested, bool buy, int64_t *out);
