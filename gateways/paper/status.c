// status - what the broker says when asked: one order with all its fills, one account with all that it holds.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <utlist.h>

#include "gateways/paper/books.h"
#include "gateways/paper/money.h"
#include "gateways/paper/paper.h"

#define HOLDINGS_MAX 6000 // a frame holds 1 MiB

static char *ticket_text(paper_t *self, const struct order *o) {
    return arena_format(self->arena, "%016llx", (unsigned long long)o->ticket);
}

// The history is a packed OrderStatus without its head: head and history together are the answer.
static OrderStatus *with_history(paper_t *self, const OrderStatus *head, struct order *o) {
    if (!o->history_known) books_history(self, o);
    size_t size = order_status__get_packed_size(head);
    uint8_t *both = arena_take(self->arena, size + o->history.length);
    order_status__pack(head, both);
    if (o->history.length) memcpy(both + size, o->history.data, o->history.length);
    return order_status__unpack(arena_allocator(self->arena), size + o->history.length, both);
}

void paper_status(paper_t *self, const char *trade_id, const char *account_id) {
    OrderStatus *head = arena_zero(self->arena, sizeof *head);
    order_status__init(head);
    head->trade_id = arena_text(self->arena, trade_id);
    head->account_id = arena_text(self->arena, account_id);
    head->has_failed = head->failed = !self->settings->can_query;
    struct order *o = self->settings->can_query ? paper_order(self, trade_id) : NULL;
    head->found = o && !o->forgotten && !o->latent && !o->orphan && strcmp(o->account->id, account_id) == 0;
    if (!head->found) {
        paper_answer(self, &head->base);
        return;
    }
    head->has_state = true;
    head->state = o->state;
    head->broker_order_id = ticket_text(self, o);
    head->reason = o->reason[0] ? o->reason : NULL;
    OrderStatus *whole = with_history(self, head, o);
    if (whole) paper_answer(self, &whole->base);
}

static Holding *holding(paper_t *self, const struct order *o, Holding__Kind kind) {
    Holding *h = arena_zero(self->arena, sizeof *h);
    holding__init(h);
    h->kind = kind;
    h->trade_id = o->orphan ? NULL : arena_text(self->arena, o->trade_id);
    h->broker_symbol = o->symbol->name;
    h->side = o->side;
    h->lots = kind == HOLDING__KIND__position ? o->open.e8 : o->lots.e8 - o->filled.e8;
    h->price = kind == HOLDING__KIND__position ? o->average.e8 : o->price.e8;
    h->has_price = h->price != 0;
    h->has_net = h->net = kind == HOLDING__KIND__position && o->account->netting;
    h->broker_order_id = ticket_text(self, o);
    return h;
}

static bool is_shown(const struct order *o) { return !o->forgotten && !o->latent && o->symbol; }

static size_t count_holdings(const struct account *a) {
    size_t n = 0;
    const struct order *o;
    DL_FOREACH(a->orders, o) {
        if (is_shown(o)) n += (o->open.e8 != 0) + (o->pieces_left != 0);
    }
    return n;
}

// What does not fit into one frame is left out altogether and said to be: half a list would look like missing positions.
static void list_holdings(paper_t *self, const struct account *a, AccountSnapshot *m) {
    size_t n = count_holdings(a);
    if (n > HOLDINGS_MAX) {
        m->has_holdings_left_out = m->holdings_left_out = true;
        return;
    }
    m->holdings = arena_take(self->arena, (n + 1) * sizeof *m->holdings);
    const struct order *o;
    DL_FOREACH(a->orders, o) {
        if (!is_shown(o)) continue;
        if (o->open.e8) m->holdings[m->n_holdings++] = holding(self, o, HOLDING__KIND__position);
        if (o->pieces_left) m->holdings[m->n_holdings++] = holding(self, o, HOLDING__KIND__order);
    }
}

void paper_snapshot(paper_t *self, struct account *a) {
    const struct money money = money_tell(&self->market, a);
    AccountSnapshot *m = arena_zero(self->arena, sizeof *m);
    account_snapshot__init(m);
    m->account_id = a->id;
    m->currency = a->currency;
    m->balance = a->balance.e8;
    m->equity = money.equity.e8;
    m->margin = money.margin.e8;
    m->free_margin = m->equity - m->margin;
    m->leverage = a->leverage;
    m->taken_at = self->now;
    m->has_spread = self->settings->spread != 0;
    m->spread = self->settings->spread;
    list_holdings(self, a, m);
    paper_answer(self, &m->base);
}

void paper_snapshots(paper_t *self) {
    self->snapshot_at = self->now;
    for (struct account *a = self->accounts; a; a = a->hh.next) {
        if (a->served) paper_snapshot(self, a);
    }
}
