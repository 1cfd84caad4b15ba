// money - what positions are worth in their account's currency.
// SPDX-License-Identifier: MIT
#include "gateways/paper/ledger/money.h"

#include <string.h>

#include "common/base/log.h"

static enum conversion convert(const struct market *m, const struct exchange *x, decimal_t *out) {
    enum conversion c = rates_convert(&(struct known_rates){m->rates, 0}, x, out);
    if (c == TOO_LARGE) *out = D(INT64_MAX);
    return c;
}

// A pair whose base is the account's currency converts its own profit: at the price of the fill,
// where the feed has told none.
static bool is_own_rate(const struct account *a, const struct symbol *s, decimal_t price) {
    return s->currencies.pair && price.e8 > 0 && strcmp(a->currency, s->currencies.margin) == 0;
}

// `amount` in the symbol's profit currency, gained or (below zero) lost.
static enum conversion convert_profit(const struct market *m, const struct account *a,
                                      const struct symbol *s, decimal_t price, decimal_t amount,
                                      decimal_t *out) {
    const struct exchange x = {decimal_abs(amount), s->currencies.profit, a->currency,
                               amount.e8 < 0 ? ROUND_UP : ROUND_DOWN};
    decimal_t worth = D(0);
    // nothing is nothing in any currency
    enum conversion c = amount.e8 ? convert(m, &x, &worth) : CONVERTED;
    if (c == NO_RATE && is_own_rate(a, s, price)) {
        c = decimal_div(x.amount, price, x.round, &worth) ? CONVERTED : TOO_LARGE;
        if (c == TOO_LARGE) worth = D(INT64_MAX);
    }
    *out = c == NO_RATE ? D(0) : amount.e8 < 0 ? decimal_neg(worth) : worth;
    return c;
}

// So many lots that were opened at `value` (lots * price, e16). Without conversion where the
// account's currency is one of the symbol's two.
static enum conversion convert_margin(const struct market *m, const struct account *a,
                                      const struct symbol *s, wide_t lots, wide_t value,
                                      decimal_t *out) {
    const struct symbol_currencies *c = &s->currencies;
    bool by_lots = c->margin[0] && strcmp(a->currency, c->profit) != 0;
    decimal_t worth = account_amount(by_lots ? lots * DECIMAL_SCALE : value, s->contract);
    const struct exchange x = {worth, by_lots ? c->margin : c->profit, a->currency, ROUND_UP};
    enum conversion found = convert(m, &x, &worth);
    wide_t leverage = a->leverage ? a->leverage : 1;
    *out = found == NO_RATE ? D(0) : account_narrow(((wide_t)worth.e8 + leverage - 1) / leverage);
    return found;
}

decimal_t money_profit(const struct market *m, const struct account *a, const struct symbol *s,
                       struct passage p) {
    decimal_t gain = account_profit(p.side, p.opened, p.closed, p.lots, s->contract);
    (void)convert_profit(m, a, s, p.closed, gain, &gain);
    return gain;
}

decimal_t money_margin(const struct market *m, const struct account *a, const struct symbol *s,
                       decimal_t price, decimal_t lots) {
    decimal_t margin;
    (void)convert_margin(m, a, s, lots.e8, account_value(price, lots), &margin);
    return margin;
}

const char *money_lacks(const struct market *m, const struct account *a, const struct symbol *s,
                        decimal_t price, bool is_close) {
    decimal_t one = DECIMAL_INT(1), out;
    if (!s->currencies.profit[0]) return "unknown_currency";
    if (convert_profit(m, a, s, price, one, &out) == NO_RATE) return "no_rate";
    if (is_close) return NULL;
    return convert_margin(m, a, s, one.e8, account_value(price, one), &out) == NO_RATE ? "no_rate"
                                                                                       : NULL;
}

// What closing everything in one symbol now would add, in its profit currency.
static decimal_t open_gain(const struct exposure *e) {
    const struct quote *q = e->symbol->quote;
    if (!q->known) return D(0);
    wide_t gain =
        e->lots[LONG] * q->bid.e8 - e->value[LONG] + e->value[SHORT] - e->lots[SHORT] * q->ask.e8;
    return account_amount(gain, e->symbol->contract);
}

struct money money_of(const struct market *m, const struct account *a) {
    wide_t equity = a->balance.e8, margin = 0;
    struct money money = {0};
    for (const struct exposure *e = a->exposures; e; e = e->next) {
        const struct symbol *s = e->symbol;
        wide_t lots = e->lots[LONG] + e->lots[SHORT];
        decimal_t gain = D(0), needed = D(0);
        if (!lots) continue;
        bool counted =
            s->currencies.profit[0] &&
            convert_profit(m, a, s, D(0), open_gain(e), &gain) != NO_RATE &&
            convert_margin(m, a, s, lots, e->value[LONG] + e->value[SHORT], &needed) != NO_RATE;
        if (!counted) {
            money.lacks = s->currencies.profit[0] ? "no_rate" : "unknown_currency";
            money.symbol = s;
        }
        equity += gain.e8;
        margin += needed.e8;
    }
    money.equity = account_narrow(equity);
    money.margin = account_narrow(margin);
    return money;
}

struct money money_tell(const struct market *m, struct account *a) {
    struct money money = money_of(m, a);
    if (a->counted && money.lacks)
        log_event(LOG_LEVEL_WARNING, "money_incomplete",
                  "account=%s currency=%s symbol=%s lacks=%s", a->id, a->currency,
                  money.symbol->name, money.lacks);
    else if (!a->counted && !money.lacks)
        log_event(LOG_LEVEL_INFO, "money_complete", "account=%s", a->id);
    a->counted = !money.lacks;
    return money;
}

const char *money_refuses(const struct market *m, const struct account *a, decimal_t margin) {
    const struct money money = money_of(m, a);
    if (money.lacks) return money.lacks;
    return (wide_t)money.equity.e8 - money.margin.e8 >= margin.e8 ? NULL : "no_money";
}
