// positions - what is open, by account and symbol, and the views of it that others read.
// SPDX-License-Identifier: MIT
#include "services/executor/accounts/positions.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/table.h"
#include "services/executor/accounts/totals.h"
#include "services/executor/slice.h"
#include "services/executor/trade/fills.h"
#include "services/executor/trade/trailing.h"

#define REFRESH_EVERY NS_PER_S

struct stale { // a view from before this start, dropped unless something is still open there
    char *account_id, *symbol;
    struct stale *next;
};

struct positions {
    unsigned shard;
    bool several; // there are other executors
    bool written; // in this life
    bool sums_moved;
    table_t *symbols; // struct symbol *
    struct symbol *first, *dirty_symbols;
    struct holding *dirty_holdings;
    struct stale *stale;
    uint64_t refreshed_at; // monotonic ns
};

positions_t *positions_new(unsigned shard, unsigned shards) {
    positions_t *self = alloc_zeroed(1, sizeof *self);
    self->shard = shard;
    self->several = shards > 1;
    self->symbols = table_new(sizeof(struct symbol *));
    return self;
}

static void stale_free(struct stale *s) {
    free(s->account_id);
    free(s->symbol);
    free(s);
}

static void symbol_free(struct symbol *s) {
    for (struct other *o = s->others, *next; o; o = next) {
        next = o->next;
        free(o);
    }
    free(s->name);
    free(s);
}

void positions_destroy(positions_t **self) {
    if (!*self) return;
    for (struct symbol *s = (*self)->first, *next; s; s = next) {
        next = s->next;
        symbol_free(s);
    }
    for (struct stale *s = (*self)->stale, *next; s; s = next) {
        next = s->next;
        stale_free(s);
    }
    table_destroy(&(*self)->symbols);
    free(*self);
    *self = NULL;
}

static struct symbol *symbol_get(positions_t *self, const char *name) {
    struct symbol **slot = table_add(self->symbols, table_key(name));
    if (*slot) return *slot;
    struct symbol *s = alloc_zeroed(1, sizeof *s);
    s->name = alloc_text(name);
    s->next = self->first;
    self->first = s;
    return *slot = s;
}

void positions_add_holding(positions_t *self, struct holding *p, const char *symbol,
                           int64_t contract_size) {
    p->symbol = symbol_get(self, symbol);
    p->contract_size = contract_size;
    p->next_of_symbol = p->symbol->holdings;
    p->symbol->holdings = p;
}

static void mark_symbol(positions_t *self, struct symbol *s) {
    if (s->dirty) return;
    s->dirty = true;
    s->next_dirty = self->dirty_symbols;
    self->dirty_symbols = s;
}

static void mark_holding_dirty(positions_t *self, struct holding *p) {
    if (!p->dirty) {
        p->dirty = true;
        p->next_dirty = self->dirty_holdings;
        self->dirty_holdings = p;
    }
    mark_symbol(self, p->symbol);
}

// --- what is open

static bool is_long(const struct trade *t) { return t->s->side != SIGNAL__DIRECTION__sell; }

static void add_to_sums(struct holding *p, const struct trade *t, int sign) {
    int64_t lots = sign * t->counted_lots;
    __int128 cost = (__int128)lots * t->counted_price;
    if (is_long(t))
        p->long_lots += lots, p->long_cost += cost;
    else
        p->short_lots += lots, p->short_cost += cost;
}

// As a restart would find it: by what Redis keeps, which has times to the microsecond.
static int by_age(const struct trade *a, const struct trade *b) {
    uint64_t one = a->s->executed_at / NS_PER_US, other = b->s->executed_at / NS_PER_US;
    if (one != other) return one < other ? -1 : 1;
    return strcmp(a->s->trade_id, b->s->trade_id);
}

// Reports come about in order, so it is looked for from the end.
static void insert_position(struct holding *p, struct trade *t) {
    struct trade *after = p->positions ? p->positions->older : NULL; // of the first: the last
    while (after && by_age(after, t) > 0) after = after == p->positions ? NULL : after->older;
    if (after)
        DL_APPEND_ELEM2(p->positions, after, t, older, newer);
    else
        DL_PREPEND2(p->positions, t, older, newer);
}

static bool is_in_holding(const struct holding *p, const struct trade *t) {
    if (t != p->positions && by_age(t->older, t) > 0) return false;
    return !t->newer || by_age(t, t->newer) <= 0;
}

static void remove_position(struct holding *p, struct trade *t) {
    DL_DELETE2(p->positions, t, older, newer);
    t->older = t->newer = NULL;
}

static void keep_in_order(struct holding *p, struct trade *t, bool holds) {
    if (positions_has(t) && holds && is_in_holding(p, t)) return;
    if (positions_has(t)) remove_position(p, t);
    if (holds) insert_position(p, t);
}

void positions_count(positions_t *self, struct trade *t) {
    struct holding *p = t->holding;
    int64_t lots = fills_open_lots(t->s).e8;
    if (lots == t->counted_lots && t->s->average_price == t->counted_price) return;
    add_to_sums(p, t, -1);
    t->counted_lots = lots;
    t->counted_price = t->s->average_price;
    add_to_sums(p, t, 1);
    keep_in_order(p, t, lots != 0);
    positions_follow(t);
    if (!p->symbol->fed && t->s->average_price) p->symbol->price = t->s->average_price;
    mark_holding_dirty(self, p);
}

void positions_leave(positions_t *self, struct trade *t) {
    if (!positions_has(t)) return;
    add_to_sums(t->holding, t, -1);
    t->counted_lots = 0;
    remove_position(t->holding, t);
    positions_follow(t);
    mark_holding_dirty(self, t->holding);
}

int64_t positions_free_lots(const struct trade *t) {
    int64_t left = fills_open_lots(t->s).e8 - t->closing;
    return left > 0 ? left : 0;
}

const struct symbol *positions_price(positions_t *self, const Price *price) {
    struct symbol **slot = table_find(self->symbols, table_key(price->symbol)),
                  *s = slot ? *slot : NULL;
    if (!s || price->last <= 0) return NULL;
    s->fed = true;
    s->moved |= s->price != price->last;
    s->price = price->last;
    s->bid = price->has_bid && price->bid > 0 ? price->bid : price->last;
    s->ask = price->has_ask && price->ask > 0 ? price->ask : price->last;
    return s;
}

void positions_follow(struct trade *t) {
    struct symbol *s = t->holding->symbol;
    bool follows = positions_has(t) && trailing_is_asked(t->s);
    if (follows == positions_is_followed(t)) return;
    if (follows) {
        DL_APPEND2(s->followed, t, followed_prev, followed_next);
        return;
    }
    DL_DELETE2(s->followed, t, followed_prev, followed_next);
    t->followed_prev = t->followed_next = NULL;
}

// --- views

static bool write_view(batch_t *batch, const struct total *t, const struct symbol *s,
                       const char *account_id) {
    if (!t->any) return false;
    ActivePosition v = ACTIVE_POSITION__INIT;
    total_view(t, s, &v);
    v.account_id = (char *)(uintptr_t)account_id;
    v.last_update = batch_now(batch);
    slice_position(batch, account_id, s->name, &v);
    return true;
}

static void write_holding(const positions_t *self, batch_t *batch, struct holding *p) {
    struct total t = {0};
    total_add_holding(&t, p);
    bool shown = write_view(batch, &t, p->symbol, p->account->id);
    if (shown != p->shown) slice_view(batch, self->shard, p->account->id, p->symbol->name, shown);
    p->shown = shown;
}

static struct total total_here(const struct symbol *s) {
    struct total t = {0};
    for (const struct holding *p = s->holdings; p; p = p->next_of_symbol) total_add_holding(&t, p);
    return t;
}

static void keep_sum(positions_t *self, batch_t *batch, struct symbol *s) {
    const struct total t = total_here(s);
    SymbolSum sum;
    total_sum(&t, s, &sum);
    self->sums_moved = true;
    slice_sum(batch, self->shard, s->name, t.any ? &sum : NULL);
}

static void write_symbol(positions_t *self, batch_t *batch, struct symbol *s) {
    if (self->several && self->shard) return keep_sum(self, batch, s);
    struct total t = total_here(s);
    for (const struct other *o = s->others; o; o = o->next) total_add_sum(&t, &o->sum);
    bool shown = write_view(batch, &t, s, NULL);
    if (shown != s->shown) slice_view(batch, self->shard, NULL, s->name, shown);
    s->shown = shown;
}

// Prices move all the time: the views follow about once a second.
static void mark_moved(positions_t *self, uint64_t mono) {
    if (mono - self->refreshed_at < REFRESH_EVERY) return;
    self->refreshed_at = mono;
    for (struct symbol *s = self->first; s; s = s->next) {
        for (struct holding *p = s->moved ? s->holdings : NULL; p; p = p->next_of_symbol) {
            if (p->positions) mark_holding_dirty(self, p);
        }
        s->moved = false;
    }
}

void positions_remember(positions_t *self, const char *account_id, const char *symbol) {
    struct stale *s = alloc_zeroed(1, sizeof *s);
    s->account_id = *account_id ? alloc_text(account_id) : NULL;
    s->symbol = alloc_text(symbol);
    s->next = self->stale;
    self->stale = s;
}

static bool has_position(const positions_t *self, const struct stale *stale) {
    struct symbol **slot = table_find(self->symbols, table_key(stale->symbol));
    if (slot && !stale->account_id && (*slot)->others) return true;
    for (const struct holding *p = slot ? (*slot)->holdings : NULL; p; p = p->next_of_symbol) {
        if (p->positions && (!stale->account_id || strcmp(stale->account_id, p->account->id) == 0))
            return true;
    }
    return false;
}

static void drop_stale(positions_t *self, batch_t *batch) {
    while (self->stale) {
        struct stale *s = self->stale;
        self->stale = s->next;
        if (!has_position(self, s)) slice_view(batch, self->shard, s->account_id, s->symbol, false);
        stale_free(s);
    }
}

void positions_write(positions_t *self, batch_t *batch) {
    drop_stale(self, batch);
    // of before; all are written anew
    if (!self->written && self->several && self->shard) slice_sums_forget(batch, self->shard);
    self->written = true;
    mark_moved(self, batch_mono(batch));
    for (struct holding *p = self->dirty_holdings; p; p = p->next_dirty) {
        write_holding(self, batch, p);
        p->dirty = false;
    }
    for (struct symbol *s = self->dirty_symbols; s; s = s->next_dirty) {
        write_symbol(self, batch, s);
        s->dirty = false;
    }
    self->dirty_holdings = NULL;
    self->dirty_symbols = NULL;
}

// --- of several executors

static struct other *other_get(struct symbol *s, unsigned shard) {
    struct other *o = s->others;
    while (o && o->shard != shard) o = o->next;
    if (o) return o;
    o = alloc_zeroed(1, sizeof *o);
    o->shard = shard;
    o->next = s->others;
    return s->others = o;
}

static bool is_same(const SymbolSum *a, const SymbolSum *b) {
    return a->long_lots == b->long_lots && a->short_lots == b->short_lots &&
           a->long_cost_high == b->long_cost_high && a->long_cost_low == b->long_cost_low &&
           a->short_cost_high == b->short_cost_high && a->short_cost_low == b->short_cost_low &&
           a->unrealized_pnl == b->unrealized_pnl && a->price == b->price &&
           a->executed_at == b->executed_at && a->has_stop_loss == b->has_stop_loss &&
           a->stop_loss == b->stop_loss && a->has_take_profit == b->has_take_profit &&
           a->take_profit == b->take_profit;
}

static void apply_symbol_sum(positions_t *self, unsigned shard, const SymbolSum *sum) {
    struct symbol *s = symbol_get(self, sum->symbol);
    struct other *o = other_get(s, shard);
    SymbolSum now = *sum;
    now.symbol = s->name;
    o->listed = true;
    if (!is_same(&o->sum, &now)) mark_symbol(self, s);
    o->sum = now;
    if (!s->fed && !s->holdings) s->price = sum->price;
}

static void drop_unlisted(positions_t *self, struct symbol *s, unsigned shard) {
    for (struct other **at = &s->others; *at;) {
        struct other *o = *at;
        if (o->shard != shard || o->listed) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        free(o);
        mark_symbol(self, s);
    }
}

void positions_others(positions_t *self, unsigned shard, SymbolSum *const *sums, size_t n) {
    for (struct symbol *s = self->first; s; s = s->next) {
        for (struct other *o = s->others; o; o = o->next) o->listed = false;
    }
    for (size_t i = 0; i < n; i++) apply_symbol_sum(self, shard, sums[i]);
    for (struct symbol *s = self->first; s; s = s->next) drop_unlisted(self, s, shard);
}

void positions_sums(positions_t *self, arena_t *arena, ExecutorSums *out) {
    size_t n = 0;
    for (const struct symbol *s = self->first; s; s = s->next) n++;
    out->symbols = arena_take(arena, (n + 1) * sizeof *out->symbols);
    for (const struct symbol *s = self->first; s; s = s->next) {
        const struct total t = total_here(s);
        if (!t.any) continue;
        SymbolSum *sum = arena_take(arena, sizeof *sum);
        total_sum(&t, s, sum);
        out->symbols[out->n_symbols++] = sum;
    }
    self->sums_moved = false;
}

bool positions_sums_moved(const positions_t *self) { return self->sums_moved; }
