// status - what the broker says when asked: one order with all its fills, one account with all that
// it holds.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <utlist.h>

#include "gateways/paper/ledger/ledger.h"
#include "gateways/paper/ledger/money.h"
#include "gateways/paper/paper.h"

#define HOLDINGS_MAX 6000 // a frame holds 1 MiB

static char *ticket_text(paper_t *self, const struct order *o) {
    return arena_format(self->context->arena, "%016llx", (unsigned long long)o->ticket);
}

// What is not said is NULL.
static void answer_whole(paper_t *self, const OrderStatus *head, struct order *o, bool submitted,
                         bool history) {
    if (history && !o->history_known) ledger_history(self, o);
    struct evidence_names names = o ? paper_names(o) : (struct evidence_names){0};
    OrderStatus *m = evidence_answer(head, submitted ? &o->submit : NULL,
                                     history ? &o->history : NULL, names, self->context->arena);
    if (m) gateway_answer(self->context, &m->base);
}

// If the broker cannot be asked, what the gateway itself has: the Submit, and what it has heard, if
// it has heard everything.
void paper_status(paper_t *self, const char *trade_id, const char *account_id) {
    OrderStatus head = ORDER_STATUS__INIT;
    struct order *o = paper_order(self, trade_id);
    bool of_account = o && strcmp(o->account->id, account_id) == 0,
         can_query = self->settings->can_query;
    head.trade_id = (char *)(uintptr_t)trade_id;
    head.account_id = (char *)(uintptr_t)account_id;
    head.has_failed = head.failed = !can_query;
    head.has_never_submitted = head.never_submitted = !o;
    bool shown = of_account && !o->forgotten && !o->latent && !o->orphan,
         heard = of_account && !o->unheard && !o->orphan;
    head.found = can_query && shown;
    if (can_query ? shown : heard) {
        head.has_state = true;
        head.state = o->state;
        head.broker_order_id = ticket_text(self, o);
        head.reason = o->reason[0] ? o->reason : NULL;
    }
    answer_whole(self, &head, o, of_account, can_query ? shown : heard);
}

// A netting account's position has one price, whichever orders it is made of.
static decimal_t position_price(const struct order *o) {
    return o->account->netting ? account_net(o->account, o->symbol)->average : o->average;
}

static Holding *holding(paper_t *self, const struct order *o, Holding__Kind kind) {
    Holding *h = arena_zero(self->context->arena, sizeof *h);
    holding__init(h);
    h->kind = kind;
    h->trade_id = o->orphan ? NULL : arena_text(self->context->arena, o->trade_id);
    h->broker_symbol = o->symbol->name;
    h->side = o->side;
    h->lots = kind == HOLDING__KIND__position ? order_position(o).e8 : o->lots.e8 - o->filled.e8;
    h->price = kind == HOLDING__KIND__position ? position_price(o).e8 : o->price.e8;
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
        if (is_shown(o)) n += (order_position(o).e8 != 0) + (o->pieces_left != 0);
    }
    return n;
}

// What does not fit into one frame is left out altogether and said to be: half a list would look
// like missing positions.
static void list_holdings(paper_t *self, const struct account *a, AccountSnapshot *m) {
    size_t n = count_holdings(a);
    if (n > HOLDINGS_MAX) {
        m->has_holdings_left_out = m->holdings_left_out = true;
        return;
    }
    m->holdings = arena_take(self->context->arena, (n + 1) * sizeof *m->holdings);
    const struct order *o;
    DL_FOREACH(a->orders, o) {
        if (!is_shown(o)) continue;
        if (order_position(o).e8)
            m->holdings[m->n_holdings++] = holding(self, o, HOLDING__KIND__position);
        if (o->pieces_left) m->holdings[m->n_holdings++] = holding(self, o, HOLDING__KIND__order);
    }
}

static void tell_account(paper_t *self, struct account *a) {
    const struct money money = money_tell(&self->market, a);
    AccountSnapshot *m = arena_zero(self->context->arena, sizeof *m);
    account_snapshot__init(m);
    m->account_id = a->id;
    m->currency = a->currency;
    m->balance = a->balance.e8;
    m->equity = money.equity.e8;
    m->margin = money.margin.e8;
    m->free_margin = m->equity - m->margin;
    m->leverage = a->leverage;
    m->taken_at = self->context->now;
    m->has_spread = self->settings->spread != 0;
    m->spread = self->settings->spread;
    list_holdings(self, a, m);
    gateway_snapshot(self->context, m);
}

void paper_snapshot(paper_t *self) {
    for (struct account *a = self->accounts; a; a = a->hh.next) {
        if (a->served) tell_account(self, a);
    }
}
