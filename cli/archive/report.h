// report - what a time amounted to, gathered trade by trade, each currency for itself; told as one
// HTML file.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

// Amounts are decimals scaled by 10^8; one that is out of range stays at the end of it.
struct tally { // of some trades, in the order in which they were closed
    uint64_t trades, wins, losses;
    int64_t gross_profit, gross_loss, net, costs; // net: after costs (commission, fees)
    int64_t peak, drawdown;                       // of net, from 0
    uint64_t slipped;
    int64_t slippage; // sum, in basis points; adverse is positive
};

struct point {   // after a trade was closed
    uint64_t at; // UTC ns
    int64_t net; // so far
};

enum division { BY_STRATEGY, BY_ACCOUNT, BY_BROKER, BY_SYMBOL, DIVISIONS };

typedef struct report_data report_data_t;

struct closed_trade {
    uint64_t at;
    int64_t pnl, costs, slippage; // pnl: before costs
    bool has_slippage;
    const char *keys[DIVISIONS]; // NULL: none
};

// Of one currency: amounts of different ones are never added.
report_data_t *report_data_new(void);
void report_data_destroy(report_data_t **self);
void report_take(report_data_t *self, const struct closed_trade *trade); // in the order of `at`
const struct tally *report_all(const report_data_t *self);
size_t report_points(const report_data_t *self, const struct point **out);
size_t report_slippages(report_data_t *self, const int64_t **out); // in order of size

struct part {
    const char *key;
    struct tally tally;
};
// by key; valid until the next call
size_t report_parts(report_data_t *self, enum division division, const struct part **out);

// The whole page.
struct report_words {
    const char *since, *until, *made, *of; // of: "all accounts" or the conditions
};
struct report_part {
    const char *currency;
    report_data_t *data;
};
void report_html(const struct report_part *parts, size_t n, const struct report_words *words,
                 buffer_t *out);

// Charts, each an <svg> that scales with its column. Pure.
void chart_course(const struct point *points, size_t n, bool drawdown, buffer_t *out);
// how often each of the sorted values, in equal steps
void chart_spread(const int64_t *values, size_t n, buffer_t *out);
