// closed - what one execution has closed.
// SPDX-License-Identifier: MIT
#include "gateways/paper/ledger/closed.h"

static struct closed_part *part_of(paper_t *self, struct closed *closed, struct order *o) {
    for (size_t i = 0; i < closed->n; i++) {
        if (closed->parts[i].order == o) return &closed->parts[i];
    }
    if (closed->n == closed->room) {
        size_t room = closed->room * 2 + 4;
        struct closed_part *more = arena_take(self->context->arena, room * sizeof *more);
        for (size_t i = 0; i < closed->n; i++) more[i] = closed->parts[i];
        closed->parts = more;
        closed->room = room;
    }
    closed->parts[closed->n] = (struct closed_part){.order = o};
    return &closed->parts[closed->n++];
}

void closed_add(paper_t *self, struct closed *closed, struct order *o, decimal_t lots,
                decimal_t pnl) {
    struct closed_part *part = part_of(self, closed, o);
    part->lots.e8 += lots.e8;
    account_add(&part->pnl, pnl);
    account_add(&closed->pnl, pnl);
    account_add(&o->pnl, pnl);
    if (!order_position(o).e8 && !o->pieces_left) o->state = TRADE_STATE__STATE__closed;
    paper_touch(self, o, true);
    paper_link_order(self, o);
}

struct order *closed_foremost(const struct closed *closed) {
    for (size_t i = 0; i < closed->n; i++) {
        if (!closed->parts[i].order->orphan) return closed->parts[i].order;
    }
    return closed->parts[0].order;
}

void closed_list(paper_t *self, const struct closed *closed, Fill *fill) {
    if (!closed->n) return;
    fill->has_pnl = true;
    fill->pnl = closed->pnl.e8;
    fill->closed = arena_take(self->context->arena, closed->n * sizeof *fill->closed);
    Closing *list = arena_take(self->context->arena, closed->n * sizeof *list);
    for (size_t i = 0; i < closed->n; i++) {
        const struct closed_part *part = &closed->parts[i];
        if (part->order->orphan) continue;
        Closing *c = &list[fill->n_closed];
        closing__init(c);
        c->trade_id = part->order->trade_id;
        c->lots = part->lots.e8;
        c->has_pnl = true;
        c->pnl = part->pnl.e8;
        fill->closed[fill->n_closed++] = c;
    }
}

static void remember_part(paper_t *self, const struct closed_part *part, const Fill *fill,
                          const struct order *owner) {
    Fill theirs = *fill;
    theirs.lots = part->lots.e8;
    theirs.has_pnl = true;
    theirs.pnl = part->pnl.e8;
    theirs.n_closed = 0;
    theirs.closed_by = owner->orphan ? NULL : (char *)(uintptr_t)owner->trade_id;
    theirs.has_received_at = theirs.has_commission = theirs.has_fees = false;
    paper_remember(self, part->order, &theirs, true);
}

void closed_remember(paper_t *self, const struct closed *closed, const Fill *fill,
                     struct order *owner) {
    for (size_t i = 0; i < closed->n; i++) {
        if (closed->parts[i].order == owner)
            paper_remember(self, owner, fill, true);
        else
            remember_part(self, &closed->parts[i], fill, owner);
    }
}
