// spreads - what the feed's bids and asks were apart, by symbol.
// SPDX-License-Identifier: MIT
#include "services/executor/accounts/spreads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"

#define SYMBOLS_MOST 4096

struct seen {
    UT_hash_handle hh;
    char symbol[64];
    int64_t spread, widest; // e8
    uint64_t at;            // the price's time, UTC ns
};

struct spreads {
    struct seen *symbols;
    bool moved;
};

spreads_t *spreads_new(void) { return alloc_zeroed(1, sizeof(spreads_t)); }

void spreads_destroy(spreads_t **self) {
    struct seen *s, *next;
    if (!*self) return;
    HASH_ITER(hh, (*self)->symbols, s, next) {
        HASH_DEL((*self)->symbols, s);
        free(s);
    }
    free(*self);
    *self = NULL;
}

static struct seen *find_or_add(spreads_t *self, const char *symbol) {
    struct seen *s;
    HASH_FIND_STR(self->symbols, symbol, s);
    if (s || HASH_COUNT(self->symbols) >= SYMBOLS_MOST || strlen(symbol) >= sizeof s->symbol)
        return s;
    s = alloc_zeroed(1, sizeof *s);
    memcpy(s->symbol, symbol, strlen(symbol) + 1);
    HASH_ADD_STR(self->symbols, symbol, s);
    return s;
}

void spreads_note(spreads_t *self, const Price *price) {
    if (!price->has_bid || !price->has_ask || price->ask < price->bid) return;
    struct seen *s = find_or_add(self, price->symbol);
    if (!s) return;
    s->spread = price->ask - price->bid;
    s->at = price->timestamp;
    if (s->spread > s->widest) s->widest = s->spread;
    self->moved = true;
}

bool spreads_moved(const spreads_t *self) { return self->moved; }
void spreads_mark_written(spreads_t *self) { self->moved = false; }

static SymbolSpread *make_row(const struct seen *s, const SymbolConfig *config, arena_t *arena) {
    SymbolSpread *row = arena_take(arena, sizeof *row);
    symbol_spread__init(row);
    row->symbol = config->symbol;
    row->spread = s->spread;
    row->widest = s->widest;
    row->has_typical = config->has_typical_spread;
    row->typical = config->typical_spread;
    row->has_max = config->has_max_spread;
    row->max = config->max_spread;
    row->seen_at = s->at;
    return row;
}

void spreads_list(const spreads_t *self, const BrokerConfig *broker, arena_t *arena,
                  BrokerState *view) {
    uint64_t latest = 0;
    if (!broker || !broker->n_symbols) return;
    view->spreads = arena_take(arena, broker->n_symbols * sizeof *view->spreads);
    for (size_t i = 0; i < broker->n_symbols; i++) {
        struct seen *s;
        HASH_FIND_STR(self->symbols, broker->symbols[i]->symbol, s);
        if (!s) continue;
        view->spreads[view->n_spreads++] = make_row(s, broker->symbols[i], arena);
        if (s->at < latest || (view->has_spread && !latest)) continue;
        latest = s->at;
        view->has_spread = true;
        view->spread = s->spread;
    }
}
