// accounts - what the router holds of each account: its trading permission, its money, its open
// trades. Memory only; slice.h keeps it.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/decimal.h"
#include "execution.pb-c.h"
#include "system.pb-c.h"

// What is open in one symbol of an account, and what its orders under way may still make of it. In
// lots, scaled by 10^8, never negative; wide, for many orders may be very large.
struct holding {
    // the signal's name, from accounts_symbol: compared by address
    const char *symbol;
    __int128 longs, shorts; // open positions
    __int128 buys, sells;   // entries that work: what may still be filled
    // of these, limit and stop orders: they wait for a price
    __int128 resting_buys, resting_sells;
    __int128 closing_longs, closing_shorts; // closes that are under way
    uint32_t entries;                       // trades that are not over and opened it, or will
    uint32_t working;                       // those of them that may still be filled
    struct holding *next;                   // of the account
};

// An account's money, as its broker last said.
struct money {
    bool known; // balance and equity are
    decimal_t balance, equity;
    bool has_margin_level;  // there is margin in use
    decimal_t margin_level; // percent
    uint64_t at;            // UTC ns
    char currency[16];
    uint32_t leverage; // 0: not known
};

struct risk;

struct account {
    RiskState__Mode mode;
    uint32_t open; // entries that are not over
    bool kept;     // it stands in the index in Redis
    bool old;      // its trades stand in Redis in the form of an older version: to be written anew
    struct money money;
    struct holding *holdings;
    struct risk *risk;      // risks.h; NULL: it has no rules, and never broke one
    uint64_t without_rules; // the version of the book in which it was found to have none
    struct account *next;   // of all
    char id[];
};

// What one trade holds. For an entry `open` and `rest` are of its side; for a close `rest` is what
// it still takes of the longs, or of the shorts when is_short, and `other` what it takes of the
// other side, when it closes both.
struct stake {
    bool closing, is_short;
    bool resting; // an entry that waits for a price
    int64_t open, rest, other;
};

typedef struct accounts accounts_t;

accounts_t *router_accounts_new(void);
void router_accounts_destroy(accounts_t **self);
// made when new; valid as long as `self`
struct account *router_accounts_get(accounts_t *self, const char *account_id);
struct account *router_accounts_first(const accounts_t *self); // then ->next

// the one text for it; valid as long as `self`
const char *accounts_symbol(accounts_t *self, const char *symbol);
// NULL: nothing was ever open there. `symbol` from accounts_symbol.
const struct holding *account_holding(const struct account *account, const char *symbol);

struct trade {
    struct account *account;
    struct holding *holding;
    struct stake stake;
    bool kept; // it stands in Redis
};

// What the trade holds from now on. True: it is new here. A trade never changes its account, symbol
// or kind.
bool accounts_hold(accounts_t *self, const char *trade_id, struct account *account,
                   const char *symbol, const struct stake *stake);
// it is over; false: it was not here
bool accounts_drop(accounts_t *self, const char *trade_id);
// NULL: not open; valid until the next hold or drop
struct trade *accounts_trade(const accounts_t *self, const char *trade_id);
// All open trades: start with *cursor = 0; NULL at the end. `trade_id` is written.
struct trade *accounts_next_trade(const accounts_t *self, size_t *cursor, char trade_id[static 40]);

// Lots that will be open once all that is under way is done, not below zero; of longs, or of
// shorts.
__int128 holding_long(const struct holding *h); // without what entries may still add
__int128 holding_short(const struct holding *h);
bool holding_is_empty(const struct holding *h); // nothing open, nothing under way

// Whether a trade counts as open: it may still become a position, or is one. Closing trades never
// do.
bool trade_is_open(const TradeState *trade);
// Whether it may still be filled.
bool trade_may_fill(const TradeState *trade);
struct stake stake_of(const TradeState *trade);
// its money; older than what is held: nothing happens
void account_take(struct account *account, const AccountState *state);
