// rates - the latest price of each symbol, and what an amount is in another currency. Memory only:
// prices are not journalled.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/decimal.h"
#include "config.pb-c.h"
#include "price.pb-c.h"

#define RATE_SYMBOL_MAX   64
#define RATE_CURRENCY_MAX 12 // the configuration allows eight letters

struct rate {
    decimal_t bid, ask, last; // all above zero: where a side is not given it is the last
    uint64_t at;              // UTC ns
};

typedef struct rates rates_t;

rates_t *rates_new(size_t symbols_max); // more are passed over
void rates_destroy(rates_t **self);
// an older one than is held, and one not above zero, are passed over
void rates_take(rates_t *self, const Price *price);
// NULL: not known, or older than `since` (UTC ns). Valid until the next rates_take of that symbol.
const struct rate *rates_find(const rates_t *self, const char *symbol, uint64_t since);

// Which prices to reckon with.
struct known_rates {
    const rates_t *rates;
    uint64_t since; // older ones are not known (UTC ns)
};

enum conversion { CONVERTED, NO_RATE, TOO_LARGE };

// ROUND_UP: what it costs at the dearer of bid and ask; ROUND_DOWN: what it brings at the cheaper.
struct exchange {
    decimal_t amount;
    const char *from, *to;
    enum rounding round;
};

// By the pair itself (EURUSD), else the other way round (USDEUR), else over USD. The same currency:
// unchanged.
enum conversion rates_convert(const struct known_rates *m, const struct exchange *x,
                              decimal_t *out);

// What a symbol's profit and margin are counted in; empty: not known.
struct symbol_currencies {
    char profit[RATE_CURRENCY_MAX], margin[RATE_CURRENCY_MAX];
    bool pair; // one unit of `margin` costs the symbol's price in `profit`
};

// As configured; else the last and the first three letters of a symbol of six. A symbol whose
// profit currency alone is configured, or both as the same (gold in USD, an index in EUR), has no
// margin currency: its margin is a share of its price in profit's. `config` NULL: not listed.
// `symbol`: the signal's name.
struct symbol_currencies symbol_currencies_of(const SymbolConfig *config, const char *symbol);
