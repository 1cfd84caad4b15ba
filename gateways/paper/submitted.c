// submitted - an order as it was asked for.
// SPDX-License-Identifier: MIT
#include "gateways/paper/submitted.h"

#include <string.h>

#include "common/former.h"

static Submit *submit_of(paper_t *self, const struct order *o) {
    struct span packed = {o->submit.data, o->submit.length};
    return packed.length ? (Submit *)former_unpack(&submit__descriptor, packed, self->arena) : NULL;
}

static void add_to(paper_t *self, Submit *m, const Submit *first) {
    decimal_t lots = D(m->lots);
    account_add(&lots, D(first->lots));
    m->lots = lots.e8;
    Closing **all = arena_take(self->arena, (first->n_closes + m->n_closes + 1) * sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i < first->n_closes; i++) all[n++] = first->closes[i];
    for (size_t i = 0; i < m->n_closes; i++) all[n++] = m->closes[i];
    m->closes = all;
    m->n_closes = n;
}

// What the order's row says already takes no room a second time.
static char *unless_same(char *text, const char *row) {
    return row && strcmp(text, row) == 0 ? (char *)(uintptr_t) "" : text;
}

void submitted_keep(paper_t *self, struct order *o, const Submit *m) {
    Submit whole = *m;
    whole.trade_id = unless_same(m->trade_id, o->trade_id);
    whole.account_id = unless_same(m->account_id, o->account->id);
    whole.broker_symbol = unless_same(m->broker_symbol, o->symbol ? o->symbol->name : NULL);
    const Submit *first = o->acceptances ? submit_of(self, o) : NULL;
    if (first) add_to(self, &whole, first);
    buffer_clear(&o->submit);
    uint8_t *at = buffer_reserve(&o->submit, submit__get_packed_size(&whole));
    o->submit.length = submit__pack(&whole, at);
}

void submitted_complete(paper_t *self, const struct order *o, Submit *m) {
    if (!m->trade_id[0]) m->trade_id = arena_text(self->arena, o->trade_id);
    if (!m->account_id[0]) m->account_id = arena_text(self->arena, o->account->id);
    if (!m->broker_symbol[0] && o->symbol)
        m->broker_symbol = arena_text(self->arena, o->symbol->name);
}

Plan *submitted_plan(paper_t *self, const struct order *o) {
    const Submit *m = submit_of(self, o);
    if (!m) return NULL;
    Plan *plan = arena_take(self->arena, sizeof *plan);
    plan__init(plan);
    plan->side = m->side;
    plan->lots = m->lots;
    plan->closes = m->closes;
    plan->n_closes = m->n_closes;
    return plan;
}
