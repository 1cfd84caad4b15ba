// trade - what every service means by the state and the side of a trade.
// SPDX-License-Identifier: MIT
#include "common/domain/trade.h"

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
