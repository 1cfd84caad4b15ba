// witness - a gateway that keeps plans: its hello, its fills with what they closed, its answers
// with what was submitted.
// SPDX-License-Identifier: MIT
#pragma once

#include "world.h"

#define NONE    HELLO__DUPLICATE_CHECK__none
#define FOREVER HELLO__DUPLICATE_CHECK__forever

// Its books have every Submit since `books_since` (UTC ns; 0: it does not say).
static void witness_greets(struct world *w, Hello__DuplicateCheck check, bool can_query,
                           uint64_t books, uint64_t books_since) {
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
static void witness_closes(struct world *w, const char *close, const char *execution_id,
                           const char *of, int64_t lots) {
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

// --- answers, with the Submit as its books have it

struct answer {
    OrderStatus m;
    Submit submit;
    Origin origin;
    Closing pieces[4], *closes[4];
    Fill *fills[4], *closings[4];
};

static void answer_about(const struct world *w, struct answer *a, const char *trade_id) {
    memset(a, 0, sizeof *a);
    order_status__init(&a->m);
    submit__init(&a->submit);
    a->submit.terms = new_terms();
    origin__init(&a->origin);
    a->m.trade_id = a->submit.trade_id = (char *)(uintptr_t)trade_id;
    a->m.account_id = a->submit.account_id = (char *)"a1";
    a->m.fills = a->fills;
    a->m.closings = a->closings;
    a->submit.epoch = 2;
    a->submit.broker_symbol = (char *)"EURUSD.m";
    a->submit.terms->order_type = SIGNAL__ORDER_TYPE__market;
    a->submit.side = SIGNAL__DIRECTION__buy;
    a->submit.lots = LOT;
    a->submit.sent_at = w->now - NS_PER_S;
    a->submit.closes = a->closes;
    a->submit.origin = &a->origin;
    a->origin.signal_id = (char *)"s1";
    a->origin.symbol = (char *)"EURUSD";
    a->origin.signal_at = a->origin.ordered_at = w->now - 2 * NS_PER_S;
    a->origin.direction = SIGNAL__DIRECTION__buy;
}

static void answer_closes(struct answer *a, const char *trade_id, int64_t lots) {
    size_t n = a->submit.n_closes++;
    a->pieces[n] = piece_of(trade_id, lots);
    a->closes[n] = &a->pieces[n];
    a->submit.side = SIGNAL__DIRECTION__sell;
    a->submit.lots = n ? a->submit.lots + lots : lots;
    a->origin.direction = SIGNAL__DIRECTION__close;
}

// The broker has it, and so have its books.
static void answer_found(struct world *w, struct answer *a, TradeState__State state) {
    a->m.found = a->m.has_state = true;
    a->m.state = state;
    a->m.submitted = &a->submit;
    gateway_says(w, &a->m.base);
    world_commit(w);
}

static void answer_never(struct world *w, const char *trade_id) {
    OrderStatus m = ORDER_STATUS__INIT;
    m.trade_id = (char *)(uintptr_t)trade_id;
    m.account_id = (char *)"a1";
    m.has_never_submitted = m.never_submitted = true;
    gateway_says(w, &m.base);
}
