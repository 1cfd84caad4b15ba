// closed - what one execution has closed: of which orders, how many lots, and what that realised
// for each.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/paper/paper.h"

struct closed_part {
    struct order *order; // that opened it
    decimal_t lots, pnl;
};

// A plain value, {0} is empty; its memory is the batch's. An order is in it once.
struct closed {
    struct closed_part *parts;
    size_t n, room;
    decimal_t pnl; // of all
};

// The order's position is smaller by `lots` already; here it is closed if nothing is left, and its
// profit counted.
void closed_add(paper_t *self, struct closed *closed, struct order *o, decimal_t lots,
                decimal_t pnl);
// Whose order stands for all of them in a report: the first that was submitted to us. Not of an
// empty list.
struct order *closed_foremost(const struct closed *closed);
// Into Fill.closed and Fill.pnl. What nobody asked for (an orphan) has no trade to name: then the
// list is shorter than what was closed.
void closed_list(paper_t *self, const struct closed *closed, Fill *fill);
// Each order's part into its history, as this execution's. `owner`: whose execution it is, which
// bears what it cost: the order that closed, or of those that the broker closed the one that stands
// for all; that one has it whole, as in its report.
void closed_remember(paper_t *self, const struct closed *closed, const Fill *fill,
                     struct order *owner);
