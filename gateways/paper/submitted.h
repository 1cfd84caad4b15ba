// submitted - an order as it was asked for. It is kept whole, so that what is said about the order
// later is what was asked, whatever has been done of it since. SPDX-License-Identifier: MIT
#pragma once

#include "gateways/paper/paper.h"

// Keeps what came. A second order under an id that is taken as a new one adds its lots and what it
// closes.
void submitted_keep(paper_t *self, struct order *o, const Submit *m);
// A kept one that was unpacked: gives it the names that it shares with its order, which are not
// kept twice.
void submitted_complete(paper_t *self, const struct order *o, Submit *m);
// As a report says it, in the batch's memory. NULL: nobody asked for it, or books of an earlier
// version.
Plan *submitted_plan(paper_t *self, const struct order *o);
