// accounts - what the router holds of each account.
// SPDX-License-Identifier: MIT
#include "services/router/accounts/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/table.h"
#include "common/domain/trade.h"

struct accounts {
    table_t *by_id;   // struct account *
    table_t *trades;  // struct trade, by trade_id
    table_t *symbols; // char *
    const char *last; // symbol asked for: a fan-out asks for the same one again and again
    struct account *first;
};

accounts_t *router_accounts_new(void) {
    accounts_t *self = alloc_zeroed(1, sizeof *self);
    self->by_id = table_new(sizeof(struct account *));
    self->trades = table_new(sizeof(struct trade));
    self->symbols = table_new(sizeof(char *));
    return self;
}

static void free_account_and_holdings(struct account *a) {
    for (struct holding *h = a->holdings, *next; h; h = next) {
        next = h->next;
        free(h);
    }
    free(a->risk);
    free(a);
}

void router_accounts_destroy(accounts_t **self) {
    if (!*self) return;
    for (struct account *a = (*self)->first, *next; a; a = next) {
        next = a->next;
        free_account_and_holdings(a);
    }
    size_t cursor = 0;
    for (char **s; (s = table_next((*self)->symbols, &cursor, NULL)) != NULL;) free(*s);
    table_destroy(&(*self)->by_id);
    table_destroy(&(*self)->trades);
    table_destroy(&(*self)->symbols);
    free(*self);
    *self = NULL;
}

struct account *router_accounts_get(accounts_t *self, const char *account_id) {
    struct account **slot = table_add(self->by_id, table_key(account_id));
    if (*slot) return *slot;
    size_t length = strlen(account_id) + 1;
    struct account *account = alloc_zeroed(1, sizeof *account + length);
    memcpy(account->id, account_id, length);
    account->mode = RISK_STATE__MODE__trading;
    account->next = self->first;
    self->first = account;
    return *slot = account;
}

struct account *router_accounts_first(const accounts_t *self) {
    return self->first;
}

const char *accounts_symbol(accounts_t *self, const char *symbol) {
    if (self->last && strcmp(self->last, symbol) == 0) return self->last;
    char **text = table_add(self->symbols, table_key(symbol));
    if (!*text) *text = alloc_text(symbol);
    return self->last = *text;
}

// --- holdings

const struct holding *account_holding(const struct account *account, const char *symbol) {
    const struct holding *h = account->holdings;
    while (h && h->symbol != symbol) h = h->next;
    return h;
}

static struct holding *holding_get(struct account *account, const char *symbol) {
    struct holding *h = account->holdings;
    while (h && h->symbol != symbol) h = h->next;
    if (h) return h;
    h = alloc_zeroed(1, sizeof *h);
    h->symbol = symbol;
    h->next = account->holdings;
    return account->holdings = h;
}

static void count_stake(struct trade *t, int sign) {
    const struct stake *s = &t->stake;
    struct holding *h = t->holding;
    if (s->closing) {
        *(s->is_short ? &h->closing_shorts : &h->closing_longs) += (__int128)sign * s->rest;
        *(s->is_short ? &h->closing_longs : &h->closing_shorts) += (__int128)sign * s->other;
        return;
    }
    *(s->is_short ? &h->shorts : &h->longs) += (__int128)sign * s->open;
    *(s->is_short ? &h->sells : &h->buys) += (__int128)sign * s->rest;
    if (s->resting)
        *(s->is_short ? &h->resting_sells : &h->resting_buys) += (__int128)sign * s->rest;
    h->entries += (uint32_t)sign;
    h->working += s->rest > 0 ? (uint32_t)sign : 0;
    t->account->open += (uint32_t)sign;
}

static __int128 subtract_to_zero(__int128 of, __int128 by) { return of > by ? of - by : 0; }

__int128 holding_long(const struct holding *h) {
    return h ? subtract_to_zero(h->longs, h->closing_longs) : 0;
}
__int128 holding_short(const struct holding *h) {
    return h ? subtract_to_zero(h->shorts, h->closing_shorts) : 0;
}
bool holding_is_empty(const struct holding *h) { return !h || !h->entries; }

// --- trades

bool accounts_hold(accounts_t *self, const char *trade_id, struct account *account,
                   const char *symbol, const struct stake *stake) {
    struct trade *t = table_add(self->trades, table_key(trade_id));
    bool is_new = !t->account;
    if (is_new) {
        t->account = account;
        t->holding = holding_get(account, symbol);
    } else {
        count_stake(t, -1);
        // from before symbols were kept
        if (*symbol && !*t->holding->symbol) t->holding = holding_get(account, symbol);
    }
    t->stake = *stake;
    count_stake(t, 1);
    return is_new;
}

bool accounts_drop(accounts_t *self, const char *trade_id) {
    struct digest key = table_key(trade_id);
    struct trade *t = table_find(self->trades, key);
    if (!t) return false;
    count_stake(t, -1);
    return table_drop(self->trades, key);
}

struct trade *accounts_trade(const accounts_t *self, const char *trade_id) {
    return table_find(self->trades, table_key(trade_id));
}

struct trade *accounts_next_trade(const accounts_t *self, size_t *cursor,
                                  char trade_id[static 40]) {
    struct digest key;
    struct trade *t = table_next(self->trades, cursor, &key);
    if (t) table_key_print(key, trade_id);
    return t;
}

// --- what a trade's state says

bool trade_may_fill(const TradeState *t) {
    switch (t->state) {
    case TRADE_STATE__STATE__pending:
    case TRADE_STATE__STATE__submitting:
    case TRADE_STATE__STATE__working:
    case TRADE_STATE__STATE__partially_filled:
    case TRADE_STATE__STATE__unknown:
        return true;
    case TRADE_STATE__STATE__filled:
    case TRADE_STATE__STATE__closed:
    case TRADE_STATE__STATE__rejected:
    case TRADE_STATE__STATE__cancelled:
    case TRADE_STATE__STATE__expired:
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        break;
    }
    return false;
}

// Absent fields are 0. On a netting account, what of it met an opposite position opened nothing.
static int64_t open_lots(const TradeState *t) {
    decimal_t open;
    if (!decimal_sub(D(t->filled_lots), D(t->closed_lots), &open) ||
        !decimal_sub(open, D(t->netted_lots), &open))
        return 0;
    return open.e8 > 0 ? open.e8 : 0;
}

bool trade_is_open(const TradeState *t) {
    if (trade_is_closing(t) || t->state == TRADE_STATE__STATE__closed) return false;
    if (trade_may_fill(t)) return true;
    // all of it netted: it opened nothing
    if (t->state == TRADE_STATE__STATE__filled) return open_lots(t) > 0 || !t->netted_lots;
    return open_lots(t) > 0; // ended when partly filled: that part is a position
}

// A close goes against what it closes: a sell takes longs.
struct stake stake_of(const TradeState *t) {
    bool sells = (t->has_side ? t->side : t->direction) == SIGNAL__DIRECTION__sell;
    int64_t rest = trade_may_fill(t) && t->terms->lot_size > t->filled_lots
                       ? t->terms->lot_size - t->filled_lots
                       : 0;
    if (trade_is_closing(t))
        return (struct stake){.closing = true, .is_short = !sells, .rest = rest};
    return (struct stake){.is_short = sells,
                          .resting = t->terms->order_type != SIGNAL__ORDER_TYPE__market,
                          .open = open_lots(t),
                          .rest = rest};
}

void account_take(struct account *account, const AccountState *s) {
    struct money *m = &account->money;
    if (s->updated_at < m->at) return;
    m->at = s->updated_at;
    m->known = s->has_balance && s->has_equity;
    m->balance = D(s->balance);
    m->equity = D(s->equity);
    m->has_margin_level = s->has_margin_level;
    m->margin_level = D(s->margin_level);
    m->leverage = s->has_leverage ? s->leverage : 0;
    (void)snprintf(m->currency, sizeof m->currency, "%s", s->currency ? s->currency : "");
}
