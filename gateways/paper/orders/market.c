// market - symbols as the broker names them, and their prices as the feed tells them.
// SPDX-License-Identifier: MIT
#include "gateways/paper/orders/market.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/domain/book.h"
#include "common/schema/record.h"

#define CONTRACT_DEFAULT DECIMAL_INT(100000)
#define STEP_DEFAULT     D(DECIMAL_SCALE / 100)
#define DIGITS_DEFAULT   5
#define QUOTES_MAX       100000

void market_open(struct market *m, decimal_t spread) {
    m->spread = spread;
    m->rates = rates_new(QUOTES_MAX);
}

struct quote *market_quote(struct market *m, const char *name) {
    struct quote *q;
    HASH_FIND_STR(m->quotes, name, q);
    if (q || strlen(name) >= sizeof q->name) return q;
    q = alloc_zeroed(1, sizeof *q);
    memcpy(q->name, name, strlen(name));
    HASH_ADD_STR(m->quotes, name, q);
    return q;
}

// The signal's name: as configured, else the broker's without its prefix and suffix.
static void signal_name(const struct market *m, const struct symbol *s, const SymbolConfig *c,
                        char out[static 64]) {
    const char *prefix = m->broker && m->broker->symbol_prefix ? m->broker->symbol_prefix : "";
    const char *suffix = m->broker && m->broker->symbol_suffix ? m->broker->symbol_suffix : "";
    size_t before = strlen(prefix), after = strlen(suffix), length = strlen(s->name);
    bool bare = c || length <= before + after || strncmp(s->name, prefix, before) != 0 ||
                strcmp(s->name + length - after, suffix) != 0;
    if (bare)
        (void)snprintf(out, 64, "%s", c ? c->symbol : s->name);
    else
        (void)snprintf(out, 64, "%.*s", (int)(length - before - after), s->name + before);
}

static void leave_quote(struct symbol *s) {
    if (!s->quote) return;
    struct symbol **at = &s->quote->symbols;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
}

static void describe(struct market *m, struct symbol *s) {
    const SymbolConfig *c = m->broker ? book_symbol_of_broker(m->broker, s->name) : NULL;
    char name[64];
    signal_name(m, s, c, name);
    s->listed = c || !m->broker || !m->broker->n_symbols;
    s->contract = c && c->has_contract_size ? D(c->contract_size) : CONTRACT_DEFAULT;
    s->lot_step = c && c->has_lot_step && c->lot_step > 0 ? D(c->lot_step) : STEP_DEFAULT;
    s->min_lot = c && c->has_min_lot ? D(c->min_lot) : s->lot_step;
    s->max_lot = c && c->has_max_lot ? D(c->max_lot) : D(0);
    s->digits = c && c->digits <= DECIMAL_DIGITS ? c->digits : DIGITS_DEFAULT;
    s->currencies = symbol_currencies_of(c, name);
    leave_quote(s);
    s->quote = market_quote(m, name);
    s->next = s->quote->symbols;
    s->quote->symbols = s;
}

void symbol_widen(struct symbol *s) {
    s->bid_low = s->ask_low = D(INT64_MIN);
    s->bid_high = s->ask_high = D(INT64_MAX);
}

struct symbol *market_symbol(struct market *m, const char *broker_symbol) {
    struct symbol *s;
    HASH_FIND_STR(m->symbols, broker_symbol, s);
    if (s || strlen(broker_symbol) >= sizeof s->name) return s;
    s = alloc_zeroed(1, sizeof *s);
    memcpy(s->name, broker_symbol, strlen(broker_symbol));
    HASH_ADD_STR(m->symbols, name, s);
    symbol_widen(s);
    describe(m, s);
    return s;
}

void market_configure(struct market *m, const BrokerConfig *broker) {
    if (m->broker) broker_config__free_unpacked(m->broker, NULL);
    m->broker = (BrokerConfig *)record_copy(&broker->base, NULL);
    for (struct symbol *s = m->symbols; s; s = s->hh.next) describe(m, s);
}

void market_free(struct market *m) {
    struct quote *q, *next_quote;
    struct symbol *s, *next;
    HASH_ITER(hh, m->symbols, s, next) {
        HASH_DEL(m->symbols, s);
        free(s);
    }
    HASH_ITER(hh, m->quotes, q, next_quote) {
        HASH_DEL(m->quotes, q);
        free(q);
    }
    rates_destroy(&m->rates);
    if (m->broker) broker_config__free_unpacked(m->broker, NULL);
    m->broker = NULL;
}

// As the newest, whatever time it carries: the feed's order is believed here.
static void note_rate(struct market *m, struct quote *q) {
    Price p = PRICE__INIT;
    p.symbol = q->name;
    p.has_bid = p.has_ask = true;
    p.bid = p.last = q->bid.e8;
    p.ask = q->ask.e8;
    rates_take(m->rates, &p);
}

bool market_set(struct market *m, struct quote *q, decimal_t bid, decimal_t ask) {
    if (!q || bid.e8 <= 0 || ask.e8 < bid.e8) return false;
    q->bid = bid;
    q->ask = ask;
    q->known = true;
    note_rate(m, q);
    return true;
}

// The feed says all prices again when somebody begins to listen: that takes back nothing that was
// set by hand since.
static bool is_said_again(struct quote *q, uint64_t at, decimal_t bid, decimal_t ask) {
    if (!q) return false;
    bool same = q->fed_at == at && q->fed_bid.e8 == bid.e8 && q->fed_ask.e8 == ask.e8;
    q->fed_at = at;
    q->fed_bid = bid;
    q->fed_ask = ask;
    return same && (q->bid.e8 != bid.e8 || q->ask.e8 != ask.e8);
}

// What the broker quotes around a last price: the symbol's own, else that of all.
static decimal_t spread_of(const struct market *m, const char *symbol) {
    const SymbolConfig *s = m->broker ? book_symbol(m->broker, symbol) : NULL;
    return s && s->has_typical_spread ? D(s->typical_spread) : m->spread;
}

struct quote *market_price(struct market *m, const Price *price) {
    decimal_t bid = D(price->bid), ask = D(price->ask);
    if (!price->has_bid || !price->has_ask) {
        if (price->last <= 0 || price->last > INT64_MAX / 2) return NULL;
        decimal_t spread = spread_of(m, price->symbol);
        bid = D(price->last - spread.e8 / 2);
        ask = D(bid.e8 + spread.e8);
    }
    struct quote *q;
    HASH_FIND_STR(m->quotes, price->symbol, q);
    if (!q && HASH_COUNT(m->quotes) < QUOTES_MAX) q = market_quote(m, price->symbol);
    if (is_said_again(q, price->timestamp, bid, ask)) return NULL;
    return market_set(m, q, bid, ask) ? q : NULL;
}

decimal_t market_point(const struct symbol *s) {
    int64_t point = DECIMAL_SCALE;
    for (uint32_t i = 0; i < s->digits; i++) point /= 10;
    return D(point);
}
