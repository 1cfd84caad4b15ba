// rates - the latest price of each symbol, and what an amount is in another currency.
// SPDX-License-Identifier: MIT
#include "common/domain/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"

#define CROSS "USD" // most currencies have a pair with it

struct quoted {
    char symbol[RATE_SYMBOL_MAX];
    struct rate rate;
    UT_hash_handle hh;
};

struct rates {
    struct quoted *all;
    size_t max;
};

rates_t *rates_new(size_t symbols_max) {
    rates_t *self = alloc_zeroed(1, sizeof *self);
    self->max = symbols_max;
    return self;
}

void rates_destroy(rates_t **handle) {
    rates_t *self = *handle;
    struct quoted *q, *next;
    if (!self) return;
    HASH_ITER(hh, self->all, q, next) {
        HASH_DEL(self->all, q);
        free(q);
    }
    free(self);
    *handle = NULL;
}

static struct quoted *find_rate(const rates_t *self, const char *symbol) {
    struct quoted *q;
    HASH_FIND_STR(self->all, symbol, q);
    return q;
}

void rates_take(rates_t *self, const Price *p) {
    if (p->last <= 0 || strlen(p->symbol) >= RATE_SYMBOL_MAX) return;
    struct quoted *q = find_rate(self, p->symbol);
    if (!q) {
        if (HASH_COUNT(self->all) >= self->max) return;
        q = alloc_zeroed(1, sizeof *q);
        (void)snprintf(q->symbol, sizeof q->symbol, "%s", p->symbol);
        HASH_ADD_STR(self->all, symbol, q);
    }
    if (p->timestamp < q->rate.at) return;
    q->rate.last = D(p->last);
    q->rate.bid = p->has_bid && p->bid > 0 ? D(p->bid) : D(p->last);
    q->rate.ask = p->has_ask && p->ask > 0 ? D(p->ask) : D(p->last);
    q->rate.at = p->timestamp;
}

const struct rate *rates_find(const rates_t *self, const char *symbol, uint64_t since) {
    const struct quoted *q = self ? find_rate(self, symbol) : NULL;
    return q && q->rate.at >= since ? &q->rate : NULL;
}

static const struct rate *find_pair(const struct known_rates *m, const char *base,
                                    const char *quote) {
    char symbol[2 * RATE_CURRENCY_MAX];
    (void)snprintf(symbol, sizeof symbol, "%.*s%.*s", RATE_CURRENCY_MAX - 1, base,
                   RATE_CURRENCY_MAX - 1, quote);
    return rates_find(m->rates, symbol, m->since);
}

static enum conversion by_pair(const struct known_rates *m, const struct exchange *x,
                               decimal_t *out) {
    bool dear = x->round == ROUND_UP;
    const struct rate *direct = find_pair(m, x->from, x->to);
    if (direct)
        return decimal_mul(x->amount, dear ? direct->ask : direct->bid, x->round, out) ? CONVERTED
                                                                                       : TOO_LARGE;
    const struct rate *inverse = find_pair(m, x->to, x->from);
    if (inverse)
        return decimal_div(x->amount, dear ? inverse->bid : inverse->ask, x->round, out)
                   ? CONVERTED
                   : TOO_LARGE;
    return NO_RATE;
}

enum conversion rates_convert(const struct known_rates *m, const struct exchange *x,
                              decimal_t *out) {
    *out = x->amount;
    if (strcmp(x->from, x->to) == 0) return CONVERTED;
    enum conversion c = by_pair(m, x, out);
    if (c != NO_RATE || strcmp(x->from, CROSS) == 0 || strcmp(x->to, CROSS) == 0) return c;
    struct exchange leg = *x;
    leg.to = CROSS;
    c = by_pair(m, &leg, &leg.amount);
    if (c != CONVERTED) return c;
    leg.from = CROSS;
    leg.to = x->to;
    return by_pair(m, &leg, out);
}

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

static bool has_six_letters(const char *symbol) {
    size_t n = 0;
    while (is_letter(symbol[n])) n++;
    return n == 6 && !symbol[6];
}

static void copy_currency(char out[static RATE_CURRENCY_MAX], const char *text) {
    (void)snprintf(out, RATE_CURRENCY_MAX, "%s", text ? text : "");
}

struct symbol_currencies symbol_currencies_of(const SymbolConfig *config, const char *symbol) {
    struct symbol_currencies c = {0};
    char base[4] = "", quote[4] = "";
    if (has_six_letters(symbol)) {
        memcpy(base, symbol, 3);
        memcpy(quote, symbol + 3, 3);
    }
    copy_currency(c.profit, config ? config->profit_currency : NULL);
    copy_currency(c.margin, config ? config->margin_currency : NULL);
    if (!c.margin[0] && !c.profit[0]) copy_currency(c.margin, base);
    if (!c.profit[0]) copy_currency(c.profit, quote);
    // a share of its price, not of so many units of money
    if (strcmp(c.margin, c.profit) == 0) c.margin[0] = '\0';
    c.pair = base[0] && strcmp(c.margin, base) == 0 && strcmp(c.profit, quote) == 0;
    return c;
}
