// trades - every trade that is not over, and for a while those that are, by trade_id. Memory only.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/executor/trade/trade.h"

typedef struct trades trades_t;

trades_t *trades_new(size_t retired_max);
void trades_destroy(trades_t **self);
struct trade *trades_find(const trades_t *self, const char *trade_id);
// a copy; there must be none under its id
struct trade *trades_add(trades_t *self, const TradeState *s);
// forgets it; the caller has taken it out of everything
void trades_drop(trades_t *self, struct trade *t);
// It is over: kept until retired_max others have come after it, so that what arrives late finds it.
void trades_retire(trades_t *self, struct trade *t);
void trades_revive(trades_t *self, struct trade *t); // it is not over after all
// Of the retired, those beyond retired_max: between two events, when nobody holds one. True: a
// close under way names one of them.
bool trades_forget_oldest(trades_t *self);
size_t trades_count(const trades_t *self);
// all, in no order: *cursor = 0 first; NULL at the end
struct trade *trades_next(const trades_t *self, size_t *cursor);
