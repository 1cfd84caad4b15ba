// shard - which executor has an account: where it was moved to, else where it was configured to
// begin, else by hash. Pure, but for the record.
// SPDX-License-Identifier: MIT
//
// All accounts of an instance are with one executor, since its gateway is connected to one. What is
// recorded in Redis decides; it is written by `tradecast shards` alone, while nothing runs that
// reads it.
#pragma once

#include "common/base/error.h"
#include "common/redis/store.h"
#include "config.pb-c.h"

#define SHARDS_MOST 32
// text: how many there are; the first start of a service records it
#define SHARDS_EXECUTORS "shards:executors"
// hash: account_id -> its executor; and " by hand" when it was told to be there
#define SHARDS_ACCOUNTS "shards:accounts"
// text: topics of executors up to here (not included) may hold what somebody has still to read
#define SHARDS_RETIRED "shards:retired"
// hash: topic -> its last entry from before accounts were moved
#define SHARDS_BARRIER "shards:barrier"

// What `tradecast shards` has recorded of accounts.
typedef struct shard_record shard_record_t;
struct shard_entry {
    unsigned shard;
    bool by_hand;
};
shard_record_t *shard_record_new(void);
void shard_record_destroy(shard_record_t **self);
err_t shard_record_load(shard_record_t *self, store_t *store);
void shard_record_put(shard_record_t *self, const char *account_id, struct shard_entry entry);
// NULL: none
const struct shard_entry *shard_record_find(const shard_record_t *self, const char *account_id);

// What a place follows from.
struct shard_map {
    unsigned shards; // how many there are
    const shard_record_t *record;
    // NULL: no such account
    const AccountConfig *(*account)(const void *arg, const char *account_id);
    const void *arg;
};

unsigned shard_of_instance(const struct shard_map *map, const InstanceConfig *instance);
// `instance`: the one that serves it, NULL when none does.
unsigned shard_of_account(const struct shard_map *map, const AccountConfig *account,
                          const InstanceConfig *instance);
// By hash alone. One more executor takes over some of every other's, and nothing else moves.
unsigned shard_hash(const char *id, unsigned shards);
// Whether the configuration itself says where the instance begins: *out.
bool shard_configured(const struct shard_map *map, const InstanceConfig *instance, unsigned *out);
