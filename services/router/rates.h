// rates - the latest price of each symbol, and what an amount is in another currency. Memory only: prices are not journalled.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/decimal.h"
#include "price.pb-c.h"

#define RATE_SYMBOL_MAX   64
#define RATE_CURRENCY_MAX 8

struct rate {
    decimal_t bid, ask, last; // all above zero: where a side is not given it is the last
    uint64_t at;              // UTC ns
};

typedef struct rates rates_t;

rates_t *rates_new(size_t symbols_max); // more are passed over
void rates_destroy(rates_t **self);
void rates_take(rates_t *self, const Price *price); // an older one than is held, and one not above zero, are passed over
// NULL: not known, or older than `since` (UTC ns). Valid until the next rates_take of that symbol.
const struct rate *rates_find(const rates_t *self, const char *symbol, uint64_t since);

// Which prices to reckon with.
struct market {
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

// By the pair itself (EURUSD), else the other way round (USDEUR), else over USD. The same currency: unchanged.
enum conversion rates_convert(const struct market *m, const struct exchange *x, decimal_t *out);

// The two currencies of a symbol of six letters. False: it is not one; nothing is written.
bool symbol_currencies(const char *symbol, char base[static RATE_CURRENCY_MAX], char quote[static RATE_CURRENCY_MAX]);
