// netting - accounts whose broker keeps one position in a symbol: what an execution did to it is attributed to the trades that made it, so
// that each of them ends exactly.
// SPDX-License-Identifier: MIT
//
// The trades that are open at a place are then always of one side, and their lots are the position's. What has been closed while nothing is
// known to be open (a fill before it is known, because its report was lost) is kept as surplus, and taken off that fill when it comes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/executor/engine.h"
#include "services/executor/trade/fills.h"
#include "services/executor/slice.h"

enum { LONG_SIDE, SHORT_SIDE };

struct surplus {
    char place[160]; // "<account_id>\n<broker_symbol>": its name in Redis
    int64_t lots[2]; // e8, closed of a long, of a short position
    uint64_t at[2];  // UTC ns, broker's time: only fills up to here can be meant
    struct surplus *next;
};

static Signal__Direction other(Signal__Direction side) {
    return side == SIGNAL__DIRECTION__sell ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
}

static int index_of(Signal__Direction side) { return side == SIGNAL__DIRECTION__sell ? SHORT_SIDE : LONG_SIDE; }

// --- surplus

static struct surplus *surplus_get(struct executor *x, const char *place, bool make) {
    struct surplus *s = x->surplus;
    while (s && strcmp(s->place, place) != 0) s = s->next;
    if (s || !make) return s;
    s = calloc(1, sizeof *s);
    if (!s) abort();
    (void)snprintf(s->place, sizeof s->place, "%s", place);
    s->next = x->surplus;
    return x->surplus = s;
}

static struct surplus *surplus_at(struct executor *x, const struct place *p, bool make) {
    char name[160];
    if (!x->surplus && !make) return NULL;
    (void)snprintf(name, sizeof name, "%.70s\n%.70s", p->account->id, p->broker_symbol);
    return surplus_get(x, name, make);
}

static void surplus_keep(struct executor *x, const struct surplus *s) {
    char value[96];
    bool none = !s->lots[LONG_SIDE] && !s->lots[SHORT_SIDE];
    (void)snprintf(value, sizeof value, "%lld %llu %lld %llu", (long long)s->lots[0], (unsigned long long)s->at[0], (long long)s->lots[1],
                   (unsigned long long)s->at[1]);
    slice_surplus(x->batch, x->context->shard, s->place, none ? NULL : value);
}

void netting_load(struct executor *x, const char *place, const char *value) {
    struct surplus *s = surplus_get(x, place, true);
    char *end;
    for (int i = 0; i < 2; i++) {
        s->lots[i] = strtoll(value, &end, 10);
        s->at[i] = strtoull(end, &end, 10);
        value = end;
    }
}

void netting_destroy(struct executor *x) {
    while (x->surplus) {
        struct surplus *s = x->surplus;
        x->surplus = s->next;
        free(s);
    }
}

static void add_surplus(struct executor *x, const struct place *p, Signal__Direction side, int64_t lots, const Fill *f) {
    char text[DECIMAL_TEXT];
    struct surplus *s = surplus_at(x, p, true);
    int i = index_of(side);
    s->lots[i] += lots;
    if (f->executed_at > s->at[i]) s->at[i] = f->executed_at;
    surplus_keep(x, s);
    decimal_print(D(lots), text);
    batch_alert(x->batch, ALERT__SEVERITY__warning, "net_surplus", p->account->id,
                "%s: the broker closed %s lots more than are known to be open; they come off the next fill from before that",
                p->broker_symbol, text);
}

// What of this fill of an opening trade the broker has closed already.
static int64_t take_surplus(struct executor *x, const struct trade *t, int64_t most, const Fill *f) {
    struct surplus *s = surplus_at(x, t->place, false);
    int i = index_of(t->s->side);
    if (!s || !s->lots[i] || f->executed_at > s->at[i]) return 0;
    int64_t lots = most < s->lots[i] ? most : s->lots[i];
    s->lots[i] -= lots;
    surplus_keep(x, s);
    return lots;
}

// --- shares

struct sharing {
    struct place *place;
    Signal__Direction side; // of what is reduced
    int64_t lots;
    const TradeState *named; // a closing trade: what it names comes first; NULL: oldest first
    int64_t from;            // how much of it had been filled before
};

struct shares {
    struct share *list;
    size_t n;
    int64_t left; // nothing is open for it
};

static void give(struct shares *to, size_t i, int64_t lots) {
    int64_t room = to->list[i].closing->lots - to->list[i].lots.e8, taken = lots < room ? lots : room;
    if (taken <= 0) return;
    to->list[i].lots.e8 += taken;
    to->left -= taken;
}

// Every position of the side, in order, with nothing taken from it so far.
static void list_positions(struct executor *x, const struct sharing *s, struct shares *out) {
    size_t n = 0;
    for (const struct trade *t = s->place->positions; t; t = t->newer) n += t->s->side == s->side;
    *out = (struct shares){.list = arena_take(batch_arena(x->batch), (n + 1) * sizeof(struct share)), .left = s->lots};
    Closing *open = arena_take(batch_arena(x->batch), (n + 1) * sizeof *open);
    for (const struct trade *t = s->place->positions; t; t = t->newer) {
        if (t->s->side != s->side) continue;
        Closing *c = &open[out->n];
        closing__init(c);
        c->trade_id = arena_text(batch_arena(x->batch), t->s->trade_id); // the trade may be forgotten meanwhile
        c->lots = fills_open_lots(t->s).e8;
        out->list[out->n++] = (struct share){.closing = c, .entry = D(t->s->average_price)};
    }
}

static void give_named(struct executor *x, const struct sharing *s, struct shares *out) {
    struct share *named = arena_take(batch_arena(x->batch), (s->named->n_closes + 1) * sizeof *named);
    size_t n = fills_share_lots(s->named, D(s->from), D(s->lots), named), at = 0;
    for (size_t i = 0; i < n; i++) { // mostly in the same order: one walk
        for (size_t tries = 0; tries < out->n; tries++, at = (at + 1) % out->n) {
            if (strcmp(out->list[at].closing->trade_id, named[i].closing->trade_id) != 0) continue;
            give(out, at, named[i].lots.e8);
            break;
        }
    }
}

// Takes lots off what is open; returns how many were left over.
static int64_t take(struct executor *x, const struct sharing *s, const Fill *f) {
    struct shares shares;
    list_positions(x, s, &shares);
    if (s->named) give_named(x, s, &shares);
    for (size_t i = 0; i < shares.n && shares.left; i++) give(&shares, i, shares.left);
    fills_share_pnl(shares.list, shares.n, f);
    for (size_t i = 0; i < shares.n; i++) fill_take_off(x, &shares.list[i], f);
    return shares.left;
}

// --- executions

static void open_or_net(struct executor *x, struct trade *t, const Fill *f) {
    const struct sharing s = {.place = t->place, .side = other(t->s->side), .lots = f->lots};
    int64_t left = take(x, &s, f), netted = f->lots - left, closed = take_surplus(x, t, left, f);
    engine_count(x, t, -1);
    if (!netted && f->has_pnl) fills_add_pnl(t->s, D(f->pnl)); // of what is not known
    if (netted) fills_net(t->s, D(netted), f);
    if (closed) fills_reduce(t->s, D(closed), D(0), f);
    engine_count(x, t, 1);
}

static void close_shared(struct executor *x, const struct sharing *s, const Fill *f) {
    int64_t left = take(x, s, f);
    if (left) add_surplus(x, s->place, s->side, left, f);
}

void netting_fill(struct executor *x, struct trade *t, const Fill *f) {
    const TradeState *s = t->s;
    if (s->direction != SIGNAL__DIRECTION__close) return open_or_net(x, t, f);
    const struct sharing sharing = {t->place, other(s->side), f->lots, s, s->filled_lots - f->lots};
    close_shared(x, &sharing, f);
}

void netting_closed(struct executor *x, struct place *p, Signal__Direction side, const Fill *f) {
    const struct sharing sharing = {.place = p, .side = side, .lots = f->lots};
    close_shared(x, &sharing, f);
}

struct trade *netting_owner(struct executor *x, const Report *r) {
    bool net = r->kind == REPORT__KIND__position_closed && r->fill && r->fill->has_net && r->fill->net && r->broker_symbol;
    const struct place *p = net ? accounts_find_place(x->accounts, r->account_id, r->broker_symbol) : NULL;
    return p ? p->positions : NULL;
}
