// shards_memory - what an executor must know that takes accounts over: the orders it would know
// again, what is halted, where topics stand.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cluster/shards.h"
#include "cli/operator/stream.h"
#include "common/base/alloc.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "common/domain/shard.h"
#include "common/redis/store_transaction.h"

#define KEY_TEXT     96
#define HOUR_TEXT    24
#define AT_ONCE      1000 // entries in one command
#define GUARD_PRESET 8000000
#define S(text)      span_of(text)

// --- guards: nobody can say of which account an entry is, so an executor gets all that another one
// knows; knowing more does no harm

struct hours {
    char (*list)[HOUR_TEXT];
    size_t n;
};

static err_t add_hour(void *arg, struct span member) {
    struct hours *h = arg;
    h->list = alloc_resized(h->list, h->n + 1, sizeof *h->list);
    (void)snprintf(h->list[h->n++], HOUR_TEXT, "%.*s", (int)member.length,
                   (const char *)member.data);
    return ERR_OK;
}

static err_t hours_of(store_t *store, unsigned shard, struct hours *out) {
    char key[KEY_TEXT];
    *out = (struct hours){0};
    (void)snprintf(key, sizeof key, "trade_state:guard:%u:hours", shard);
    return store_members(store, key, add_hour, out);
}

static void hour_key(unsigned shard, const char *hour, char out[static KEY_TEXT]) {
    (void)snprintf(out, KEY_TEXT, "trade_state:guard:%u:%s", shard, hour);
}

static err_t count_guard(store_t *store, unsigned shard, unsigned long long *count) {
    struct hours hours;
    own(buffer) reply = {0};
    err_t e = hours_of(store, shard, &hours);
    for (size_t i = 0; !e && i < hours.n; i++) {
        char key[KEY_TEXT];
        hour_key(shard, hours.list[i], key);
        e = store_command(store, 2, (struct span[]){S("HLEN"), S(key)}, &reply);
        *count += strtoull(buffer_string(&reply), NULL, 10);
    }
    free(hours.list);
    return e;
}

struct copying {
    store_t *store;
    char to[KEY_TEXT];
    struct span argv[2 + 2 * AT_ONCE];
    unsigned n; // entries
    arena_t *arena;
};

static err_t flush_copy(struct copying *c) {
    if (!c->n) return ERR_OK;
    own(buffer) commands = {0};
    unsigned count = 0;
    c->argv[0] = S("HSET");
    c->argv[1] = S(c->to);
    shards_command(&commands, &count, 2 + 2 * c->n, c->argv);
    c->n = 0;
    err_t e = store_pipeline(c->store, buffer_span(&commands), count, NULL, NULL);
    arena_reset(c->arena);
    FAILPOINT("shards.in_guards");
    return e;
}

static struct span copy_span(arena_t *arena, struct span bytes) {
    void *copy = arena_take(arena, bytes.length + 1);
    memcpy(copy, bytes.data, bytes.length);
    return (struct span){copy, bytes.length};
}

static err_t copy_entry(void *arg, struct span name, struct span value) {
    struct copying *c = arg;
    c->argv[2 + 2 * c->n] = copy_span(c->arena, name);
    c->argv[3 + 2 * c->n] = copy_span(c->arena, value);
    return ++c->n < AT_ONCE ? ERR_OK : flush_copy(c);
}

static err_t copy_hour(store_t *store, unsigned from, unsigned to, const char *hour) {
    char key[KEY_TEXT], list[KEY_TEXT];
    own(arena) *arena = arena_new(0);
    own(buffer) reply = {0};
    struct copying *c = alloc_zeroed(1, sizeof *c);
    c->store = store;
    c->arena = arena;
    hour_key(to, hour, c->to);
    hour_key(from, hour, key);
    (void)snprintf(list, sizeof list, "trade_state:guard:%u:hours", to);
    err_t e = store_command(store, 3, (struct span[]){S("SADD"), S(list), S(hour)}, &reply);
    if (!e) e = store_pairs(store, key, copy_entry, c);
    if (!e) e = flush_copy(c);
    free(c);
    return e;
}

static unsigned long long guard_max(void) {
    const char *own = getenv("TRADECAST_EXECUTOR_GUARD_MAX"), *all = getenv("TRADECAST_GUARD_MAX");
    const char *given = own && *own ? own : all;
    return given && *given ? strtoull(given, NULL, 10) : GUARD_PRESET;
}

static err_t copy_guard(const struct shards *s, unsigned from, unsigned to,
                        char why[static WHY_TEXT]) {
    struct hours hours = {0};
    unsigned long long count = 0;
    err_t e = count_guard(s->store, from, &count);
    if (!e) e = count_guard(s->store, to, &count);
    if (!e && count > guard_max()) {
        (void)snprintf(why, WHY_TEXT,
                       "executor %u would have to remember %llu orders, and refuses more than "
                       "%llu: raise TRADECAST_EXECUTOR_GUARD_MAX, here too, or "
                       "wait until older ones are forgotten (48 h)",
                       to, count, guard_max());
        return ERR_CONFIG;
    }
    if (!e) e = hours_of(s->store, from, &hours);
    for (size_t i = 0; !e && i < hours.n; i++) e = copy_hour(s->store, from, to, hours.list[i]);
    free(hours.list);
    return e;
}

err_t shards_copy_guards(const struct shards *s, const struct kept *list, size_t n,
                         char why[static WHY_TEXT]) {
    bool moves[SHARDS_MOST][SHARDS_MOST] = {0};
    for (size_t i = 0; i < n; i++) moves[list[i].at][list[i].to] = true;
    for (size_t i = 0; i < s->plan.n; i++)
        moves[s->plan.places[i].from][s->plan.places[i].to] = true;
    err_t e = ERR_OK;
    for (unsigned from = 0; from < SHARDS_MOST; from++) {
        for (unsigned to = 0; !e && to < SHARDS_MOST; to++) {
            if (moves[from][to] && from != to) e = copy_guard(s, from, to, why);
        }
    }
    return e;
}

err_t shards_forget_guards(const struct shards *s, unsigned shard, buffer_t *out,
                           unsigned *commands) {
    struct hours hours;
    char key[KEY_TEXT];
    err_t e = hours_of(s->store, shard, &hours);
    for (size_t i = 0; !e && i < hours.n; i++) {
        hour_key(shard, hours.list[i], key);
        shards_command(out, commands, 2, (struct span[]){S("UNLINK"), S(key)});
    }
    free(hours.list);
    (void)snprintf(key, sizeof key, "trade_state:guard:%u:hours", shard);
    shards_command(out, commands, 2, (struct span[]){S("UNLINK"), S(key)});
    return e;
}

// --- a new executor

struct latching {
    char key[KEY_TEXT];
    buffer_t *out;
    unsigned *commands;
};

// But an account's lock, which its executor alone was told.
static err_t latch_halt(void *arg, struct span name, struct span value) {
    struct latching *l = arg;
    static const char *const own[] = {"lock:", "flatten:lock:"};
    for (size_t i = 0; i < 2; i++) {
        if (name.length >= strlen(own[i]) && memcmp(name.data, own[i], strlen(own[i])) == 0)
            return ERR_OK;
    }
    shards_command(l->out, l->commands, 4, (struct span[]){S("HSET"), S(l->key), name, value});
    return ERR_OK;
}

err_t shards_begin(const struct shards *s, unsigned shard, buffer_t *out, unsigned *commands) {
    char orders[NAME_TEXT];
    // what was ordered of an earlier one, that one had taken
    const char *const topics[] = {"commands", "outcomes", "config", orders};
    (void)snprintf(orders, sizeof orders, "orders.%u", shard);
    struct latching l = {.out = out, .commands = commands};
    char position[KEY_TEXT], head[ENTRY_ID_TEXT];
    (void)snprintf(l.key, sizeof l.key, "execution_state:risk:%u", shard);
    (void)snprintf(position, sizeof position, "position:executor.%u", shard);
    shards_command(out, commands, 2, (struct span[]){S("UNLINK"), S(l.key)});
    err_t e = store_pairs(s->store, "execution_state:risk:0", latch_halt, &l);
    for (size_t i = 0; !e && i < sizeof topics / sizeof *topics; i++) {
        e = shards_head(s->store, topics[i], head);
        shards_command(out, commands, 4,
                       (struct span[]){S("HSET"), S(position), S(topics[i]), S(head)});
    }
    return e;
}

// --- topics

err_t shards_head(store_t *store, const char *topic, char id[static ENTRY_ID_TEXT]) {
    struct journal journal;
    struct entry_id head;
    err_t e = journal_look(store, topic, &journal);
    bool none = e || entry_id_parse(journal.head, strlen(journal.head), &head);
    entry_id_print(none ? ENTRY_ID_NONE : head, id);
    return e;
}

err_t shards_number(store_t *store, const char *key, unsigned *out) {
    own(buffer) text = {0};
    err_t e = store_get(store, key, &text);
    if (!e) *out = (unsigned)strtoul(buffer_string(&text), NULL, 10);
    return e;
}

err_t shards_to_take(store_t *store, unsigned shard, uint64_t *out) {
    char name[NAME_TEXT], orders[NAME_TEXT];
    uint64_t n = 0;
    instance_name(EXECUTOR, shard, name);
    (void)snprintf(orders, sizeof orders, "orders.%u", shard);
    err_t e = journal_behind(store, name, orders, out);
    if (!e) e = journal_behind(store, name, "commands", &n);
    *out += n;
    return e;
}
