// size - how many lots an account trades. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/router/decide/decide.h"

// By what the subscription sizes. False: it says nothing.
bool size_by(const Subscription *subscription, Sizing__By *out);
// Whether lots come from the distance of the stop loss.
bool size_is_by_risk(const struct decide_input *in);
// Whether an account's sizes follow the signal's, so that a part of a position means the same to
// both.
bool size_follows(const Subscription *subscription);

// What is asked for before it is fitted (size_fit): `ordered` when there is something, else why
// not. `said` is the signal's size: its lots, or the size of a target; not set: its risk, if that
// says. Rounded down. Reads out->levels.
Reason__Code size_asked(const struct decide_input *in, struct optional_price said,
                        struct decide_result *out, decimal_t *asked);

// The signal's lots as the account's (closes and targets): times multiplier or equity ratio,
// rounded down. Only for size_follows.
Reason__Code size_scaled(const struct decide_input *in, decimal_t said, struct decide_result *out,
                         decimal_t *lots);

// Capped at the subscription's max_lot (the owner's wish for this account), then rounded down to
// the step; below the least it is refused, or rounded up to it (below_min); above the symbol's
// max_lot it is refused (the broker's rule: cutting an order silently to it is not ours to decide).
// `ordered`: out->lots is set.
Reason__Code size_fit(const struct decide_input *in, decimal_t asked, struct decide_result *out);
// The same without the symbol's max_lot, which bounds an order and not a position: the size of a
// target. Nothing is said of it yet.
Reason__Code size_round(const struct decide_input *in, decimal_t asked, struct decide_result *out,
                        decimal_t *lots);

// So many lots are ordered, from so many that were asked for; and: so many are less than a step.
void size_is(struct decide_result *out, decimal_t lots, decimal_t asked);
Reason__Code size_too_small(struct decide_result *out, decimal_t lots, decimal_t step);

decimal_t size_step(const SymbolConfig *symbol);
// the smallest order: the higher of symbol's and subscription's
decimal_t size_least(const struct decide_input *in);

// What one lot is worth in the account's currency, rounded up: its margin is a share of this.
// `ordered`, or why it is not known. Risk rules may ask, too.
Reason__Code size_worth_of_lot(const struct decide_input *in, struct decide_result *out,
                               decimal_t *worth);
