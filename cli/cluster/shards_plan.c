// shards_plan - which executor each account is with, and is to be with.
// SPDX-License-Identifier: MIT
#include "cli/cluster/shards_plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

static const AccountConfig *find_unit_account(const void *arg, const char *account_id) {
    return book_account(arg, account_id);
}

static bool is_wished(const struct shards_wish *w, const char *id) {
    for (size_t i = 0; i < w->n_names; i++) {
        if (strcmp(w->names[i], id) == 0) return true;
    }
    return false;
}

// An instance with all its accounts, or an account that no instance serves.
struct unit {
    const AccountConfig *account;
    const InstanceConfig *instance;
};

static bool is_meant(const struct shards_wish *w, const struct unit *u) {
    if (!u->instance) return is_wished(w, u->account->account_id);
    for (size_t i = 0; i < u->instance->n_accounts; i++) {
        if (is_wished(w, u->instance->accounts[i])) return true;
    }
    return is_wished(w, u->instance->instance_id);
}

static bool by_hand(const shard_record_t *record, const char *account_id) {
    const struct shard_entry *e = shard_record_find(record, account_id);
    return e && e->by_hand;
}

static bool is_by_hand(const shard_record_t *record, const struct unit *u) {
    if (!u->instance) return by_hand(record, u->account->account_id);
    for (size_t i = 0; i < u->instance->n_accounts; i++) {
        if (by_hand(record, u->instance->accounts[i])) return true;
    }
    return false;
}

static bool configured_shard(const struct shard_map *map, const struct unit *u, unsigned *out) {
    if (u->instance) return shard_configured(map, u->instance, out);
    *out = u->account->shard;
    return u->account->has_shard && u->account->shard < map->shards;
}

static const char *unit_id_of(const struct unit *u) {
    return u->instance ? u->instance->instance_id : u->account->account_id;
}

static unsigned goal_of(const struct shard_map *before, const struct shards_wish *w,
                        const struct unit *u, bool *hand) {
    struct shard_map after = *before;
    unsigned at = u->instance ? shard_of_instance(before, u->instance)
                              : shard_of_account(before, u->account, NULL),
             wanted;
    after.shards = w->after;
    *hand = is_by_hand(before->record, u);
    if (is_meant(w, u)) return *hand = true, w->to;
    if (at >= w->after) {
        *hand = false;
        return configured_shard(&after, u, &wanted) ? wanted : shard_hash(unit_id_of(u), w->after);
    }
    if (*hand || configured_shard(before, u, &wanted)) return at;
    wanted = shard_hash(unit_id_of(u), w->after);
    return wanted >= w->before ? wanted : at;
}

struct making {
    struct shard_plan *plan;
    const book_t *book;
    struct shard_map map; // as it is
    size_t room;
};

static void add_configured_account(void *arg, const AccountConfig *account) {
    struct making *m = arg;
    struct shard_plan *p = m->plan;
    array_reserve(p->places, p->n, m->room);
    const struct unit u = {account, book_server(m->book, account->account_id)};
    struct shard_place *place = &p->places[p->n++];
    *place = (struct shard_place){.account = account,
                                  .instance = u.instance,
                                  .from = shard_of_account(&m->map, account, u.instance)};
    place->to = goal_of(&m->map, &p->wish, &u, &place->by_hand);
}

static int by_id(const void *a, const void *b) {
    const struct shard_place *one = a, *other = b;
    return strcmp(one->account->account_id, other->account->account_id);
}

void shard_plan_make(struct shard_plan *plan, const book_t *book, const shard_record_t *record,
                     const struct shards_wish *wish) {
    *plan = (struct shard_plan){.wish = *wish, .by_account = table_new(sizeof(size_t))};
    struct making m = {plan, book, {wish->before, record, find_unit_account, book}, 0};
    book_each_account(book, add_configured_account, &m);
    if (plan->n) qsort(plan->places, plan->n, sizeof *plan->places, by_id);
    for (size_t i = 0; i < plan->n; i++)
        *(size_t *)table_add(plan->by_account, table_key(plan->places[i].account->account_id)) =
            i + 1;
}

void shard_plan_clear(struct shard_plan *plan) {
    free(plan->places);
    table_destroy(&plan->by_account);
    *plan = (struct shard_plan){0};
}

unsigned shard_plan_of(const struct shard_plan *plan, const char *account_id, unsigned from) {
    const size_t *index = table_find(plan->by_account, table_key(account_id));
    if (index) return plan->places[*index - 1].to;
    return from < plan->wish.after ? from : 0;
}

const char *shard_plan_stranger(const struct shard_plan *plan, const book_t *book) {
    for (size_t i = 0; i < plan->wish.n_names; i++) {
        const char *name = plan->wish.names[i];
        if (!book_account(book, name) && !book_instance(book, name)) return name;
    }
    return NULL;
}
