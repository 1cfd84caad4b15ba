// report_data - what a time amounted to, gathered trade by trade.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "cli/archive/report.h"
#include "common/base/alloc.h"
#include "common/base/array.h"
#include "common/base/decimal.h"
#include "common/base/hash.h"

struct group {
    char *key;
    struct tally tally;
    UT_hash_handle hh;
};

struct report_data {
    struct tally all;
    struct group *groups[DIVISIONS];
    struct point *points;
    int64_t *slippages;
    size_t n_points, n_slippages, room, slip_room;
    struct part *parts;
};

report_data_t *report_data_new(void) {
    report_data_t *self = alloc_zeroed(1, sizeof *self);
    return self;
}

void report_data_destroy(report_data_t **self) {
    report_data_t *d = *self;
    if (!d) return;
    for (size_t i = 0; i < DIVISIONS; i++) {
        struct group *g, *next;
        HASH_ITER(hh, d->groups[i], g, next) {
            HASH_DEL(d->groups[i], g);
            free(g->key);
            free(g);
        }
    }
    free(d->points);
    free(d->slippages);
    free(d->parts);
    free(d);
    *self = NULL;
}

static void add_rounded_amount(int64_t *sum, int64_t amount) {
    *sum = decimal_nearest((wide_t)*sum + amount);
}

static void count_closed_trade(struct tally *t, const struct closed_trade *trade) {
    t->trades++;
    if (trade->pnl > 0) {
        t->wins++;
        add_rounded_amount(&t->gross_profit, trade->pnl);
    } else if (trade->pnl < 0) {
        t->losses++;
        add_rounded_amount(&t->gross_loss, trade->pnl);
    }
    add_rounded_amount(&t->net, trade->pnl);
    add_rounded_amount(&t->net, decimal_neg(D(trade->costs)).e8);
    add_rounded_amount(&t->costs, trade->costs);
    if (t->net > t->peak) t->peak = t->net;
    int64_t fall = t->peak;
    add_rounded_amount(&fall, decimal_neg(D(t->net)).e8);
    if (fall > t->drawdown) t->drawdown = fall;
    if (!trade->has_slippage) return;
    t->slipped++;
    add_rounded_amount(&t->slippage, trade->slippage);
}

static struct tally *tally_of(report_data_t *self, enum division division, const char *key) {
    struct group *g;
    const char *name = key && *key ? key : "none given";
    HASH_FIND_STR(self->groups[division], name, g);
    if (g) return &g->tally;
    g = alloc_zeroed(1, sizeof *g);
    g->key = alloc_text(name);
    HASH_ADD_KEYPTR(hh, self->groups[division], g->key, strlen(g->key), g);
    return &g->tally;
}

void report_take(report_data_t *self, const struct closed_trade *trade) {
    count_closed_trade(&self->all, trade);
    for (size_t i = 0; i < DIVISIONS; i++)
        count_closed_trade(tally_of(self, (enum division)i, trade->keys[i]), trade);
    array_reserve(self->points, self->n_points, self->room);
    self->points[self->n_points++] = (struct point){trade->at, self->all.net};
    if (!trade->has_slippage) return;
    array_reserve(self->slippages, self->n_slippages, self->slip_room);
    self->slippages[self->n_slippages++] = trade->slippage;
}

const struct tally *report_all(const report_data_t *self) { return &self->all; }

size_t report_points(const report_data_t *self, const struct point **out) {
    *out = self->points;
    return self->n_points;
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

size_t report_slippages(report_data_t *self, const int64_t **out) {
    if (self->n_slippages)
        qsort(self->slippages, self->n_slippages, sizeof *self->slippages, by_size);
    *out = self->slippages;
    return self->n_slippages;
}

static int compare_group_keys(struct group *a, struct group *b) { return strcmp(a->key, b->key); }

size_t report_parts(report_data_t *self, enum division division, const struct part **out) {
    size_t n = 0;
    HASH_SORT(self->groups[division], compare_group_keys);
    self->parts =
        alloc_resized(self->parts, HASH_COUNT(self->groups[division]) + 1, sizeof *self->parts);
    for (struct group *g = self->groups[division]; g; g = g->hh.next)
        self->parts[n++] = (struct part){g->key, g->tally};
    *out = self->parts;
    return n;
}
