// account - balance and what is at stake, each symbol in its own currency. Exact 128-bit sums, one
// rounding at the end, saturating.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/decimal.h"
#include "common/base/hash.h"
#include "gateways/paper/orders/market.h"

typedef __int128 wide_t;

enum { LONG, SHORT };

// All open positions of an account in one symbol, summed up: so equity costs one step a symbol, not
// one a position.
struct exposure {
    struct exposure *next;
    struct symbol *symbol;
    wide_t lots[2];      // e8, long and short
    wide_t value[2];     // sum of lots * price at which they were opened, e16
    struct order *net;   // netting account: the order that carries the one position; NULL: flat
    struct order *parts; // netting account: the orders that it is made of, oldest first (netting.h)
};

struct account {
    UT_hash_handle hh;
    struct account *touched_next;
    bool touched;
    bool served; // named in the last Welcome
    bool in_books;
    bool counted; // all of its money could be counted when it was last told
    // one position in a symbol, carried by the order that opened it; else one an order
    bool netting;
    char id[72], currency[16];
    uint32_t leverage;
    decimal_t balance, realised, commission, fees;
    struct exposure *exposures;
    struct order *orders; // live ones
};

// price * lots * contract, in the currency of the symbol's profit (money.h: in the account's). Half
// even to 8 decimals.
decimal_t account_amount(wide_t value_e16, decimal_t contract);
static inline wide_t account_value(decimal_t price, decimal_t lots) {
    return (wide_t)price.e8 * lots.e8;
}
decimal_t account_profit(int side, decimal_t opened, decimal_t closed, decimal_t lots,
                         decimal_t contract);

// made when there is none: not served, no money
struct account *account_find(struct account **all, const char *id);
void account_free_all(struct account **all);
// Adds lots (negative: takes away) that were opened at `price`.
void account_expose(struct account *a, struct symbol *symbol, int side, decimal_t price,
                    decimal_t lots);
// A netting account's one position in a symbol: the order that carries it; NULL: none.
struct order *account_net(const struct account *a, const struct symbol *symbol);
void account_carry(struct account *a, struct symbol *symbol, struct order *o);
struct order **account_parts(struct account *a, struct symbol *symbol); // of that position
bool account_is_flat(const struct account *a);                          // no positions

decimal_t account_narrow(wide_t e8);                // saturating
void account_add(decimal_t *sum, decimal_t amount); // likewise
