// witness - a gateway that keeps plans: its hello, its fills with what they closed, its answers with what was submitted.
// SPDX-License-Identifier: MIT
#pragma once

#include "world.h"

#define NONE    HELLO__DUPLICATE_CHECK__none
#define FOREVER HELLO__DUPLICATE_CHECK__forever

// Its books have every Submit since `books_since` (UTC ns; 0: it does not say).
static void witness_greets(struct world *w, Hello__DuplicateCheck check, bool can_query, uint64_t books, uint64_t books_since) {
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g1";
    h.broker_id = (char *)"b1";
    h.kind = (char *)"paper";
    h.duplicate_check = check;
    h.can_query = can_query;
    h.books = books;
    h.has_keeps_plans = h.keeps_plans = true;
    h.has_books_since = books_since != 0;
    h.books_since = books_since;
    gateway_says(w, &h.base);
}

static void witness_hello(struct world *w, Hello__DuplicateCheck check) {
    witness_greets(w, check, true, 77, START - NS_PER_S);
    world_commit(w);
}

static int with_witness(void **state) {
    world_setup(state);
    witness_hello(*state, FOREVER);
    return 0;
}

static int with_witness_that_checks_nothing(void **state) {
    world_setup(state);
    witness_hello(*state, NONE);
    return 0;
}

static Closing piece_of(const char *trade_id, int64_t lots) {
    Closing c = CLOSING__INIT;
    c.trade_id = (char *)(uintptr_t)trade_id;
    c.lots = lots;
    return c;
}

// A close's execution, which took `lots` off the position `of`.
static void witness_closes(struct world *w, const char *close, const char *execution_id, const char *of, int64_t lots) {
    Fill f = fill_of(w, execution_id, lots, LOT + LOT / 10);
    Closing piece = piece_of(of, lots), *pieces[] = {&piece};
    Report r = report_of(w, REPORT__KIND__filled, close);
    f.n_closed = 1;
    f.closed = pieces;
    r.fill = &f;
    gateway_says(w, &r.base);
}

static const TradeState *trade_of(const struct world *w, const char *trade_id) {
    const struct trade *t = trades_find(w->x->trades, trade_id);
    assert_non_null(t);
    return t->s;
}

// The broker answers every question about the trade that it does not know it, for so many seconds.
static void witness_denies(struct world *w, const char *trade_id, unsigned seconds) {
    size_t answered = questions(w, trade_id);
    for (unsigned i = 0; i < seconds; i++) {
        world_live(w, 1);
        for (; answered < questions(w, trade_id); answered++) gateway_does_not_know(w, trade_id);
        world_commit(w);
    }
}
