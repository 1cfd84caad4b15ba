// signals - what a signal, a failed trade or a refused signal becomes as a row. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "archive.pb-c.h"
#include "common/base/arena.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "signal.pb-c.h"

// A row points into the message that it comes from.
SignalRow *signal_row(const Signal *s, arena_t *arena);

// As far as the row has it: not the prices, sizes and exits that it has no column for.
Signal *signal_of_row(const SignalRow *row, arena_t *arena);

// SHA-256, hex, over nine columns of spec 004 as they stand in the table: the UTF-8 text of the
// JSON array
//   ["<signal_id>","<symbol>","<action>","<entry_price>","<target_price>","<stop_price>","<confidence>","<strategy>","<timestamp>"]
//   without spaces, which is json_array(signal_id, symbol, …) in SQLite.
#define SHA256_TEXT 65
void signal_sha256(const SignalRow *row, char out[static SHA256_TEXT]);

bool trade_has_failed(const TradeState *t); // rejected, cancelled or expired
TradeFailure failure_of_trade(const TradeState *t);
// What the router gave no order for, of each account that was to trade, or of the whole signal (not
// of votes). Returns how many.
size_t failures_of_routing(const Routing *r, arena_t *arena, TradeFailure ***out);
TradeFailure *failure_of_refusal(const SignalRejection *r, arena_t *arena);
