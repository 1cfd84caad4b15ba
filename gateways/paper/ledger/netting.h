// netting - whose orders a netting account's one position is made of. The broker here knows only
// the position; the gateway divides it, once, and keeps the division: `attributed` of an order is
// how many of the lots that it opened are still open. They add up to the position.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/paper/ledger/closed.h"
#include "gateways/paper/paper.h"

// Into the list of its position, which is oldest first (received_at, then trade_id); nothing if
// nothing is attributed to it.
void netting_enlist(struct order *o);
void netting_reorder(struct order *o); // its received_at has changed
void netting_attribute(
    struct order *o,
    decimal_t lots); // it has opened so much more; negative: of what it opened so much is gone
// Books of the version before attribute nothing: what of a position is nobody's is its carrier's.
void netting_complete(struct account *accounts);

// Divides lots that an execution took off the position, and what they realised, over the orders of
// which it is made: first those named, in their order, each up to the lots named, which become less
// by what it gave; then the oldest first. The parts of `pnl` add up to it. The position's own
// numbers are the caller's.
void netting_divide(paper_t *self, struct order *net, struct reduction *named, size_t n,
                    decimal_t lots, decimal_t pnl, struct closed *closed);
