// memory - what an executor remembers of the orders at the model broker: trades, their records, and
// the effects of each step.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/schema/record.h"
#include "services/executor/trade/amend.h"
#include "services/executor/trade/fills.h"
#include "services/executor/trade/in_doubt/evidence.h"
#include "services/executor/trade/in_doubt/inquiry.h"
#include "services/executor/trade/plan.h"
#include "tests/unit/terms.h"
#include "tests/unit/trade/broker.h"

enum { COPIES = 6, RECORD = 1024, WAITING = 64 };

struct remembered {
    struct trade *t; // NULL: forgotten, or never known
    bool ordered;    // its order has come, once at least
    bool named;      // by the broker, while it was not known
    struct {
        uint8_t bytes[RECORD];
        size_t length;
    } copies[COPIES]; // of its record, the newest last
    int n_copies;
};

enum report {
    REPORTS_ACCEPTED,
    REPORTS_FILLED,
    REPORTS_CLOSED,
    REPORTS_CANCELLED,
    REPORTS_REJECTED,
    REPORTS_DUPLICATE
};
struct waiting {
    enum report report;
    int order, execution;
    int cut; // an answer: as of when; -1: not taken yet
    TradeState__State state;
    bool there;
};
struct queue_of {
    struct waiting items[WAITING];
    int n;
};

struct model {
    struct broker b;
    struct remembered m[ORDERS];
    struct queue_of reports, questions, submits;
    uint64_t now, mono;
    bool checks; // the broker refuses a second order under an id
    arena_t *arena;
    struct doubt_patience patience;
    struct gateway_abilities gateway;
    uint64_t seed, steps; // for who looks for a failure
};

static void put_waiting(struct queue_of *q, struct waiting item) {
    if (q->n < WAITING) q->items[q->n++] = item; // else lost, like others
}
static struct waiting take_waiting(struct queue_of *q, int i) {
    struct waiting item = q->items[i];
    q->items[i] = q->items[--q->n];
    return item;
}

#define broken(w, ...)                                                                             \
    do {                                                                                           \
        print_error("seed %llu, step %llu: ", (unsigned long long)(w)->seed,                       \
                    (unsigned long long)(w)->steps);                                               \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)

static int number_of(const struct model *w, const char *trade_id) {
    for (int i = 0; i < ORDERS; i++) {
        if (strcmp(w->b.orders[i].id, trade_id) == 0) return i;
    }
    return -1;
}

static struct trade_env env_of(const struct model *w) {
    return (struct trade_env){.now = w->now,
                              .mono = w->mono,
                              .arena = w->arena,
                              .patience = &w->patience,
                              .gateway_there = true,
                              .gateway_ready = true,
                              .gateway = &w->gateway,
                              .late_for = NS_PER_S,
                              .pending_for = 60 * NS_PER_S};
}

// --- what always holds

static bool reachable[11][11]; // by three moves of the table at most

static void learn_moves(void) {
    for (int from = 1; from <= 10; from++) reachable[from][from] = true;
    for (int times = 0; times < 3; times++) {
        bool before[11][11];
        memcpy(before, reachable, sizeof before);
        for (int from = 1; from <= 10; from++) {
            for (int by = 1; by <= 10; by++) {
                for (int event = 0; before[from][by] && event < TRADE_EVENT_COUNT; event++) {
                    TradeState__State after = (TradeState__State)by;
                    if (trade_step(&after, (enum trade_event)event)) reachable[from][after] = true;
                }
            }
        }
    }
}

struct counted {
    int64_t filled, closed, netted, pnl;
};

// Each execution that is counted is one of the broker's, its own or one that closed a part of it,
// and counted once.
static struct counted count_executions(struct model *w, int i) {
    struct counted c = {0};
    const TradeState *s = w->m[i].t->s;
    uint64_t own = 0, closings = 0;
    for (size_t k = 0; k < s->n_executions; k++) {
        bool closing = strncmp(s->executions[k], "closed:", 7) == 0;
        int n = atoi(s->executions[k] + (closing ? 8 : 1));
        uint64_t *seen = closing ? &closings : &own;
        if (n >= w->b.n_executions || *seen >> n & 1)
            broken(w, "%s counts %s twice, or it never was", s->trade_id, s->executions[k]);
        *seen |= UINT64_C(1) << n;
        const struct execution *e = &w->b.executions[n];
        if (!closing && (e->owner != i || e->by_broker))
            broken(w, "%s counts %s, which is not its own", s->trade_id, e->id);
        if (!closing) c.filled += e->lots;
        for (int p = 0; p < e->n_closed; p++) {
            if (!closing && !w->b.orders[i].closes) c.netted += e->closed[p].lots;
            if (closing && e->closed[p].of == i)
                c.closed += e->closed[p].lots, c.pnl += e->closed[p].pnl;
        }
    }
    return c;
}

static void check_sums(struct model *w, int i) {
    const TradeState *s = w->m[i].t->s;
    struct counted c = count_executions(w, i);
    if (s->filled_lots != c.filled)
        broken(w, "%s has %lld filled, its executions say %lld", s->trade_id,
               (long long)s->filled_lots, (long long)c.filled);
    if (s->closed_lots - s->unseen_lots != c.closed)
        broken(w, "%s: closed lots are not those of what closed it", s->trade_id);
    if (s->netted_lots != c.netted)
        broken(w, "%s: netted lots are not those of its executions", s->trade_id);
    if (s->pnl != c.pnl) broken(w, "%s: profit is not that of what closed it", s->trade_id);
    if (s->unseen_lots < 0) broken(w, "%s: unseen lots below nothing", s->trade_id);
    bool caused = (s->reason && *s->reason) || s->n_executions || s->unseen_lots;
    if (trade_is_final(s) && !caused) broken(w, "%s is over without a cause", s->trade_id);
}

// --- one step

struct model_step {
    struct model *w;
    int i;
    TradeState__State before;
    uint8_t *bytes;
    size_t length;
    struct trade_env env;
    struct effects out;
};

static struct model_step begin(struct model *w, int i) {
    struct trade *t = w->m[i].t;
    struct model_step s = {
        .w = w, .i = i, .before = t->s->state, .env = env_of(w), .out = effects_new(w->arena)};
    s.bytes = arena_take(w->arena, RECORD);
    s.length = trade_state__pack(t->s, s.bytes);
    return s;
}

static void save_copy(struct remembered *m, const uint8_t *bytes, size_t length) {
    if (m->n_copies == COPIES) {
        memmove(&m->copies[0], &m->copies[1], sizeof m->copies[0] * (COPIES - 1));
        m->n_copies--;
    }
    memcpy(m->copies[m->n_copies].bytes, bytes, length);
    m->copies[m->n_copies++].length = length;
}

static void reduce_other(struct model *w, const struct reduction *r);

static void do_submit(struct model *w, int i) {
    bool leaves = !one_in(&w->b, 12);
    (void)sending_step(&w->m[i].t->sending, leaves ? SENDING_LEAVE : SENDING_HOLD_BACK);
    if (leaves) put_waiting(&w->submits, (struct waiting){.order = i});
}

static void do_effect(struct model *w, int i, const struct effect *e) {
    switch (e->kind) {
    case EFFECT_SUBMIT:
        return do_submit(w, i);
    case EFFECT_ASK:
        return put_waiting(&w->questions, (struct waiting){.order = i, .cut = -1});
    case EFFECT_REDUCE:
        return reduce_other(w, &e->reduce);
    case EFFECT_SEEK:
        w->m[number_of(w, e->name)].named |= !w->m[number_of(w, e->name)].t;
        return;
    case EFFECT_ALERT:
        if (strcmp(e->alert.code, "unlisted_move") == 0)
            broken(w, "%s: %s", w->b.orders[i].id, e->alert.text);
        if (strncmp(e->alert.code, "bad_", 4) == 0)
            broken(w, "%s: %s", w->b.orders[i].id, e->alert.text);
        return;
    default:
        return;
    }
}

// The result of an execution stands with the order whose it is, or with the position that the
// broker closed by itself.
static void check_result(struct model *w, int i, const TradeResult *r) {
    if (!r || !r->execution_id) return;
    if (w->b.executions[atoi(r->execution_id + 1)].owner != i)
        broken(w, "%s has the result of another: %s", w->b.orders[i].id, r->execution_id);
}

static void end(struct model_step *s) {
    struct model *w = s->w;
    struct remembered *m = &w->m[s->i];
    bool written = false, soon = false;
    for (const struct effect *e = s->out.first; e; e = e->next) {
        written |= e->kind == EFFECT_KEEP || e->kind == EFFECT_PUBLISH;
        soon |= e->kind == EFFECT_PUBLISH_SOON;
        if (e->kind == EFFECT_PUBLISH) check_result(w, s->i, e->publish.result);
    }
    uint8_t *bytes = arena_take(w->arena, RECORD);
    size_t length = trade_state__get_packed_size(m->t->s);
    assert_true(length <= RECORD);
    (void)trade_state__pack(m->t->s, bytes);
    bool changed = length != s->length || memcmp(bytes, s->bytes, length) != 0;
    if (changed && !written && !soon)
        broken(w, "the record of %s has changed, and is not written", w->b.orders[s->i].id);
    if (!reachable[s->before][m->t->s->state])
        broken(w, "%s: from %d to %d", w->b.orders[s->i].id, (int)s->before, (int)m->t->s->state);
    if (written) save_copy(m, bytes, length);
    check_sums(w, s->i);
    for (const struct effect *e = s->out.first; e; e = e->next) do_effect(w, s->i, e);
}

static void reduce_other(struct model *w, const struct reduction *r) {
    int i = number_of(w, r->piece->trade_id);
    w->m[i].named |= !w->m[i].t;
    if (!w->m[i].t) return;
    struct model_step s = begin(w, i);
    evidence_reduced(w->m[i].t, r, &s.env, &s.out);
    end(&s);
}

// --- trades come and go

static void free_trade(struct trade **t) {
    if (!*t) return;
    trade_state__free_unpacked((*t)->s, NULL);
    free(*t);
    *t = NULL;
}

static struct trade *new_trade(const TradeState *s) {
    struct trade *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->s = trade_copy(s);
    return t;
}

static void doubt(struct model *w, int i, const char *why) {
    struct model_step s = begin(w, i);
    inquiry_open(w->m[i].t, why, &s.env, &s.out);
    end(&s);
}

// --- orders

static void start_record(const struct model *w, int i, TradeState *s) {
    const struct order *o = &w->b.orders[i];
    trade_state__init(s);
    s->terms = new_terms();
    s->trade_id = (char *)(uintptr_t)o->id;
    s->signal_id = s->account_id = s->broker_id = s->symbol = s->broker_symbol = (char *)"x";
    s->terms->order_type = i % 3 ? SIGNAL__ORDER_TYPE__market : SIGNAL__ORDER_TYPE__limit;
    s->has_side = true;
    s->side = i % 2 ? SIGNAL__DIRECTION__sell : SIGNAL__DIRECTION__buy;
    s->direction = o->closes ? SIGNAL__DIRECTION__close : s->side;
    s->terms->has_lot_size = !o->closes;
    s->terms->lot_size = o->closes ? 0 : 10 * (i + 1);
    s->signal_at = s->ordered_at = 900;
    s->updated_at = w->now;
    s->state = T(pending);
}

// By what memory holds, which may be wrong. False: nothing to close.
static bool plan(struct model *w, int i) {
    struct trade *t = w->m[i].t;
    struct plan_position positions[ORDERS];
    size_t n = 0;
    for (int k = 0; k < ORDERS; k++) {
        if (w->m[k].t)
            positions[n++] = (struct plan_position){w->m[k].t, fills_open_lots(w->m[k].t->s).e8};
    }
    struct plan p;
    const struct plan_lots rule = {1, 1, true};
    if (plan_close(t->s, positions, n, &rule, w->arena, &p) != PLAN_CHOSEN) return false;
    Closing *closes[ORDERS];
    for (size_t k = 0; k < p.n_closes; k++) closes[k] = &p.closes[k];
    trade_set_closings(t, closes, p.n_closes);
    t->s->terms->has_lot_size = true;
    t->s->terms->lot_size = p.lots;
    t->s->side = side_opposite(p.side);
    return true;
}

static void send(struct model *w, int i) {
    struct trade *t = w->m[i].t;
    bool planless = w->b.orders[i].closes && !t->s->n_closes;
    struct model_step s = begin(w, i);
    if (planless && !plan(w, i))
        trade_end(t, TRADE_REJECT, "no_position", &s.env, &s.out);
    else
        trade_submit(t, &s.env, &s.out);
    end(&s);
}

// New, or again after a rollback: then it is asked about first.
static void order_comes(struct model *w, int i) {
    struct remembered *m = &w->m[i];
    TradeState s;
    if (m->t) return;
    start_record(w, i, &s);
    m->t = new_trade(&s);
    if (m->ordered || m->named) {
        if (m->named) m->t->sending = SENDING_EARLIER;
        m->named = false;
        doubt(w, i, "may have been sent before");
    } else {
        send(w, i);
    }
    m->ordered = true;
}
