// timing - what waits for a price or a time.
// SPDX-License-Identifier: MIT
#include <utlist.h>

#include "gateways/paper/ledger/money.h"
#include "gateways/paper/paper.h"

#define NEVER UINT64_MAX

struct picked { // handling one may take others off the lists: so they are picked first
    struct order **orders;
    size_t n, room;
};

static void pick(paper_t *self, struct picked *p, struct order *o) {
    if (p->n == p->room) {
        struct order **more = arena_take(self->context->arena, (p->room * 2 + 16) * sizeof *more);
        for (size_t i = 0; i < p->n; i++) more[i] = p->orders[i];
        p->orders = more;
        p->room = p->room * 2 + 16;
    }
    p->orders[p->n++] = o;
}

// --- prices ---

static bool is_quiet(const struct symbol *s) {
    const struct quote *q = s->quote;
    return q->bid.e8 > s->bid_low.e8 && q->bid.e8 < s->bid_high.e8 && q->ask.e8 > s->ask_low.e8 &&
           q->ask.e8 < s->ask_high.e8;
}

static void trigger(paper_t *self, struct order *o) {
    decimal_t level, price;
    const char *reason;
    if (!order_triggers(o, &level, &reason)) return; // one handled before it has changed it
    if (!reason)
        paper_reached(self, o);
    else if (paper_side_price(o->symbol, order_leg(o) == LONG ? SHORT : LONG, &price) &&
             !money_lacks(&self->market, o->account, o->symbol, price,
                          true)) // else the next price tries again
        paper_close_position(self, o, o->open, price, reason);
}

static void symbol_quoted(paper_t *self, struct symbol *s) {
    struct picked p = {0};
    struct order *o;
    decimal_t level;
    const char *reason;
    if (!s->watched || is_quiet(s)) return;
    DL_FOREACH2(s->watched, o, watched_next) {
        if (order_triggers(o, &level, &reason)) pick(self, &p, o);
    }
    for (size_t i = 0; i < p.n; i++) trigger(self, p.orders[i]);
    symbol_widen(s);
    DL_FOREACH2(s->watched, o, watched_next) symbol_narrow(s, o);
}

void paper_quoted(paper_t *self, struct quote *q) {
    for (struct symbol *s = q->symbols; s; s = s->next) symbol_quoted(self, s);
}

// --- times ---

static void at_its_time(paper_t *self, struct order *o) {
    if (!o->pieces_left) return; // one handled before it has ended it
    if (o->due_at && o->due_at <= self->context->now) {
        if (o->latent)
            paper_accept(self, o);
        else
            paper_fill(self, o);
    } else if (!o->due_at && o->expires_at && o->expires_at <= self->context->now) {
        paper_end(self, o, REPORT__KIND__expired, "expired");
    }
}

static uint64_t earliest(uint64_t a, uint64_t b) { return b && b < a ? b : a; }

static void due_orders(paper_t *self) {
    struct picked p = {0};
    struct order *o;
    DL_FOREACH2(self->timed, o, timed_next) {
        if ((o->due_at ? o->due_at : o->expires_at) <= self->context->now) pick(self, &p, o);
    }
    for (size_t i = 0; i < p.n; i++) at_its_time(self, p.orders[i]);
    self->context->due = NEVER;
    DL_FOREACH2(self->timed, o, timed_next)
    self->context->due = earliest(self->context->due, o->due_at ? o->due_at : o->expires_at);
}

void paper_time(paper_t *self) {
    if (self->context->now >= self->context->due) due_orders(self);
}
