// plan - which positions a close takes, and how much of each. Decided once, when it is sent; then
// it is part of the order's record.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/executor/trade/partial.h"
#include "services/executor/trade/trade.h"

// A position of the holding, oldest first.
struct plan_position {
    struct trade *trade;
    int64_t free; // e8: open, and not about to be closed by another order
};

// What a symbol and the settings say of lots (e8).
struct plan_lots {
    int64_t step, least;
    bool rest_closes; // a rest smaller than the smallest order is closed, too
};

enum plan_choice { PLAN_CHOSEN, PLAN_NOTHING_OPEN, PLAN_TOO_LITTLE };
struct plan {
    Signal__Direction side; // of the positions
    int64_t lots;           // e8, in all
    Closing *closes;        // in the arena
    size_t n_closes;
    // e8: kept by rounding, after and before; it stands with `newest`
    int64_t residual, residual_before;
    struct trade *newest;
};

// Whether the close may take from this position.
bool plan_means(const TradeState *close, const TradeState *position);
// Chooses among `n` positions for the close `s`. PLAN_TOO_LITTLE: only the residual changes.
enum plan_choice plan_close(const TradeState *s, const struct plan_position *positions, size_t n,
                            const struct plan_lots *rule, arena_t *arena, struct plan *out);
