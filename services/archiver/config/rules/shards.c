// config_shards - which executor accounts are with. A configuration says where they begin;
// `tradecast shards` moves them, while nothing runs. So a change by which an account that is there
// would be with another executor is refused: its orders would go to one, and the other would have
// its trades.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/table.h"
#include "services/archiver/config/rules/rows.h"

// A configuration, and what says which shard has which account.
struct assignment {
    const config_t *config;
    struct shard_map map;
    table_t *servers; // struct server, by account_id
};

// The gateway's instance that serves an account.
struct server {
    const InstanceConfig *instance;
    unsigned shard;
};

static const AccountConfig *account_of(const void *arg, const char *account_id) {
    const struct config_row *row =
        config_find(arg, CONFIG_CHANGE__KIND__account_config, account_id);
    return row ? (const AccountConfig *)row->m : NULL;
}

static struct assignment read_assignment(const config_t *config, const struct shards_of *shards) {
    struct assignment a = {config,
                           {shards->executors, shards->record, account_of, config},
                           table_new(sizeof(struct server))};
    const struct config_row *row = NULL;
    while ((row = config_next(config, CONFIG_CHANGE__KIND__instance_config, row))) {
        const InstanceConfig *instance = (const InstanceConfig *)row->m;
        const struct server server = {instance, shard_of_instance(&a.map, instance)};
        for (size_t i = 0; i < instance->n_accounts; i++)
            *(struct server *)table_add(a.servers, table_key(instance->accounts[i])) = server;
    }
    return a;
}

static bool is_served(const struct assignment *a, const char *account_id) {
    return table_find(a->servers, table_key(account_id)) != NULL;
}

static unsigned find_account_shard(const struct assignment *a, const AccountConfig *account) {
    const struct server *s = table_find(a->servers, table_key(account->account_id));
    if (s && !shard_record_find(a->map.record, account->account_id)) return s->shard;
    return shard_of_account(&a->map, account, s ? s->instance : NULL);
}

struct check {
    const config_t *held;
    struct assignment before, after;
    struct complaints *to;
};

static struct config_check make_row_check(const struct check *c, const struct config_row *row) {
    return (struct config_check){c->after.config, c->to, row->path};
}

// What is said anew. What was said before an account was moved may stay, and says nothing any more.
static void check_said(const struct check *c, const struct config_row *row, uint32_t shard,
                       unsigned expected) {
    const struct config_check at = make_row_check(c, row);
    if (shard >= c->after.map.shards)
        config_wrong(&at, "shard", "must be less than %u, the number of executors",
                     c->after.map.shards);
    else if (shard != expected)
        config_wrong(&at, "shard",
                     "is with executor %u; it is moved by: tradecast shards move %.64s --to %u",
                     expected, row->id, shard);
}

static void check_account_shard(const struct check *c, const struct config_row *row) {
    const struct config_check at = make_row_check(c, row);
    const AccountConfig *now = (const AccountConfig *)row->m, *held = account_of(c->held, row->id);
    // Without a gateway nothing is done for it.
    bool stays = held && is_served(&c->before, row->id) && is_served(&c->after, row->id);
    unsigned expected = find_account_shard(&c->after, now),
             was = stays ? find_account_shard(&c->before, held) : expected;
    bool said = now->has_shard && (!held || !held->has_shard || held->shard != now->shard);
    if (said && (now->shard >= c->after.map.shards || now->shard != was))
        return check_said(c, row, now->shard, was);
    if (expected != was)
        config_wrong(&at, "shard",
                     "would be with executor %u and is with executor %u; it is moved by: "
                     "tradecast shards move %.64s --to %u",
                     expected, was, row->id, expected);
}

static void check_instance_shard(const struct check *c, const struct config_row *row) {
    const struct config_check at = make_row_check(c, row);
    const InstanceConfig *now = (const InstanceConfig *)row->m;
    const struct config_row *before =
        config_find(c->held, CONFIG_CHANGE__KIND__instance_config, row->id);
    const InstanceConfig *held = before ? (const InstanceConfig *)before->m : NULL;
    unsigned expected = shard_of_instance(&c->after.map, now);
    if (now->has_shard && (!held || !held->has_shard || held->shard != now->shard))
        check_said(c, row, now->shard, expected);
    for (size_t i = 0; i < now->n_accounts; i++) {
        char part[48];
        const AccountConfig *account = account_of(c->after.config, now->accounts[i]);
        if (!account || find_account_shard(&c->after, account) == expected) continue;
        (void)snprintf(part, sizeof part, "accounts[%zu]", i);
        config_wrong(&at, part,
                     "%.64s is with executor %u, and the others here with executor %u: a gateway "
                     "has one executor",
                     now->accounts[i], find_account_shard(&c->after, account), expected);
    }
}

void config_check_shards(const config_t *held, const config_t *wanted,
                         const struct shards_of *shards, struct complaints *complaints) {
    if (!shards->executors) return;
    struct check c = {held, read_assignment(held, shards), read_assignment(wanted, shards),
                      complaints};
    const struct config_row *row = NULL;
    while ((row = config_next(wanted, CONFIG_CHANGE__KIND__account_config, row)))
        check_account_shard(&c, row);
    while ((row = config_next(wanted, CONFIG_CHANGE__KIND__instance_config, row)))
        check_instance_shard(&c, row);
    table_destroy(&c.before.servers);
    table_destroy(&c.after.servers);
}
