// netting - whose orders a netting account's one position is made of.
// SPDX-License-Identifier: MIT
#include "gateways/paper/ledger/netting.h"

#include <string.h>
#include <utlist.h>

static bool is_older(const struct order *a, const struct order *b) {
    if (a->received_at != b->received_at) return a->received_at < b->received_at;
    return strcmp(a->trade_id, b->trade_id) < 0;
}

static void delist(struct order *o) {
    if (!o->is_part) return;
    DL_DELETE2(*account_parts(o->account, o->symbol), o, part_prev, part_next);
    o->is_part = false;
}

// From the newest on: an order that opens something is hardly ever older.
void netting_enlist(struct order *o) {
    if (o->is_part || !o->attributed.e8) return;
    struct order **parts = account_parts(o->account, o->symbol),
                 *before = *parts ? (*parts)->part_prev : NULL;
    while (before && is_older(o, before)) before = before == *parts ? NULL : before->part_prev;
    if (before)
        DL_APPEND_ELEM2(*parts, before, o, part_prev, part_next);
    else
        DL_PREPEND2(*parts, o, part_prev, part_next);
    o->is_part = true;
}

void netting_reorder(struct order *o) {
    delist(o);
    netting_enlist(o);
}

void netting_attribute(struct order *o, decimal_t lots) {
    o->attributed.e8 += lots.e8;
    if (o->attributed.e8)
        netting_enlist(o);
    else
        delist(o);
}

// Whoever changed the books by hand changed the position: less of it is less of the oldest.
static void complete(struct exposure *e) {
    int64_t missing = e->net->open.e8;
    struct order *o;
    DL_FOREACH2(e->parts, o, part_next) missing -= o->attributed.e8;
    if (missing > 0) netting_attribute(e->net, D(missing));
    while (missing < 0 && (o = e->parts)) {
        decimal_t lots = decimal_min(o->attributed, D(-missing));
        netting_attribute(o, decimal_neg(lots));
        missing += lots.e8;
    }
}

void netting_complete(struct account *accounts) {
    for (struct account *a = accounts; a; a = a->hh.next) {
        for (struct exposure *e = a->exposures; e; e = e->next) {
            if (e->net) complete(e);
        }
    }
}

// --- the division ---

struct division {
    paper_t *paper;
    struct closed *closed;
    decimal_t lots, pnl;   // to be divided
    decimal_t given, paid; // so far
};

// The share of the first lots in all, less what has been paid of it: so the parts add up whatever
// is rounded.
static decimal_t share_of_next(struct division *d, decimal_t lots) {
    d->given.e8 += lots.e8;
    decimal_t whole = D((int64_t)((wide_t)d->pnl.e8 * d->given.e8 / d->lots.e8)),
              share = D(whole.e8 - d->paid.e8);
    d->paid = whole;
    return share;
}

// Returns what the order gave: `most` lots, or what is attributed to it, or what is still to be
// divided.
static decimal_t take_from(struct division *d, struct order *o, decimal_t most) {
    decimal_t lots = decimal_min(most, decimal_min(o->attributed, D(d->lots.e8 - d->given.e8)));
    if (lots.e8 <= 0) return D(0);
    netting_attribute(o, decimal_neg(lots));
    closed_add(d->paper, d->closed, o, lots, share_of_next(d, lots));
    return lots;
}

void netting_divide(paper_t *self, struct order *net, struct reduction *named, size_t n,
                    decimal_t lots, decimal_t pnl, struct closed *closed) {
    struct division d = {.paper = self, .closed = closed, .lots = lots, .pnl = pnl};
    struct order **parts = account_parts(net->account, net->symbol);
    for (size_t i = 0; i < n; i++) {
        struct order *o = paper_live(self, named[i].trade_id);
        if (o && o->is_part && o->account == net->account && o->symbol == net->symbol)
            named[i].lots.e8 -= take_from(&d, o, named[i].lots).e8;
    }
    while (*parts && d.given.e8 < lots.e8) (void)take_from(&d, *parts, lots);
}
