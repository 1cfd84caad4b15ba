// trade - what every service means by the state and the side of a trade, and by a routing that
// gives no order.
// SPDX-License-Identifier: MIT
#include "common/domain/trade.h"

#include <stddef.h>

#define T(name) TRADE_STATE__STATE__##name

bool trade_state_is_given_up(TradeState__State state) {
    switch (state) {
    case T(rejected):
    case T(cancelled):
    case T(expired):
        return true;
    case T(pending):
    case T(submitting):
    case T(working):
    case T(partially_filled):
    case T(filled):
    case T(closed):
    case T(unknown):
    case _TRADE_STATE__STATE_IS_INT_SIZE:
        return false;
    }
    return false;
}

bool trade_state_is_over(TradeState__State state) {
    return state == T(closed) || trade_state_is_given_up(state);
}

bool trade_is_closing(const TradeState *t) { return t->direction == SIGNAL__DIRECTION__close; }

Signal__Direction side_opposite(Signal__Direction side) {
    return side == SIGNAL__DIRECTION__sell ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
}

// --- a routing that gives no order

#define O(name) SIGNAL_EXECUTION_STATUS__OUTCOME__##name
#define R(name) REASON__CODE__##name

static bool is_among(Reason__Code reason, const Reason__Code *codes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (codes[i] == reason) return true;
    }
    return false;
}
#define AMONG(reason, ...)                                                                         \
    is_among(reason, (const Reason__Code[]){__VA_ARGS__},                                          \
             sizeof((const Reason__Code[]){__VA_ARGS__}) / sizeof(Reason__Code))

static bool is_satisfying(Reason__Code reason) {
    return AMONG(reason, R(commanded), R(in_position));
}

static bool is_skipping(Reason__Code reason) {
    return AMONG(reason, R(no_subscriber), R(part_only), R(auto_execute_off), R(approval_refused),
                 R(approval_expired), R(filtered_strategy), R(filtered_symbol), R(filtered_side),
                 R(account_disabled));
}

bool decision_is_failure(Reason__Code reason) {
    return reason != R(ordered) && !is_satisfying(reason) && !is_skipping(reason);
}

SignalExecutionStatus__Outcome routed_without_order(const Routing *routing) {
    if (routing->elsewhere) return O(satisfied);
    // a router of an earlier version does not say that there is no subscriber
    bool skipped = routing->has_reason ? is_skipping(routing->reason)
                                       : !routing->refused || routing->n_decisions;
    for (size_t i = 0; i < routing->n_decisions; i++) {
        if (is_satisfying(routing->decisions[i]->reason)) return O(satisfied);
        skipped = skipped && is_skipping(routing->decisions[i]->reason);
    }
    return skipped ? O(skipped) : O(failed);
}

bool routed_as_vote(const Routing *routing) {
    if (routing->has_reason) return routing->reason == R(part_only);
    for (size_t i = 0; i < routing->n_decisions; i++) {
        if (routing->decisions[i]->reason != R(part_only)) return false;
    }
    return routing->n_decisions != 0;
}
