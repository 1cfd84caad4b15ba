// shards_plan - which executor each account is with, and is to be with. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/table.h"
#include "common/domain/book.h"

struct shards_wish {
    unsigned before, after; // how many executors there are, and are to be
    // accounts or instances that go to `to`, with everything that is on the same gateway
    const char *const *names;
    size_t n_names;
    unsigned to;
};

struct shard_place {
    const AccountConfig *account;
    const InstanceConfig *instance; // NULL: no gateway serves it
    unsigned from, to;
    bool by_hand; // it was told to be there: adding executors leaves it
};

struct shard_plan {
    struct shards_wish wish;
    struct shard_place *places; // by account_id; every account
    size_t n;
    table_t *by_account; // size_t, index + 1
};

// Adding executors gives the new ones their share of what was not placed by hand nor by
// configuration; taking some away spreads what these had; nothing else moves. The book must live as
// long as the plan.
void shard_plan_make(struct shard_plan *plan, const book_t *book, const shard_record_t *record,
                     const struct shards_wish *wish);
void shard_plan_clear(struct shard_plan *plan);
// Where what is kept of an account by executor `from` is to be. Of an account that is not
// configured: there, as long as it is.
unsigned shard_plan_of(const struct shard_plan *plan, const char *account_id, unsigned from);
// a name that is neither; NULL: all are
const char *shard_plan_stranger(const struct shard_plan *plan, const book_t *book);
