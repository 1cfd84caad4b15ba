// shard - which executor has an account.
// SPDX-License-Identifier: MIT
#include "common/domain/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"
#include "common/base/id.h"

struct row {
    struct shard_entry entry;
    UT_hash_handle hh;
    char account_id[];
};

struct shard_record {
    struct row *rows;
};

shard_record_t *shard_record_new(void) { return alloc_zeroed(1, sizeof(shard_record_t)); }

static void clear_record(shard_record_t *self) {
    struct row *r, *next;
    HASH_ITER(hh, self->rows, r, next) {
        HASH_DEL(self->rows, r);
        free(r);
    }
}

void shard_record_destroy(shard_record_t **self) {
    if (!*self) return;
    clear_record(*self);
    free(*self);
    *self = NULL;
}

static struct row *find_recorded(const shard_record_t *self, const char *account_id) {
    struct row *r;
    HASH_FIND_STR(self->rows, account_id, r);
    return r;
}

void shard_record_put(shard_record_t *self, const char *account_id, struct shard_entry entry) {
    struct row *r = find_recorded(self, account_id);
    if (!r) {
        size_t length = strlen(account_id);
        r = alloc_zeroed(1, sizeof *r + length + 1);
        memcpy(r->account_id, account_id, length);
        HASH_ADD_KEYPTR(hh, self->rows, r->account_id, (unsigned)length, r);
    }
    r->entry = entry;
}

const struct shard_entry *shard_record_find(const shard_record_t *self, const char *account_id) {
    const struct row *r = self ? find_recorded(self, account_id) : NULL;
    return r ? &r->entry : NULL;
}

static err_t load_recorded_account(void *arg, struct span name, struct span value) {
    char id[128], text[32], *end;
    (void)snprintf(id, sizeof id, "%.*s", (int)name.length, (const char *)name.data);
    (void)snprintf(text, sizeof text, "%.*s", (int)value.length, (const char *)value.data);
    unsigned long shard = strtoul(text, &end, 10);
    if (end == text || shard >= SHARDS_MOST) return ERR_INPUT;
    shard_record_put(arg, id, (struct shard_entry){(unsigned)shard, *end == ' '});
    return ERR_OK;
}

err_t shard_record_load(shard_record_t *self, store_t *store) {
    clear_record(self);
    return store_pairs(store, SHARDS_ACCOUNTS, load_recorded_account, self);
}

// --- places

// The highest of a row of numbers that each executor draws for the id.
unsigned shard_hash(const char *id, unsigned shards) {
    unsigned best = 0;
    uint64_t highest = 0;
    for (unsigned k = 0; k < shards; k++) {
        char text[160];
        int n = snprintf(text, sizeof text, "%.128s\n%u", id, k);
        uint64_t drawn = digest_u64(text, (size_t)n);
        if (k && drawn <= highest) continue;
        highest = drawn;
        best = k;
    }
    return best;
}

bool shard_configured(const struct shard_map *map, const InstanceConfig *instance, unsigned *out) {
    for (size_t i = 0; i < instance->n_accounts; i++) {
        const AccountConfig *a = map->account(map->arg, instance->accounts[i]);
        if (!a || !a->has_shard || a->shard >= map->shards) continue;
        *out = a->shard;
        return true;
    }
    *out = instance->shard;
    return instance->has_shard && instance->shard < map->shards;
}

static bool find_recorded_shard(const struct shard_map *map, const char *account_id,
                                unsigned *out) {
    const struct shard_entry *e = shard_record_find(map->record, account_id);
    if (!e || e->shard >= map->shards) return false;
    *out = e->shard;
    return true;
}

unsigned shard_of_instance(const struct shard_map *map, const InstanceConfig *instance) {
    unsigned shard;
    if (map->shards <= 1) return 0;
    for (size_t i = 0; i < instance->n_accounts; i++) {
        if (find_recorded_shard(map, instance->accounts[i], &shard)) return shard;
    }
    return shard_configured(map, instance, &shard) ? shard
                                                   : shard_hash(instance->instance_id, map->shards);
}

unsigned shard_of_account(const struct shard_map *map, const AccountConfig *account,
                          const InstanceConfig *instance) {
    unsigned shard;
    if (map->shards <= 1) return 0;
    if (find_recorded_shard(map, account->account_id, &shard)) return shard;
    if (instance) return shard_of_instance(map, instance);
    if (account->has_shard && account->shard < map->shards) return account->shard;
    return shard_hash(account->account_id, map->shards);
}
