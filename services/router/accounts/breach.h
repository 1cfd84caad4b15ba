// breach - the result of a trading day so far, and which risk rule it breaks. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/domain/rules.h"
#include "common/domain/zone.h"
#include "order.pb-c.h"
#include "system.pb-c.h"

// All of this reads and writes the fields of RiskState from day_started_at on; the operator's word
// and the lock are others' to move.

// Balance and equity as the broker told them at `told_at`. What is told late, from before the day
// began, is what the day began with.
struct told {
    int64_t balance, equity; // e8
    uint64_t at;             // UTC ns
    int64_t opening;         // e8: the account's configured balance; 0: none
};
void breach_told(const struct rules *rules, RiskState *s, const struct told *told);

// Begins the trading day that `now` lies in, if it has not begun. Returns true when it did: counts
// and highs start again, and no rule is waived any more. Before the broker has told anything no
// balance and equity are known that it began with, and no rule that needs them is broken.
bool breach_day(const struct rules *rules, const zone_t *zone, RiskState *s, uint64_t now);

void breach_ordered(RiskState *s); // an entry was ordered

struct breach {
    Reason__Code rule;
    RiskRules__Breach action;
    RiskRules__Until until;
    int64_t value, limit; // e8; of max_trades_day: trades
};

// The strongest of all that are broken now: by what it does, then by how long. False: none is.
bool breach_find(const struct rules *rules, const RiskState *s, struct breach *out);

bool breach_is_watched(const struct rules *rules); // whether any rule needs balance or equity
// Whether a lock for it says more than the one that is (which may be none).
bool breach_is_stronger(const RiskState *s, const struct breach *b);
OrderCommand__Lock breach_lock(const struct breach *b);
