// decide - what one account makes of a signal: an order of so many lots, or a reason why not. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/decimal.h"
#include "config.pb-c.h"
#include "order.pb-c.h"
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
    uint32_t open_trades; // entries of this account that are not over
    uint64_t now;         // UTC ns
};

#define DECIDE_DETAIL  120
#define DECIDE_NUMBERS 12

struct decide_number {
    const char *name; // static, snake_case, stable: it stands in the comment of its reason in order.proto
    decimal_t value;  // times in seconds
};

struct decide_result {
    Reason__Code reason; // ordered, or why not
    bool has_lots;       // false when ordered: a close of everything
    decimal_t lots;
    uint64_t valid_until;       // UTC ns: not to be sent to the broker after it
    char detail[DECIDE_DETAIL]; // in words, for reading
    unsigned n_numbers;         // that led to it
    struct decide_number numbers[DECIDE_NUMBERS];
};

// Closing (direction close) is never refused by what limits entries: reduce-only, sizes, open trades. A halt stops it, though, as does age.
void decide(const struct decide_input *in, struct decide_result *out);
