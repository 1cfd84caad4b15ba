// broker - a broker as a model: orders, executions, what each closed; hedging or netting. Its books
// are the truth of test_generated.
// SPDX-License-Identifier: MIT
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "gateway.pb-c.h"

#define T(name) TRADE_STATE__STATE__##name
enum { ORDERS = 8, EXECUTIONS = 64, PIECES = ORDERS };

struct piece {
    int of; // whose position
    int64_t lots, pnl;
};
struct execution {
    char id[8]; // "e" and its number
    int owner;
    bool by_broker; // it closed a position by itself: the owner's
    int64_t lots, price, pnl;
    struct piece closed[PIECES];
    int n_closed;
};
struct order {
    char id[8];
    bool there, closes;
    Signal__Direction side;
    int64_t lots, filled, open;
    struct piece plan[PIECES]; // lots: still to be taken
    int n_plan;
    int64_t planned[PIECES];
    TradeState__State state;
};
struct broker {
    uint64_t seed;
    bool netting;
    struct order orders[ORDERS];
    struct execution executions[EXECUTIONS];
    int n_executions;
};

static uint64_t roll(struct broker *b) { // splitmix64
    uint64_t z = (b->seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
static int below(struct broker *b, int n) { return (int)(roll(b) % (uint64_t)n); }
static bool one_in(struct broker *b, int n) { return below(b, n) == 0; }

static bool broker_is_over(const struct order *o) {
    return o->state != T(working) && o->state != T(partially_filled);
}

static struct execution *broker_execution(struct broker *b, int owner, int64_t lots) {
    struct execution *e = &b->executions[b->n_executions];
    *e = (struct execution){.owner = owner, .lots = lots, .price = 100 + below(b, 50)};
    (void)snprintf(e->id, sizeof e->id, "e%d", b->n_executions++);
    return e;
}

static void end_position(struct order *o) {
    if (!o->open && o->state == T(filled) && !o->closes) o->state = T(closed);
}

static int64_t take_piece(struct broker *b, struct execution *e, int of, int64_t most) {
    struct order *o = &b->orders[of];
    int64_t lots = o->open < most ? o->open : most, pnl = below(b, 9) - 4;
    if (lots <= 0) return 0;
    o->open -= lots;
    end_position(o);
    e->pnl += pnl;
    for (int i = 0; i < e->n_closed; i++) {
        if (e->closed[i].of != of) continue;
        e->closed[i].lots += lots;
        e->closed[i].pnl += pnl;
        return lots;
    }
    e->closed[e->n_closed++] = (struct piece){of, lots, pnl};
    return lots;
}

// Oldest first, of the side that is not `side`.
static int64_t take_any(struct broker *b, struct execution *e, Signal__Direction side,
                        int64_t lots) {
    int64_t taken = 0;
    for (int i = 0; i < ORDERS && taken < lots; i++) {
        if (b->orders[i].open && b->orders[i].side != side)
            taken += take_piece(b, e, i, lots - taken);
    }
    return taken;
}

static int64_t take_plan(struct broker *b, struct execution *e, struct order *o, int64_t lots) {
    int64_t taken = 0;
    for (int i = 0; i < o->n_plan && taken < lots; i++) {
        int64_t most = o->plan[i].lots < lots - taken ? o->plan[i].lots : lots - taken;
        int64_t got = take_piece(b, e, o->plan[i].of, most);
        o->plan[i].lots -= got;
        taken += got;
    }
    return b->netting ? taken + take_any(b, e, o->side, lots - taken) : taken;
}

// NULL: nothing of it could be executed, and it is over.
static struct execution *broker_fill(struct broker *b, int i, int64_t lots) {
    struct order *o = &b->orders[i];
    struct execution *e = broker_execution(b, i, lots);
    int64_t taken = o->closes    ? take_plan(b, e, o, lots)
                    : b->netting ? take_any(b, e, o->side, lots)
                                 : 0;
    if (o->closes && !taken) {
        b->n_executions--;
        o->state = o->filled ? T(cancelled) : T(rejected);
        return NULL;
    }
    if (o->closes)
        e->lots = taken;
    else
        o->open += lots - taken;
    o->filled += e->lots;
    o->state = o->filled == o->lots ? T(filled) : T(partially_filled);
    end_position(o);
    return e;
}

static struct execution *broker_close(struct broker *b, int i, int64_t lots) {
    struct execution *e = broker_execution(b, i, lots);
    struct order *o = &b->orders[i];
    int64_t taken = take_piece(b, e, i, lots);
    if (b->netting)
        taken += take_any(b, e,
                          o->side == SIGNAL__DIRECTION__buy ? SIGNAL__DIRECTION__sell
                                                            : SIGNAL__DIRECTION__buy,
                          lots - taken);
    e->lots = taken;
    e->by_broker = true;
    return e;
}

// --- as its gateway says it

struct said {
    Fill fill;
    Closing pieces[PIECES], *closed[PIECES];
};

static Fill *say_execution(const struct broker *b, const struct execution *e, struct said *s) {
    fill__init(&s->fill);
    s->fill.execution_id = (char *)(uintptr_t)e->id;
    s->fill.lots = e->lots;
    s->fill.price = e->price;
    s->fill.has_pnl = e->n_closed != 0;
    s->fill.pnl = e->pnl;
    s->fill.executed_at = 1000 + (uint64_t)(e - b->executions);
    s->fill.has_net = s->fill.net = b->netting;
    s->fill.closed = s->closed;
    for (int i = 0; i < e->n_closed; i++) {
        closing__init(&s->pieces[i]);
        s->pieces[i].trade_id = (char *)(uintptr_t)b->orders[e->closed[i].of].id;
        s->pieces[i].lots = e->closed[i].lots;
        s->pieces[i].has_pnl = true;
        s->pieces[i].pnl = e->closed[i].pnl;
        s->closed[s->fill.n_closed++] = &s->pieces[i];
    }
    return &s->fill;
}

// What of it closed the position of `of`. NULL: nothing.
static Fill *say_closing(const struct broker *b, const struct execution *e, int of,
                         struct said *s) {
    int i = 0;
    while (i < e->n_closed && e->closed[i].of != of) i++;
    if (i == e->n_closed) return NULL;
    (void)say_execution(b, e, s);
    if (e->owner == of && e->by_broker) return &s->fill;
    s->fill.lots = e->closed[i].lots;
    s->fill.pnl = e->closed[i].pnl;
    s->fill.n_closed = 0;
    s->fill.closed_by = (char *)(uintptr_t)b->orders[e->owner].id;
    return &s->fill;
}

struct said_plan {
    Closing pieces[PIECES], *closes[PIECES];
};

static size_t say_plan(const struct broker *b, const struct order *o, struct said_plan *s) {
    for (int i = 0; i < o->n_plan; i++) {
        closing__init(&s->pieces[i]);
        s->pieces[i].trade_id = (char *)(uintptr_t)b->orders[o->plan[i].of].id;
        s->pieces[i].lots = o->planned[i];
        s->closes[i] = &s->pieces[i];
    }
    return (size_t)o->n_plan;
}
