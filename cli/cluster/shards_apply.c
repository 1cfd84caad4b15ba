// shards_apply - accounts are moved in one transaction, while nobody runs who has to do with
// executors, and with nothing on its way.
// SPDX-License-Identifier: MIT
//
// Everything before the transaction may be done again and changes nothing that counts: epochs go
// up, guards know more. So whoever is killed anywhere leaves the old state or the new one. A
// service that starts meanwhile raises an epoch that is watched: then nothing is moved.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/cluster/shards.h"
#include "cli/operator/stream.h"
#include "cli/place.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "common/domain/shard.h"
#include "common/redis/store_transaction.h"

#define KEY_TEXT    96
#define PATIENCE_MS 60000
#define S(text)     span_of(text)

// Everybody but ingest and what follows signals alone: all that have to do with executors.
struct services {
    struct instance list[INSTANCES_MAX];
    size_t n;
    int locks[INSTANCES_MAX];
};

static unsigned larger_of(unsigned a, unsigned b) { return a > b ? a : b; }

static void list_services(const struct shards *s, struct services *out) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(larger_of(s->plan.wish.before, s->plan.wish.after), all);
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!topology_is_sharded(all[i].role)) continue;
        out->locks[out->n] = -1;
        out->list[out->n++] = all[i];
    }
}

// --- nobody runs

static void unlock_services(struct services *services) {
    for (size_t i = 0; i < services->n; i++) {
        if (services->locks[i] >= 0) close(services->locks[i]);
    }
}

// Where it has never run there is no file, and none is made: it would belong to us.
static bool lock_one(const struct shards *s, struct services *services, size_t i,
                     char why[static WHY_TEXT]) {
    char path[512];
    const char *name = services->list[i].name, *given = getenv("TRADECAST_LOCK_DIR");
    (void)snprintf(path, sizeof path, "%.400s/%s.lock", given && *given ? given : s->place->run,
                   name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return true;
    services->locks[i] = fd;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (fd < 0)
        (void)snprintf(why, WHY_TEXT, "%.300s: %s", path, strerror(errno));
    else
        (void)snprintf(
            why, WHY_TEXT,
            "%s is running on this host (%.200s is locked): stop everything but ingest first", name,
            path);
    return false;
}

// The user of a line of CLIENT LIST, and its address.
static bool is_of(const char *line, size_t length, const char *user, char address[static 80]) {
    char text[1024], field[96];
    (void)snprintf(text, sizeof text, " %.*s ", (int)(length < 1000 ? length : 1000), line);
    (void)snprintf(field, sizeof field, " user=%s ", user);
    const char *at = strstr(text, " addr=");
    (void)snprintf(address, 80, "%.*s", at ? (int)strcspn(at + 6, " ") : 0, at ? at + 6 : "");
    return strstr(text, field) != NULL;
}

static err_t find_connected(store_t *store, const struct services *services, bool *any,
                            char why[static WHY_TEXT]) {
    own(buffer) reply = {0};
    char address[80];
    err_t e = REDIS(store, &reply, "CLIENT", "LIST");
    *any = false;
    for (const char *line = buffer_string(&reply); !e && *line && !*any;
         line += strcspn(line, "\n"), line += *line == '\n') {
        for (size_t i = 0; i < services->n && !*any; i++) {
            *any = is_of(line, strcspn(line, "\n"), services->list[i].name, address);
            if (*any)
                (void)snprintf(why, WHY_TEXT,
                               "%s is connected to Redis (%s): stop everything but ingest first; "
                               "what cannot be reached is shut out by --fence",
                               services->list[i].name, address);
        }
    }
    return e;
}

static enum outcome be_alone(const struct shards *s, struct services *services, bool fence,
                             char why[static WHY_TEXT]) {
    bool connected;
    for (size_t i = 0; i < services->n; i++) {
        if (!lock_one(s, services, i, why)) return ANSWER_NO;
    }
    if (find_connected(s->store, services, &connected, why)) return NO_REACH;
    return connected && !fence ? ANSWER_NO : DONE;
}

// --- and nobody can come back

static err_t read_epoch(store_t *store, const char *name, unsigned long long *out) {
    char key[KEY_TEXT];
    own(buffer) text = {0};
    (void)snprintf(key, sizeof key, "%s:epoch", name);
    err_t e = store_get(store, key, &text);
    *out = strtoull(buffer_string(&text), NULL, 10);
    return e;
}

static err_t set_epoch(store_t *store, const char *name, unsigned long long epoch) {
    char key[KEY_TEXT], value[24];
    own(buffer) reply = {0};
    (void)snprintf(key, sizeof key, "%s:epoch", name);
    (void)snprintf(value, sizeof value, "%llu", epoch);
    err_t e = REDIS(store, &reply, "SET", key, value);
    if (!e) e = REDIS(store, &reply, "CLIENT", "KILL", "USER", name, "SKIPME", "yes");
    return e;
}

// Whoever was shut out stops when it comes back. All executors get an epoch that is above each
// one's: a gateway listens to no lower one than it has heard, and the next that it hears may be
// another's.
static err_t fence_all(store_t *store, const struct services *services) {
    unsigned long long highest = 0, epoch = 0;
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < services->n; i++) {
        if (services->list[i].role == EXECUTOR)
            e = read_epoch(store, services->list[i].name, &epoch);
        if (epoch > highest) highest = epoch;
    }
    for (size_t i = 0; !e && i < services->n; i++) {
        if (services->list[i].role != EXECUTOR)
            e = read_epoch(store, services->list[i].name, &epoch);
        if (!e)
            e = set_epoch(store, services->list[i].name,
                          (services->list[i].role == EXECUTOR ? highest : epoch) + 1);
        FAILPOINT("shards.in_fence");
    }
    return e;
}

static err_t watch_keys(store_t *store, const struct services *services) {
    struct span argv[2 + 2 * INSTANCES_MAX];
    char keys[2 * INSTANCES_MAX][KEY_TEXT];
    own(buffer) reply = {0};
    unsigned n = 0;
    argv[n++] = S("WATCH");
    argv[n++] = S(SHARDS_EXECUTORS);
    for (size_t i = 0; i < services->n; i++) {
        (void)snprintf(keys[2 * i], KEY_TEXT, "%s:epoch", services->list[i].name);
        (void)snprintf(keys[2 * i + 1], KEY_TEXT, "%s:batch", services->list[i].name);
        argv[n++] = S(keys[2 * i]);
        argv[n++] = S(keys[2 * i + 1]);
    }
    return store_command(store, n, argv, &reply);
}

// --- nothing is on its way

static err_t find_undone(const struct shards *s, char why[static WHY_TEXT]) {
    err_t e = ERR_OK;
    for (unsigned k = 0; !e && k < s->plan.wish.before; k++) {
        uint64_t left = 0;
        e = shards_to_take(s->store, k, &left);
        if (e || !left) continue;
        (void)snprintf(why, WHY_TEXT,
                       "executor.%u has %llu orders or commands to take first: start it, without "
                       "the router, until tradecast shards --drained says so",
                       k, (unsigned long long)left);
        return ERR_BUSY;
    }
    return e;
}

// Redis lets each executor in under a name of its own.
static err_t find_users(const struct shards *s, char why[static WHY_TEXT]) {
    own(buffer) reply = {0};
    for (unsigned k = s->plan.wish.before; k < s->plan.wish.after; k++) {
        char name[NAME_TEXT];
        instance_name(EXECUTOR, k, name);
        err_t e = REDIS(s->store, &reply, "ACL", "GETUSER", name);
        if (!e && strlen(buffer_string(&reply)) <= 1) { // the file may have it
            e = REDIS(s->store, &reply, "ACL", "LOAD");
            if (!e) e = store_connect(s->store); // it shuts every connection
            if (!e) e = REDIS(s->store, &reply, "ACL", "GETUSER", name);
        }
        if (!e && strlen(buffer_string(&reply)) > 1) continue;
        (void)snprintf(why, WHY_TEXT,
                       "Redis knows no user %s: deploy/prepare with --shards %u makes it, and its "
                       "password (docs/deployment.md)",
                       name, s->plan.wish.after);
        return e ? e : ERR_BUSY;
    }
    return ERR_OK;
}

// --- the transaction

static err_t add_topic(const struct shards *s, const char *format, unsigned shard, buffer_t *out,
                       unsigned *n) {
    char topic[NAME_TEXT], head[ENTRY_ID_TEXT];
    (void)snprintf(topic, sizeof topic, "%s.%u", format, shard);
    err_t e = shards_head(s->store, topic, head);
    shards_command(out, n, 4, (struct span[]){S("HSET"), S(SHARDS_BARRIER), S(topic), S(head)});
    return e;
}

// What was said before is heard before what is said after: how far each topic has come.
static err_t add_barrier(const struct shards *s, unsigned shards, buffer_t *out, unsigned *n) {
    err_t e = ERR_OK;
    for (unsigned k = 0; !e && k < shards; k++) {
        e = add_topic(s, "orders", k, out, n);
        if (!e) e = add_topic(s, "executions", k, out, n);
    }
    return e;
}

static void add_places(const struct shards *s, buffer_t *out, unsigned *n) {
    shards_command(out, n, 2, (struct span[]){S("UNLINK"), S(SHARDS_ACCOUNTS)});
    for (size_t i = 0; i < s->plan.n; i++) {
        char value[32];
        const struct shard_place *p = &s->plan.places[i];
        (void)snprintf(value, sizeof value, "%u%s", p->to, p->by_hand ? " by hand" : "");
        shards_command(
            out, n, 4,
            (struct span[]){S("HSET"), S(SHARDS_ACCOUNTS), S(p->account->account_id), S(value)});
    }
}

static void add_set_number(const char *key, unsigned number, buffer_t *out, unsigned *n) {
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    shards_command(out, n, 3, (struct span[]){S("SET"), S(key), S(text)});
}

static err_t add_ends(const struct shards *s, buffer_t *out, unsigned *n) {
    err_t e = ERR_OK;
    char key[KEY_TEXT];
    for (unsigned k = 0; !e && k < SHARDS_MOST; k++) {
        (void)snprintf(key, sizeof key, "execution_state:sums:%u", k); // told anew
        shards_command(out, n, 2, (struct span[]){S("UNLINK"), S(key)});
        if (k < s->plan.wish.after) continue;
        (void)snprintf(key, sizeof key, "execution_state:risk:%u", k);
        shards_command(out, n, 2, (struct span[]){S("UNLINK"), S(key)});
        (void)snprintf(key, sizeof key, "position:executor.%u", k);
        shards_command(out, n, 2, (struct span[]){S("UNLINK"), S(key)});
        e = shards_forget_guards(s, k, out, n);
    }
    return e;
}

// Whether anybody has still to read what an executor that goes, or is gone, has said, or was told.
static err_t is_unread(const struct shards *s, unsigned shard, bool *unread) {
    struct instance me = {.role = EXECUTOR, .shard = shard}, all[INSTANCES_MAX];
    struct stream streams[INSTANCES_MAX];
    instance_name(EXECUTOR, shard, me.name);
    size_t n = topology_outlets(&me, shard + 1, streams);
    streams[n] = (struct stream){.topic = TOPIC_orders, .shard = shard};
    (void)snprintf(streams[n].name, sizeof streams[n].name, "orders.%u", shard);
    err_t e = ERR_OK;
    *unread = false;
    for (size_t i = 0; i <= n; i++) {
        size_t consumers = topology_consumers(&streams[i], shard + 1, all);
        for (size_t c = 0; !e && c < consumers; c++) {
            uint64_t left = 0;
            if (all[c].role != EXECUTOR)
                e = journal_behind(s->store, all[c].name, streams[i].name, &left);
            *unread |= left != 0;
        }
    }
    return e;
}

// Topics up to here (not included) are read on.
static err_t find_retired(const struct shards *s, unsigned *out) {
    err_t e = ERR_OK;
    bool unread = false;
    *out = larger_of(s->plan.wish.before, s->retired);
    while (!e && *out > s->plan.wish.after) {
        e = is_unread(s, *out - 1, &unread);
        if (unread) return e;
        --*out;
    }
    *out = 0;
    return e;
}

static err_t commit_moves(struct shards *s, const struct kept *list, size_t n_kept) {
    own(buffer) commands = {0};
    unsigned n = 0, before = s->plan.wish.before, after = s->plan.wish.after, retired = 0;
    err_t e = find_retired(s, &retired);
    for (unsigned k = before; !e && k < after; k++) e = shards_begin(s, k, &commands, &n);
    shards_move_kept(list, n_kept, &commands, &n);
    if (!e) e = add_ends(s, &commands, &n);
    if (!e) e = add_barrier(s, larger_of(before, s->retired), &commands, &n);
    add_places(s, &commands, &n);
    add_set_number(SHARDS_RETIRED, retired, &commands, &n);
    add_set_number(SHARDS_EXECUTORS, after, &commands, &n);
    FAILPOINT("shards.before_exec");
    if (!e) e = store_transaction(s->store, buffer_span(&commands), n);
    FAILPOINT("shards.after_exec");
    return e;
}

// Of two who move at once one has read what is not so any more.
static err_t check_nothing_moved(const struct shards *s, char why[static WHY_TEXT]) {
    unsigned now = 0;
    err_t e = shards_number(s->store, SHARDS_EXECUTORS, &now);
    if (e || now == s->recorded) return e;
    (void)snprintf(why, WHY_TEXT,
                   "there are %u executors by now: somebody else moves accounts, too; look again",
                   now);
    return ERR_BUSY;
}

// ERR_BUSY, ERR_CONFIG: *why says what is to be done. ERR_REFUSED: somebody came in between.
static err_t prepare_and_commit(struct shards *s, const struct services *services,
                                char why[static WHY_TEXT]) {
    own(arena) *arena = arena_new(0);
    struct kept *list;
    size_t n;
    store_patience(s->store, PATIENCE_MS); // there may be much to move
    err_t e = find_users(s, why);
    if (!e) e = fence_all(s->store, services);
    if (!e) e = watch_keys(s->store, services);
    if (!e) e = check_nothing_moved(s, why);
    if (!e) e = find_undone(s, why);
    if (!e) e = shards_find(s, arena, &list, &n);
    if (!e) e = shards_copy_guards(s, list, n, why);
    return e ? e : commit_moves(s, list, n);
}

enum outcome shards_apply(struct shards *s, bool fence) {
    char why[WHY_TEXT] = "";
    struct services services;
    list_services(s, &services);
    enum outcome outcome = be_alone(s, &services, fence, why);
    err_t e = outcome == DONE ? prepare_and_commit(s, &services, why) : ERR_OK;
    unlock_services(&services);
    if (outcome != DONE)
        return complain_of_call(outcome, "%s", *why ? why : store_trouble(s->store));
    if (e == ERR_BUSY || e == ERR_CONFIG) return complain_of_call(ANSWER_NO, "%s", why);
    if (e == ERR_REFUSED && !*store_trouble(s->store))
        return complain_of_call(ANSWER_NO, "something was started meanwhile, and nothing was "
                                           "moved: stop everything but ingest, and try again");
    if (e == ERR_STORE)
        return complain_of_call(
            NO_REACH, "Redis did not answer (%s); run the command again to see whether it was done",
            store_trouble(s->store));
    return e ? complain_of_call(NO_REACH, "nothing was moved: %s",
                                *store_trouble(s->store) ? store_trouble(s->store) : error_words(e))
             : DONE;
}

// --- on disk

static bool info_is(const char *info, const char *name, const char *value) {
    char line[64];
    (void)snprintf(line, sizeof line, "\n%s:%s\r\n", name, value);
    return strstr(info, line) != NULL;
}

// Redis writes in the background, once a second: what was there two seconds ago has been given to
// the disk when nothing is pending.
bool shards_durable(store_t *store) {
    uint64_t began = clock_mono_ns(), until = began + 10 * NS_PER_S;
    own(buffer) reply = {0};
    bool always = !REDIS(store, &reply, "CONFIG", "GET", "appendfsync") &&
                  strstr(buffer_string(&reply), "\nalways\n");
    while (!always && clock_mono_ns() < until) {
        bool waited = clock_mono_ns() - began > 2200 * NS_PER_MS;
        if (REDIS(store, &reply, "INFO", "persistence")) return false;
        const char *info = buffer_string(&reply);
        if (waited && info_is(info, "aof_buffer_length", "0") &&
            info_is(info, "aof_pending_bio_fsync", "0") &&
            info_is(info, "aof_last_write_status", "ok"))
            return true;
        usleep(100000);
    }
    return always;
}
