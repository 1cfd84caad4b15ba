// gaps - what a configuration lacks to trade as it says.
// SPDX-License-Identifier: MIT
#include "common/gaps.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/rates.h"

#define UNPRICED_NAMES 5 // symbols without a price that are named

struct search {
    const book_t *book;
    const struct gaps_asked *asked;
    gap_fn *tell;
    void *arg;
    size_t told, of_kind;
    const char *kind; // of the last one
};

static void flush_kind(struct search *s) {
    if (s->of_kind > GAPS_MAX) {
        struct gap gap = {.what = s->kind};
        (void)snprintf(gap.text, sizeof gap.text, "and %zu more of the kind %s", s->of_kind - GAPS_MAX, s->kind);
        s->tell(s->arg, &gap);
        s->told++;
    }
    s->of_kind = 0;
}

[[gnu::format(printf, 3, 4)]] static void tell_gap(struct search *s, const char *what, const char *format, ...) {
    struct gap gap = {.what = what};
    va_list args;
    if (s->kind && strcmp(s->kind, what) != 0) flush_kind(s);
    s->kind = what;
    if (++s->of_kind > GAPS_MAX) return;
    va_start(args, format);
    (void)vsnprintf(gap.text, sizeof gap.text, format, args);
    va_end(args);
    s->tell(s->arg, &gap);
    s->told++;
}

// --- accounts

static void check_gateway(void *arg, const AccountConfig *account) {
    struct search *s = arg;
    if (!account->enabled || book_server(s->book, account->account_id)) return;
    tell_gap(s, "account_without_gateway",
             "account %.64s: no gateway serves it, so its orders wait until they expire; name it in the accounts of an instance",
             account->account_id);
}

static void check_closed(void *arg, const AccountConfig *account) {
    struct search *s = arg;
    for (size_t i = 0; account->enabled && i < account->n_subscriptions; i++) {
        const char *source = account->subscriptions[i]->source;
        const SignalConfig *config = book_source(s->book, source);
        if (config && !config->enabled)
            tell_gap(s, "closed_source",
                     "account %.64s: it subscribes to %.64s, which is closed (enabled: false); open it or take the subscription away",
                     account->account_id, source);
    }
}

static void check_unknown(void *arg, const AccountConfig *account) {
    struct search *s = arg;
    for (size_t i = 0; account->enabled && i < account->n_subscriptions; i++) {
        const char *source = account->subscriptions[i]->source;
        if (!book_source(s->book, source))
            tell_gap(s, "unknown_source",
                     "account %.64s: it subscribes to %.64s, which is no source; configure it or take the subscription away",
                     account->account_id, source);
    }
}

// --- symbols

struct traded { // whether a broker has an account that trades
    const char *broker_id;
    bool found;
};

static void is_of_broker(void *arg, const AccountConfig *account) {
    struct traded *t = arg;
    t->found = t->found || (account->enabled && strcmp(account->broker_id, t->broker_id) == 0);
}

static bool is_traded(const struct search *s, const BrokerConfig *broker) {
    struct traded t = {broker->broker_id, false};
    book_each_account(s->book, is_of_broker, &t);
    return t.found;
}

static void check_currency(void *arg, const BrokerConfig *broker) {
    struct search *s = arg;
    if (!is_traded(s, broker)) return;
    for (size_t i = 0; i < broker->n_symbols; i++) {
        const SymbolConfig *symbol = broker->symbols[i];
        if (!symbol_currencies_of(symbol, symbol->symbol).profit[0])
            tell_gap(s, "unknown_currency",
                     "symbol %.64s of broker %.64s: what its profit is counted in is not known, so it is not sized by risk, nor filled on "
                     "paper; set its profit_currency",
                     symbol->symbol, broker->broker_id);
    }
}

struct unpriced { // symbols of one broker
    char names[UNPRICED_NAMES * 20];
    size_t n;
};

static void note_unpriced(struct unpriced *u, const char *symbol) {
    size_t length = strlen(u->names);
    if (u->n++ < UNPRICED_NAMES) (void)snprintf(u->names + length, sizeof u->names - length, "%s%.16s", length ? ", " : "", symbol);
}

static void check_prices(void *arg, const BrokerConfig *broker) {
    struct search *s = arg;
    struct unpriced u = {0};
    char more[32] = "";
    if (!is_traded(s, broker)) return;
    for (size_t i = 0; i < broker->n_symbols; i++)
        if (!s->asked->is_priced(s->asked->priced_by, broker->symbols[i]->symbol)) note_unpriced(&u, broker->symbols[i]->symbol);
    if (!u.n) return;
    if (u.n > UNPRICED_NAMES) (void)snprintf(more, sizeof more, " and %zu more", u.n - UNPRICED_NAMES);
    tell_gap(s, "no_price", "broker %.64s: no price since the start of %s%s; post prices to /prices/<source>/<token>", broker->broker_id,
             u.names, more);
}

// --- who may post prices

static void may_post(void *arg, const SignalConfig *source) {
    bool *any = arg;
    *any = *any || (source->enabled && source->prices);
}

static void any_trades(void *arg, const AccountConfig *account) {
    bool *any = arg;
    *any = *any || account->enabled;
}

static void check_posting(struct search *s) {
    bool posted = false, traded = false;
    book_each_source(s->book, may_post, &posted);
    book_each_account(s->book, any_trades, &traded);
    if (traded && !posted)
        tell_gap(s, "no_price_source", "no source that is open may post prices, so no symbol has one; set prices: true for a source");
}

size_t gaps_each(const book_t *book, const struct gaps_asked *asked, gap_fn *tell, void *arg) {
    struct search s = {.book = book, .asked = asked, .tell = tell, .arg = arg};
    book_each_account(book, check_gateway, &s);
    book_each_account(book, check_closed, &s);
    book_each_account(book, check_unknown, &s);
    book_each_broker(book, check_currency, &s);
    check_posting(&s);
    if (asked->is_priced) book_each_broker(book, check_prices, &s);
    flush_kind(&s);
    return s.told;
}
