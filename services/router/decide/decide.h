// decide - what one account makes of a signal: orders of so many lots, a command, or a reason why
// not. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/decimal.h"
#include "common/domain/rates.h"
#include "config.pb-c.h"
#include "order.pb-c.h"
#include "services/router/accounts/accounts.h"
#include "services/router/accounts/risks.h"
#include "system.pb-c.h"

// Everything the decision depends on.
struct decide_input {
    const Signal *signal;
    const AccountConfig *account;
    const Subscription *subscription;
    const BrokerConfig *broker; // NULL: not configured
    const SymbolConfig *symbol; // NULL: the broker does not list it
    RiskState__Mode global;     // trading permission of everything, and of this account
    RiskState__Mode mode;
    RiskState__Mode source; // and of what the signal's source causes; 0: not known, it trades
    uint32_t open_trades;   // entries of this account that are not over
    uint64_t now;           // UTC ns

    // of the account in the signal's symbol; NULL: nothing was ever open there
    const struct holding *holding;
    // the trade of Signal.target_signal_id; NULL: not open, or none is named
    const struct trade *meant;
    const struct money *money;  // NULL: not known
    const struct rate *quote;   // what the symbol costs now; NULL: not known
    struct known_rates market;  // what converts currencies
    const struct account *held; // the account; NULL: not known
    const struct risk *risk;    // its risk rules and lock; NULL: none
    const zone_t *market_zone;  // the clock of the symbol's sessions; only when it has any
    uint64_t day_ends_at;       // UTC ns: the end of the account's trading day; 0: not known
};

#define DECIDE_DETAIL  120
#define DECIDE_NUMBERS 12
#define DECIDE_LEGS    4 // decisions about one symbol, at most

struct decide_number {
    // static, snake_case, stable: it stands in the comment of its reason in order.proto
    const char *name;
    decimal_t value; // times in seconds
};

enum leg_kind {
    LEG_NONE,    // refused before it came to that
    LEG_ENTRY,   // an order to buy or sell
    LEG_CLOSE,   // an order to close
    LEG_COMMAND, // modify or cancel
};

struct optional_price {
    bool has;
    decimal_t value;
};

// One thing that the signal becomes.
struct leg {
    enum leg_kind kind;
    // part of its identity, beside signal and account: the same purpose has the same id. Empty: the
    // only order.
    const char *name;
    // entry: buy, sell; close, command: of what is long (buy), short (sell), or both (close)
    Signal__Direction side;
    // entry: the plan says how much, and nothing is left to be sized; close: so many; else all
    bool has_lots;
    decimal_t lots;
    bool whole_signal; // command: of target_signal_id, else of the symbol
    OrderCommand__Action action;
};

// Where an order's prices are: all of them prices or distances in price, whatever the signal said.
struct levels {
    // what the rest is reckoned from; not known: only what was given as a price is set
    struct optional_price entry;
    struct optional_price stop_loss, take_profit;
    Trailing trailing;
};
#define LEVELS_NONE                                                                                \
    { .trailing = TRAILING__INIT }

struct decide_result {
    struct leg leg;
    Reason__Code reason; // ordered, commanded, or why not
    bool has_lots;       // false when ordered: a close of everything, or of so many percent
    decimal_t lots;
    struct levels levels;
    uint64_t valid_until;       // UTC ns: not to be sent to the broker after it
    uint64_t expires_at;        // UTC ns; 0: never
    char detail[DECIDE_DETAIL]; // in words, for reading
    unsigned n_numbers;         // that led to it
    struct decide_number numbers[DECIDE_NUMBERS];
};

// Returns how many there are, at least one. Closing is never refused by what limits entries:
// reduce-only, sizes, open trades. A halt stops it, though, as does age. `signal` has a
// subscription's inversion already (decide_inverted).
size_t decide_signal(const struct decide_input *in, struct decide_result out[static DECIDE_LEGS]);

#define ALL_SYMBOLS "*"
bool decide_is_for_all(const Signal *signal); // its symbol means all of them

// The opposite of a signal: what it buys is sold; limit and stop, stop loss and take profit change
// places.
void decide_inverted(const Signal *signal, Signal *out);

// For those who decide: words, cut when longer (they are only for reading), and numbers, left out
// beyond DECIDE_NUMBERS.
void decide_say(struct decide_result *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void decide_tell(struct decide_result *out, const char *name, decimal_t value);
