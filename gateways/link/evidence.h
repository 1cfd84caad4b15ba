// evidence - what a gateway keeps of an order, so that it can say all of it again.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "gateway.pb-c.h"

// Two columns of the row of an order: the Submit as it came, packed; and what happened to it, a
// packed OrderStatus with nothing but fills and closings. Either may be empty.
struct evidence_names { // what the row says anyway takes no room a second time in its Submit
    const char *trade_id, *account_id, *broker_symbol; // broker_symbol: NULL when it has none
};

// Keeps what came in place of what was there. `adds`: a second order under an id that is taken as a
// new one; its lots and what it closes are added to those of the one before.
void evidence_keep_submit(buffer_t *kept, const Submit *m, bool adds, struct evidence_names names,
                          arena_t *arena);
// As a report says it. NULL: nobody asked for the order, or books that kept no Submit.
Plan *evidence_plan(const buffer_t *kept, arena_t *arena);
// `closing`: of a position that it opened, by whomever.
void evidence_add_fill(buffer_t *history, const Fill *fill, bool closing);
// The whole answer: its head, with what was submitted and what happened (NULL: not said). NULL:
// what was kept cannot be read.
OrderStatus *evidence_answer(const OrderStatus *head, const buffer_t *kept, const buffer_t *history,
                             struct evidence_names names, arena_t *arena);
