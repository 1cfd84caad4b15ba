// market - symbols as the broker names them, and their prices as the feed tells them.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/decimal.h"
#include "common/base/hash.h"
#include "common/domain/rates.h"
#include "config.pb-c.h"
#include "price.pb-c.h"

struct order;

struct quote { // by the signal's name of a symbol: what the feed speaks of
    UT_hash_handle hh;
    char name[64];
    bool known;
    decimal_t bid, ask;
    uint64_t fed_at; // UTC ns: the timestamp of the feed's last price; 0: none
    decimal_t fed_bid, fed_ask;
    struct symbol *symbols; // at most a few: names of the broker that mean this one
};

struct symbol { // by the broker's name
    UT_hash_handle hh;
    struct symbol *next; // of the same quote
    char name[64];
    bool listed;                                    // the broker's configuration knows it
    decimal_t contract, lot_step, min_lot, max_lot; // max_lot 0: none
    uint32_t digits;
    struct symbol_currencies currencies;
    struct quote *quote;
    struct order *watched; // waits for a price
    // While bid and ask stay strictly within these, nothing of `watched` triggers: a tick then
    // costs nothing.
    decimal_t bid_low, bid_high, ask_low, ask_high;
};

struct market {
    struct quote *quotes;
    struct symbol *symbols;
    rates_t *rates; // the same prices, as what they are to converting
    // own copy; NULL: not told yet, then every symbol is taken with the defaults
    BrokerConfig *broker;
    decimal_t spread;
};

void market_open(struct market *m, decimal_t spread);
void market_free(struct market *m);
void market_configure(struct market *m, const BrokerConfig *broker); // copies it
struct symbol *market_symbol(struct market *m, const char *broker_symbol);
struct quote *market_quote(struct market *m, const char *name);
// bid and ask if the feed has both, else last -+ spread / 2. NULL: makes no sense (not positive,
// crossed).
struct quote *market_price(struct market *m, const Price *price);
bool market_set(struct market *m, struct quote *q, decimal_t bid, decimal_t ask);
void symbol_widen(struct symbol *s);            // bounds of nothing
decimal_t market_point(const struct symbol *s); // one unit of its last digit
