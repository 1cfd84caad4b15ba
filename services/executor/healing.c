// healing - the broker's books against ours, position by position: a difference is asked
// about, adopted, closed here, or left to an operator.
// SPDX-License-Identifier: MIT
//
// A snapshot counts when every report that is in it has been applied: then both speak of the same
// moment, and what differs is no delay. The policy of each discrepancy is a row of
// trade/in_doubt/discrepancy.c.
#include <string.h>

#include "common/base/testing.h"
#include "services/executor/executor.h"
#include "services/executor/trade/fills.h"
#include "services/executor/trade/in_doubt/discrepancy.h"
#include "services/executor/trade/in_doubt/evidence.h"

#define ACCOUNT_ALERTS_MOST 5

struct comparison {
    struct executor *executor;
    batch_t *batch;
    struct account *account;
    unsigned alerts;
};

static void alert_operator(struct comparison *c, const char *trade_id, enum discrepancy d,
                           int64_t here, int64_t there) {
    char ours[DECIMAL_TEXT], theirs[DECIMAL_TEXT];
    if (c->alerts++ >= ACCOUNT_ALERTS_MOST) return;
    decimal_print(D(here), ours);
    decimal_print(D(there), theirs);
    batch_alert(c->batch, ALERT__SEVERITY__critical, "position_differs", trade_id,
                "account %s: %s, and no execution explains it: %s lots on record, %s at the "
                "broker; an operator must look",
                c->account->id, discrepancy_text(d), ours, theirs);
}

static void close_here(struct comparison *c, struct trade *t, int64_t lots) {
    struct step s = step_begin(c->executor, c->batch, t);
    t->differs = 0; // healed: what differs from now on is another matter
    evidence_gone(t, lots, "the broker's books have no more of it, and say of no execution", &s.env,
                  &s.out);
    step_end(&s);
}

static uint8_t counted_on(uint8_t times) {
    return times < UINT8_MAX ? (uint8_t)(times + 1) : UINT8_MAX;
}

static void heal_trade(struct comparison *c, struct trade *t, int64_t there) {
    const struct discrepancy_view v = {true, trade_is_final(t->s), fills_open_lots(t->s).e8, there};
    enum discrepancy d = discrepancy_of(&v);
    t->differs = d == DISCREPANCY_NONE ? 0 : counted_on(t->differs);
    switch (d == DISCREPANCY_NONE ? REMEDY_NOTHING : discrepancy_remedy(d, t->differs)) {
    case REMEDY_NOTHING:
    case REMEDY_SEEK: // of what nobody here knows only
        return;
    case REMEDY_ASK:
        return engine_ask(c->executor, c->batch, t);
    case REMEDY_CLOSE_HERE:
        return close_here(c, t, v.here - v.there);
    case REMEDY_END_HERE: // of orders only
    case REMEDY_ALERT:
        return alert_operator(c, t->s->trade_id, d, v.here, v.there);
    }
}

// How often it was seen is not counted here: there is no trade yet to count it in.
static void heal_unknown(struct comparison *c, const char *trade_id) {
    if (discrepancy_remedy(DISCREPANCY_UNKNOWN, 1) == REMEDY_SEEK)
        orphans_seek(c->executor, c->batch, trade_id, c->account->id);
}

// --- orders

static void heal_order(struct comparison *c, struct trade *t, enum discrepancy d) {
    t->misplaced = counted_on(t->misplaced);
    if (discrepancy_remedy(d, t->misplaced) == REMEDY_END_HERE)
        engine_end(c->executor, c->batch, t, TRADE_CANCEL, "the broker does not list it any more");
    else
        // again and again: an order that works, and is over here, is nothing to be left
        engine_ask(c->executor, c->batch, t);
}

static struct trade *find_held_order(const struct comparison *c, const Holding *h) {
    return h->kind == HOLDING__KIND__order && h->trade_id
               ? trades_find(c->executor->trades, h->trade_id)
               : NULL;
}

// Which orders the broker lists: how many of them work here, too. One that is over here is asked
// about.
static unsigned list_orders(struct comparison *c, const AccountSnapshot *m) {
    unsigned n = 0;
    for (size_t i = 0; i < m->n_holdings; i++) {
        struct trade *t = find_held_order(c, m->holdings[i]);
        if (!t || t->listed_order) continue;
        t->listed_order = true;
        if (trade_is_working(t->s))
            n++, t->misplaced = 0;
        else if (!trade_is_live(t->s) && t->s->state != TRADE_STATE__STATE__pending)
            heal_order(c, t, DISCREPANCY_FINISHED);
    }
    return n;
}

static void heal_orders(struct comparison *c, const AccountSnapshot *m) {
    unsigned listed = list_orders(c, m);
    size_t cursor = 0;
    for (struct trade *t;
         listed < c->account->working && (t = trades_next(c->executor->trades, &cursor)) != NULL;) {
        if (t->holding->account != c->account || t->listed_order || !trade_is_working(t->s))
            continue;
        listed++;
        heal_order(c, t, DISCREPANCY_UNLISTED);
    }
    for (size_t i = 0; i < m->n_holdings; i++) {
        struct trade *t = find_held_order(c, m->holdings[i]);
        if (t) t->listed_order = false;
    }
}

// --- a hedging account: trade by trade

static void list_there(struct comparison *c, const AccountSnapshot *m) {
    for (size_t i = 0; i < m->n_holdings; i++) {
        const Holding *h = m->holdings[i];
        struct trade *t = h->trade_id ? trades_find(c->executor->trades, h->trade_id) : NULL;
        if (t)
            t->listed_lots += h->kind == HOLDING__KIND__position ? h->lots : 0;
        else if (h->trade_id)
            heal_unknown(c, h->trade_id);
    }
}

static void heal_listed(struct comparison *c, const AccountSnapshot *m) {
    for (size_t i = 0; i < m->n_holdings; i++) {
        struct trade *t = m->holdings[i]->trade_id
                              ? trades_find(c->executor->trades, m->holdings[i]->trade_id)
                              : NULL;
        if (!t || !t->listed_lots) continue;
        heal_trade(c, t, t->listed_lots);
        t->listed_lots = 0;
    }
}

// Healing one may end it, and take it out of its holding.
static void heal_unlisted(struct comparison *c, const struct holding *p) {
    for (struct trade *t = p->positions, *next; t; t = next) {
        next = t->newer;
        if (!t->listed_lots) heal_trade(c, t, 0);
    }
}

// --- a netting account: the one position in a symbol, over the trades that made it

static int64_t net_there(const struct holding *p, const AccountSnapshot *m) {
    int64_t lots = 0;
    for (size_t i = 0; i < m->n_holdings; i++) {
        const Holding *h = m->holdings[i];
        if (h->kind != HOLDING__KIND__position || strcmp(h->broker_symbol, p->broker_symbol) != 0)
            continue;
        lots += h->side == SIGNAL__DIRECTION__sell ? -h->lots : h->lots;
    }
    return lots;
}

static bool holding_agrees(const struct holding *p, const AccountSnapshot *m) {
    return p->long_lots - p->short_lots == net_there(p, m);
}

// What differed before, and does no more, is not the same when it differs again.
static void begin_anew(const struct holding *p) {
    for (struct trade *t = p->positions; t; t = t->newer) t->differs = 0;
}

static bool is_netting(const struct comparison *c) {
    const AccountConfig *config = c->executor->context->book
                                      ? book_account(c->executor->context->book, c->account->id)
                                      : NULL;
    return config && config->netting;
}

void healing_compare(struct executor *self, batch_t *batch, struct session *s, struct account *a,
                     const AccountSnapshot *m) {
    struct comparison c = {.executor = self, .batch = batch, .account = a};
    bool netting = is_netting(&c);
    if (!m->has_reports || m->reports != s->report ||
        (m->has_holdings_left_out && m->holdings_left_out))
        return;
    if (MUTATED("no_healing")) return;
    list_there(&c, m);
    heal_orders(&c, m);
    for (struct holding *p = a->holdings; p; p = p->next_of_account) {
        if (netting && holding_agrees(p, m))
            begin_anew(p);
        else
            heal_unlisted(&c, p);
    }
    if (!netting) return heal_listed(&c, m);
    for (size_t i = 0; i < m->n_holdings; i++) {
        struct trade *t =
            m->holdings[i]->trade_id ? trades_find(self->trades, m->holdings[i]->trade_id) : NULL;
        if (t && t->listed_lots && !holding_agrees(t->holding, m))
            heal_trade(&c, t, t->listed_lots);
        if (t) t->listed_lots = 0;
    }
}
