// positions - what is open, by account and symbol, and the views of it that others read. Written
// once a tick, however much has changed.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "execution.pb-c.h"
#include "price.pb-c.h"
#include "services/executor/accounts/accounts.h"
#include "services/executor/trade/trade.h"

// What another executor has open in a symbol, as it last told.
struct other {
    unsigned shard;
    bool listed; // in what is being read
    SymbolSum sum;
    struct other *next;
};

struct symbol {
    char *name;             // the signal's
    int64_t price;          // e8, last seen: from the feed, else of an execution; 0: none
    int64_t bid, ask;       // e8, of the feed; where it tells only the last price, that
    struct trade *followed; // positions whose stop follows it, through followed_prev, followed_next
    bool fed;               // the feed has it
    bool moved;             // since the views were written
    struct holding *holdings;
    struct other *others; // of other executors: with several, in executor 0
    struct symbol *next, *next_dirty;
    bool dirty, shown;
};

typedef struct positions positions_t;

positions_t *positions_new(unsigned shard, unsigned shards);
void positions_destroy(positions_t **self);
// a holding just made
void positions_add_holding(positions_t *self, struct holding *p, const char *symbol,
                           int64_t contract_size);
// after any change of what the trade holds
void positions_count(positions_t *self, struct trade *t);
void positions_leave(positions_t *self, struct trade *t); // it is forgotten
// it is among its holding's
static inline bool positions_has(const struct trade *t) { return t->older != NULL; }
static inline bool positions_is_followed(const struct trade *t) { return t->followed_prev != NULL; }
int64_t positions_free_lots(const struct trade *t); // open, and not about to be closed (e8)

// NULL: nobody here has traded it
const struct symbol *positions_price(positions_t *self, const Price *price);
// whether its stop follows the price may have changed
void positions_follow(struct trade *t);
// a view that is in Redis from before
void positions_remember(positions_t *self, const char *account_id, const char *symbol);
// what is dirty; about once a second also what prices moved
void positions_write(positions_t *self, batch_t *batch);

// With several executors, the view of all accounts is written by executor 0 (sums.c).
// all that another one has
void positions_others(positions_t *self, unsigned shard, SymbolSum *const *sums, size_t n);
// all that is open here
void positions_sums(positions_t *self, arena_t *arena, ExecutorSums *out);
// since they were last asked for
bool positions_sums_moved(const positions_t *self);
