// performance - what trades and executions amount to, for one account, broker or gateway, one day
// or in total, in one currency: sums, rates, percentiles. Everything can be added and taken back (a
// trade counts as it stands now), at a cost that does not depend on how much there is. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "archive.pb-c.h"
#include "common/base/arena.h"
#include "common/oplog/histogram.h"
#include "execution.pb-c.h"

#define REASONS_MAX   32 // reasons of rejections told apart in one row; the rest is "other"
#define REASON_TEXT   64
#define DAY_TEXT      12
#define CURRENCY_TEXT 16

// SQL: the currency of an account's amounts. As it is configured; of an account that is gone, as it
// was when it was last counted.
#define CURRENCY_UNKNOWN "unknown"
#define ACCOUNT_CURRENCY(account)                                                                  \
    "coalesce((SELECT coalesce(ac.currency, 'USD') FROM account_config ac WHERE ac.account_id "    \
    "= " account                                                                                   \
    "), (SELECT ap.currency FROM account_performance ap WHERE ap.account_id = " account            \
    " AND ap.day = 'total' ORDER BY ap.currency = '" CURRENCY_UNKNOWN                              \
    "' LIMIT 1), '" CURRENCY_UNKNOWN "')"

enum measure { SLIPPAGE, EXECUTION_LATENCY, BROKER_LATENCY, NETWORK_LATENCY, MEASURES };

struct performance {
    // also for brokers and instances: the three messages are alike (a test holds them so). Its
    // texts point here
    AccountPerformance row;
    // slippage in 10^-8 of the requested price, latencies in microseconds
    struct histogram histograms[MEASURES];
    struct reasons *reasons; // NULL: none so far
    char day[DAY_TEXT], currency[CURRENCY_TEXT];
};

// `id` must outlive it
void performance_init(struct performance *self, const char *id, const char *day,
                      const char *currency);
void performance_destroy(struct performance *self);
// Goes on from a stored row. False: it is not one.
bool performance_resume(struct performance *self, const AccountPerformance *stored);
// Adds a row of the same currency: another day's, or another account's of the same day. Counts,
// sums and percentiles are exact; the deepest fall is that of one of them, or from the highest to a
// later end. False: it is no such row.
bool performance_add_day(struct performance *to, const AccountPerformance *day);
// Brings the columns that follow from others up to date. Memory of the row is in the arena.
void performance_finish(struct performance *self, uint64_t utc_ns, arena_t *arena);

// sign: 1 adds, -1 takes back what was added.
void performance_order(struct performance *self, const TradeState *t, int sign);
// of a trade that trade_is_closed
void performance_close(struct performance *self, const TradeState *t, int sign);
// m may be NULL
void performance_execution(struct performance *self, const TradeResult *r, const ResultMetrics *m,
                           int sign);
void performance_add_amount(int64_t *sum, int64_t amount); // stays at the end of the range
// after executions were added or taken: peak and drawdown
void performance_settle(struct performance *self);

bool trade_is_closed(const TradeState *t);  // it opened a position, and that is closed again
bool trade_is_opening(const TradeState *t); // it opens a position if it is filled
bool result_is_execution(const TradeResult *r);
// Relative to the requested price, in 10^-8; adverse is positive. False: it has none.
bool result_slippage(const TradeResult *r, int64_t *out);
bool relative_slippage(int64_t executed, int64_t requested, bool buy, int64_t *out);
