// gaps - what a configuration lacks to trade as it says.
// SPDX-License-Identifier: MIT
#include "common/domain/gaps.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/domain/price_owner.h"
#include "common/domain/rates.h"

#define NAMES_MAX 5 // symbols that are named, of many

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
        (void)snprintf(gap.text, sizeof gap.text, "and %zu more of the kind %s",
                       s->of_kind - GAPS_MAX, s->kind);
        s->tell(s->arg, &gap);
        s->told++;
    }
    s->of_kind = 0;
}

[[gnu::format(printf, 3, 4)]] static void tell_gap(struct search *s, const char *what,
                                                   const char *format, ...) {
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
             "account %.64s: no gateway serves it, so its orders wait until they expire; name it "
             "in the accounts of an instance",
             account->account_id);
}

static void check_closed(void *arg, const AccountConfig *account) {
    struct search *s = arg;
    for (size_t i = 0; account->enabled && i < account->n_subscriptions; i++) {
        const char *source = account->subscriptions[i]->source;
        const SignalConfig *config = book_source(s->book, source);
        if (config && !config->enabled)
            tell_gap(s, "closed_source",
                     "account %.64s: it subscribes to %.64s, which is closed (enabled: false); "
                     "open it or take the subscription away",
                     account->account_id, source);
    }
}

static void check_unknown(void *arg, const AccountConfig *account) {
    struct search *s = arg;
    for (size_t i = 0; account->enabled && i < account->n_subscriptions; i++) {
        const char *source = account->subscriptions[i]->source;
        if (!book_source(s->book, source))
            tell_gap(s, "unknown_source",
                     "account %.64s: it subscribes to %.64s, which is no source; configure it or "
                     "take the subscription away",
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
                     "symbol %.64s of broker %.64s: what its profit is counted in is not known, so "
                     "it is not sized by risk, nor filled on "
                     "paper; set its profit_currency",
                     symbol->symbol, broker->broker_id);
    }
}

// --- prices

struct posting { // whether an open source may post the price of a symbol that a broker lists
    const char *symbol;
    struct symbol_owners owners;
    bool found;
};

static void look_at_price_source(void *arg, const SignalConfig *source) {
    struct posting *p = arg;
    p->found = p->found || (source->enabled && price_is_from(source, p->symbol, p->owners));
}

static bool is_posted(const struct search *s, const char *symbol) {
    struct posting p = {symbol, {.listed = true, .named = price_is_named(s->book, symbol)}, false};
    book_each_source(s->book, look_at_price_source, &p);
    return p.found;
}

struct names { // of symbols of one broker: the first few, and how many there are
    char text[NAMES_MAX * 20];
    size_t n;
};

static void add_symbol_name(struct names *names, const char *symbol) {
    size_t length = strlen(names->text);
    if (names->n++ < NAMES_MAX)
        (void)snprintf(names->text + length, sizeof names->text - length, "%s%.16s",
                       length ? ", " : "", symbol);
}

static const char *more_than_named(const struct names *names, char out[static 32]) {
    out[0] = '\0';
    if (names->n > NAMES_MAX) (void)snprintf(out, 32, " and %zu more", names->n - NAMES_MAX);
    return out;
}

static void check_posting(void *arg, const BrokerConfig *broker) {
    struct search *s = arg;
    struct names names = {0};
    char more[32];
    if (!is_traded(s, broker)) return;
    for (size_t i = 0; i < broker->n_symbols; i++)
        if (!is_posted(s, broker->symbols[i]->symbol))
            add_symbol_name(&names, broker->symbols[i]->symbol);
    if (names.n)
        tell_gap(s, "no_price_source",
                 "broker %.64s: no open source may post the price of %s%s; set prices: true for a "
                 "source, or name them in its price_symbols",
                 broker->broker_id, names.text, more_than_named(&names, more));
}

static bool is_rate_missing(const struct search *s, const char *symbol) {
    return is_posted(s, symbol) && !s->asked->is_priced(s->asked->priced_by, symbol);
}

static void check_prices(void *arg, const BrokerConfig *broker) {
    struct search *s = arg;
    struct names names = {0};
    char more[32];
    if (!is_traded(s, broker)) return;
    for (size_t i = 0; i < broker->n_symbols; i++)
        if (is_rate_missing(s, broker->symbols[i]->symbol))
            add_symbol_name(&names, broker->symbols[i]->symbol);
    if (names.n)
        tell_gap(s, "no_price",
                 "broker %.64s: no price since the start of %s%s; post prices to "
                 "/prices/<source>/<token>",
                 broker->broker_id, names.text, more_than_named(&names, more));
}

size_t gaps_each(const book_t *book, const struct gaps_asked *asked, gap_fn *tell, void *arg) {
    struct search s = {.book = book, .asked = asked, .tell = tell, .arg = arg};
    book_each_account(book, check_gateway, &s);
    book_each_account(book, check_closed, &s);
    book_each_account(book, check_unknown, &s);
    book_each_broker(book, check_currency, &s);
    book_each_broker(book, check_posting, &s);
    if (asked->is_priced) book_each_broker(book, check_prices, &s);
    flush_kind(&s);
    return s.told;
}
