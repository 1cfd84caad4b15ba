// money - what positions are worth in their account's currency: converted by the feed's rates, and
// never guessed.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/paper/ledger/account.h"

// Rounding: an amount in the symbol's currency is rounded once, half even, to 8 decimals. What is
// converted is then rounded against the account: what it gains down, at the cheaper of bid and ask,
// what it loses and its margin up, at the dearer.

struct money {
    // balance, and what closing everything now would add; a symbol without a price adds nothing
    decimal_t equity;
    decimal_t margin; // opened value / leverage, long and short both
    // "no_rate", "unknown_currency": what cannot be converted is in neither number; NULL: all is.
    const char *lacks;
    const struct symbol *symbol; // for which one
};

struct money money_of(const struct market *m, const struct account *a);
// The same, for telling it to others: logs when it becomes incomplete, and when it is whole again.
struct money money_tell(const struct market *m, struct account *a);

// Why what an order of this symbol brings cannot be counted: "unknown_currency", "no_rate"; NULL:
// it can. `price`: at which it would fill. A close needs no margin.
const char *money_lacks(const struct market *m, const struct account *a, const struct symbol *s,
                        decimal_t price, bool is_close);

struct passage { // lots of one side, from price to price
    int side;
    decimal_t opened, closed, lots;
};
// Both: only where money_lacks has nothing to say; 0 for what cannot be converted.
decimal_t money_profit(const struct market *m, const struct account *a, const struct symbol *s,
                       struct passage p);
decimal_t money_margin(const struct market *m, const struct account *a, const struct symbol *s,
                       decimal_t price, decimal_t lots);

// "no_money": the margin does not fit into what is free; "no_rate", …: what is free is not known;
// NULL: it fits.
const char *money_refuses(const struct market *m, const struct account *a, decimal_t margin);
