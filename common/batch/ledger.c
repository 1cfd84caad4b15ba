// ledger - the owner's side of Redis.
// SPDX-License-Identifier: MIT
#include "common/batch/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/testing.h"
#include "common/delivery/delivery.h"
#include "common/redis/store_transaction.h"

#define PROBE_MS        250 // how long a reconnect may keep the loop from its door
#define BACKOFF_MOST_NS NS_PER_S
#define YOUNG_NS        (3 * NS_PER_S) // a ring full of batches younger than this slows the input

struct ledger {
    char name[64], user[64];
    char batch_key[80], epoch_key[80], clean_key[80];
    store_t *store;
    ring_t *ring;
    int64_t patience_ms;
    bool strict;
    err_t (*fit)(void *arg, store_t *store, char why[static 200]);
    void *fit_arg;
    uint64_t epoch, incarnation, batch;
    char at_start[64]; // <name>:batch when this process took over
    char run_id[48];   // of the Redis we talk to
    buffer_t bytes;    // of the batch that is committed
    bool clean, pending;
    unsigned shut_out;           // connections of others that were closed when it took over
    struct ledger_healed healed; // since it was last asked
    uint64_t connections, rolled_back_at, retry_at, backoff_ns, asked_written_at, answered_at;
};

ledger_t *ledger_new(const struct ledger_options *options) {
    ledger_t *self = alloc_zeroed(1, sizeof *self);
    snprintf(self->name, sizeof self->name, "%s", options->name);
    snprintf(self->user, sizeof self->user, "%s", options->store->user);
    snprintf(self->batch_key, sizeof self->batch_key, "%s:batch", options->name);
    snprintf(self->epoch_key, sizeof self->epoch_key, "%s:epoch", options->name);
    snprintf(self->clean_key, sizeof self->clean_key, "%s:clean", options->name);
    self->store = store_new(options->store);
    self->patience_ms = options->store->answer_within_ms;
    self->strict = options->strict;
    self->fit = options->fit;
    self->fit_arg = options->fit_arg;
    self->ring = ring_new(options->ring_bytes, options->ring_age_ns);
    return self;
}

void ledger_destroy(ledger_t **self) {
    if (!*self) return;
    store_destroy(&(*self)->store);
    ring_destroy(&(*self)->ring);
    buffer_destroy(&(*self)->bytes);
    free(*self);
    *self = NULL;
}

store_t *ledger_store(ledger_t *self) { return self->store; }
uint64_t ledger_epoch(const ledger_t *self) { return self->epoch; }
bool ledger_was_clean(const ledger_t *self) { return self->clean; }
bool ledger_is_first(const ledger_t *self) { return !*self->at_start; }
unsigned ledger_shut_out(const ledger_t *self) { return self->shut_out; }
uint64_t ledger_batch(const ledger_t *self) { return self->batch; }
uint64_t ledger_connections(const ledger_t *self) { return self->connections; }
uint64_t ledger_rolled_back_at(const ledger_t *self) { return self->rolled_back_at; }
size_t ledger_ring_bytes(const ledger_t *self) { return ring_bytes(self->ring); }

bool ledger_take_healed(ledger_t *self, struct ledger_healed *out) {
    *out = self->healed;
    self->healed = (struct ledger_healed){0};
    return out->restarts || out->batches;
}

uint64_t ledger_stored_incarnation(const ledger_t *self) {
    struct entry_id id = ENTRY_ID_NONE;
    return entry_id_parse(self->at_start, strlen(self->at_start), &id) ? 0 : id.incarnation;
}

void ledger_begin(ledger_t *self, uint64_t incarnation) { self->incarnation = incarnation; }

#define S(text) ((struct span){(text), strlen(text)})

// --- what Redis says about itself

// The value behind "name:" in an INFO answer; empty when it is not there.
static void info_value(const buffer_t *info, const char *name, char *out, size_t room) {
    size_t length = strlen(name);
    *out = 0;
    for (const char *at = (const char *)info->data; at && *at;
         at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
        if (strncmp(at, name, length) != 0 || at[length] != ':') continue;
        size_t n = strcspn(at + length + 1, "\r\n");
        if (n >= room) n = room - 1;
        memcpy(out, at + length + 1, n);
        out[n] = 0;
        return;
    }
}

static err_t info_of(ledger_t *self, const char *section, const char *name, char *out,
                     size_t room) {
    buffer_t info = {0};
    err_t e = store_command(self->store, 2, (struct span[]){S("INFO"), S(section)}, &info);
    if (!e) {
        buffer_string(&info);
        info_value(&info, name, out, room);
    }
    buffer_destroy(&info);
    return e;
}

err_t ledger_memory(ledger_t *self, unsigned *percent) {
    char used[32] = "", most[32] = "";
    buffer_t info = {0};
    err_t e = store_command(self->store, 2, (struct span[]){S("INFO"), S("memory")}, &info);
    if (!e) {
        buffer_string(&info);
        info_value(&info, "used_memory", used, sizeof used);
        info_value(&info, "maxmemory", most, sizeof most);
    }
    buffer_destroy(&info);
    unsigned long long limit = strtoull(most, NULL, 10);
    if (!e) *percent = limit ? (unsigned)(strtoull(used, NULL, 10) * 100 / limit) : 0;
    return e;
}

static err_t read_setting(ledger_t *self, const char *name, char *out, size_t room) {
    buffer_t answer = {0};
    err_t e =
        store_command(self->store, 3, (struct span[]){S("CONFIG"), S("GET"), S(name)}, &answer);
    const char *value = e ? NULL : strchr(buffer_string(&answer), '\n');
    *out = 0;
    if (value) snprintf(out, room, "%.*s", (int)strcspn(value + 1, "\n"), value + 1);
    buffer_destroy(&answer);
    return e;
}

// The promise rests on these; the rest of redis.conf is taste.
static err_t check_fit(ledger_t *self, char why[static 200]) {
    char policy[32], aof[16], sync[16];
    err_t e = read_setting(self, "maxmemory-policy", policy, sizeof policy);
    if (!e) e = read_setting(self, "appendonly", aof, sizeof aof);
    if (!e) e = read_setting(self, "appendfsync", sync, sizeof sync);
    if (e) return e;
    if (strncmp(policy, "allkeys", 7) == 0) {
        snprintf(why, 200,
                 "Redis has maxmemory-policy %s, which may evict journals; set volatile-lru (or "
                 "noeviction)",
                 policy);
        return ERR_CONFIG;
    }
    if (strcmp(aof, "yes") != 0) {
        snprintf(why, 200,
                 "Redis has appendonly %s, so a restart would lose everything; set appendonly yes",
                 aof);
        return ERR_CONFIG;
    }
    if (self->strict && strcmp(sync, "always") != 0) {
        snprintf(why, 200,
                 "TRADECAST_PROFILE is strict and Redis has appendfsync %s, which may forget the "
                 "last seconds; set appendfsync "
                 "always, or TRADECAST_PROFILE=standard",
                 sync);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

// Before the slice is taken over, so that who does not belong here shuts nobody out; and after, for
// what changed in between.
static err_t check_more(ledger_t *self, char why[static 200]) {
    return self->fit ? self->fit(self->fit_arg, self->store, why) : ERR_OK;
}

// --- connecting

static err_t read_text(ledger_t *self, const char *key, char *out, size_t room) {
    buffer_t value = {0};
    err_t e = store_get(self->store, key, &value);
    if (!e) snprintf(out, room, "%s", buffer_string(&value));
    buffer_destroy(&value);
    return e;
}

// A Redis that was restarted may have forgotten something, ours or another service's.
static err_t notice_restart(ledger_t *self, uint64_t mono_ns) {
    char run_id[48];
    err_t e = info_of(self, "server", "run_id", run_id, sizeof run_id);
    if (e) return e;
    if (*self->run_id && strcmp(self->run_id, run_id) != 0) {
        self->rolled_back_at = mono_ns;
        self->healed.restarts++;
    }
    memcpy(self->run_id, run_id, sizeof run_id);
    return ERR_OK;
}

// An owner that did not stop in order cannot know what Redis had forgotten when that last started,
// so it holds that moment against it: a signal from before, whose order the forgotten owner may
// have sent, is not new because it comes again.
static err_t notice_earlier_restart(ledger_t *self, uint64_t mono_ns) {
    char seconds[24];
    err_t e = self->clean ? ERR_OK
                          : info_of(self, "server", "uptime_in_seconds", seconds, sizeof seconds);
    if (e || self->clean) return e;
    uint64_t up_ns = strtoull(seconds, NULL, 10) * NS_PER_S;
    self->rolled_back_at = up_ns < mono_ns ? mono_ns - up_ns : 1;
    return ERR_OK;
}

static err_t connect_within(ledger_t *self, int64_t ms) {
    store_patience(self->store, ms);
    err_t e = store_connect(self->store);
    self->connections++;
    return e;
}

static err_t run_command(ledger_t *self, unsigned argc, const struct span *argv, buffer_t *answer) {
    return store_command(self->store, argc, argv, answer);
}

static err_t write_epoch(ledger_t *self) {
    char mine[32];
    buffer_t answer = {0};
    snprintf(mine, sizeof mine, "%llu", (unsigned long long)self->epoch);
    err_t e = run_command(self, 3, (struct span[]){S("SET"), S(self->epoch_key), S(mine)}, &answer);
    buffer_destroy(&answer);
    return e;
}

// Above the stored one; and no lower than the clock says in us, so that one that Redis has
// forgotten is not given again: a gateway would take its second owner for the first. Of two who do
// this at once the one with the older clock finds the other's, and stops.
static err_t raise_epoch(ledger_t *self) {
    buffer_t answer = {0};
    err_t e = run_command(self, 2, (struct span[]){S("INCR"), S(self->epoch_key)}, &answer);
    if (!e) self->epoch = strtoull(buffer_string(&answer), NULL, 10);
    buffer_destroy(&answer);
    uint64_t now_us = clock_utc_ns() / NS_PER_US;
    if (e || self->epoch >= now_us) return e;
    self->epoch = now_us;
    return write_epoch(self);
}

// Closes every other connection of this user: a former owner's, which must connect again and then
// finds a higher epoch; and our own earlier one, whose last transaction might still be on its way.
static err_t shut_out_others(ledger_t *self) {
    buffer_t answer = {0};
    err_t e = run_command(
        self, 6,
        (struct span[]){S("CLIENT"), S("KILL"), S("USER"), S(self->user), S("SKIPME"), S("yes")},
        &answer);
    if (!e) self->shut_out = (unsigned)strtoul(buffer_string(&answer), NULL, 10);
    buffer_destroy(&answer);
    return e;
}

static err_t read_ledger_state(ledger_t *self) {
    char clean[8] = "";
    err_t e = read_text(self, self->batch_key, self->at_start, sizeof self->at_start);
    if (!e) e = read_text(self, self->clean_key, clean, sizeof clean);
    self->clean = strcmp(clean, "1") == 0 || !*self->at_start;
    buffer_t answer = {0};
    if (!e) e = run_command(self, 2, (struct span[]){S("UNLINK"), S(self->clean_key)}, &answer);
    buffer_destroy(&answer);
    return e;
}

err_t ledger_take_over(ledger_t *self, char why[static 200]) {
    err_t e = connect_within(self, self->patience_ms);
    *why = 0;
    if (!e) e = check_fit(self, why);
    if (!e) e = notice_restart(self, clock_mono_ns());
    if (!e) e = check_more(self, why);
    if (!e) e = raise_epoch(self);
    if (!e) e = shut_out_others(self);
    if (!e) e = check_more(self, why);
    if (!e) e = read_ledger_state(self);
    if (!e) e = notice_earlier_restart(self, clock_mono_ns());
    if (!e) self->answered_at = clock_mono_ns();
    if (e && !*why) snprintf(why, 200, "%s", store_trouble(self->store));
    return e;
}

// The epoch went up: another owner. It went down: Redis forgot ours, and nobody came since; it is
// set again.
static err_t check_epoch(ledger_t *self) {
    char text[32];
    err_t e = read_text(self, self->epoch_key, text, sizeof text);
    if (e) return e;
    uint64_t epoch = strtoull(text, NULL, 10);
    if (epoch > self->epoch) return ERR_FENCED;
    return epoch == self->epoch ? ERR_OK : write_epoch(self);
}

static err_t replay_ring(ledger_t *self, uint64_t from, uint64_t mono_ns) {
    if (from != self->batch || !self->pending) {
        self->rolled_back_at = mono_ns;
        log_event(LOG_LEVEL_WARNING, "replaying", "from=%llu to=%llu", (unsigned long long)from,
                  (unsigned long long)self->batch);
    }
    store_patience(self->store, self->patience_ms);
    for (uint64_t b = from; b <= self->batch; b++) {
        const struct ring_entry *entry = ring_find(self->ring, b);
        if (!entry) return ERR_FORGOTTEN;
        err_t e = store_transaction(self->store, entry->bytes, entry->commands);
        if (e) return e;
        self->healed.batches++;
        ring_touch(self->ring, b, mono_ns);
        self->answered_at = mono_ns; // never older than an entry
        FAILPOINT("ledger.in_replay");
    }
    return ERR_OK;
}

// What Redis has decides: nothing, replay, or another owner. Called on every reconnect before
// anything else is read or written.
static err_t reconcile_with_redis(ledger_t *self, uint64_t mono_ns) {
    char has[64];
    uint64_t from = 0;
    err_t e = check_epoch(self);
    if (!e) e = shut_out_others(self);
    if (!e) e = read_text(self, self->batch_key, has, sizeof has);
    if (!e) e = notice_restart(self, mono_ns);
    if (e) return e;
    switch (ring_resume(self->ring, self->incarnation, self->batch, has, self->at_start, &from)) {
    case REPLAY_NOTHING:
        return ERR_OK;
    case REPLAY_FROM:
        return replay_ring(self, from, mono_ns);
    case REPLAY_FENCED:
        return ERR_FORGOTTEN; // no epoch above ours: nobody else is there
    case REPLAY_HOLE:
        log_event(LOG_LEVEL_ERROR, "redis_lost_more_than_the_ring", "has=%s batch=%llu", has,
                  (unsigned long long)self->batch);
        return ERR_FORGOTTEN;
    }
    return ERR_OK;
}

static void back_off(ledger_t *self, uint64_t mono_ns) {
    self->backoff_ns = self->backoff_ns ? self->backoff_ns * 2 : 20 * NS_PER_MS;
    if (self->backoff_ns > BACKOFF_MOST_NS) self->backoff_ns = BACKOFF_MOST_NS;
    self->retry_at = mono_ns + self->backoff_ns;
}

static bool replays_on(const ledger_t *self) {
    return self->pending || !MUTATED("replay_on_failed_commit_only");
}

// Ages in the ring count from Redis' last answer: what was written just before it went away may be
// missing when it is back, however long that takes.
static void note_answered(ledger_t *self, uint64_t mono_ns) {
    self->pending = false;
    self->backoff_ns = 0;
    self->answered_at = mono_ns;
    ring_touch(self->ring, self->batch, mono_ns);
}

static err_t reconnect_redis(ledger_t *self, uint64_t mono_ns) {
    if (mono_ns < self->retry_at) return ERR_STORE;
    err_t e = connect_within(self, PROBE_MS);
    if (!e && replays_on(self)) e = reconcile_with_redis(self, mono_ns);
    if (e) {
        store_drop(self->store);
        back_off(self, mono_ns);
        return e;
    }
    store_patience(self->store, self->patience_ms);
    note_answered(self, mono_ns);
    log_event(LOG_LEVEL_INFO, "redis_connected", "batch=%llu", (unsigned long long)self->batch);
    return ERR_OK;
}

static err_t commit_entry(ledger_t *self, uint64_t mono_ns) {
    const struct ring_entry *entry = ring_find(self->ring, self->batch);
    err_t e = store_transaction(self->store, entry->bytes, entry->commands);
    if (e == ERR_REFUSED) back_off(self, mono_ns);
    if (!e) note_answered(self, mono_ns);
    return e;
}

err_t ledger_resume(ledger_t *self, uint64_t mono_ns) {
    if (!store_connected(self->store)) return reconnect_redis(self, mono_ns);
    if (!self->pending) return ERR_OK;
    return mono_ns < self->retry_at ? ERR_REFUSED : commit_entry(self, mono_ns);
}

err_t ledger_commit(ledger_t *self, struct span commands, unsigned n, uint64_t mono_ns) {
    buffer_t *bytes = &self->bytes;
    char value[64];
    snprintf(value, sizeof value, "%llu-%llu", (unsigned long long)self->incarnation,
             (unsigned long long)++self->batch);
    buffer_clear(bytes);
    buffer_add(bytes, commands.data, commands.length);
    store_format(bytes, 3, (const char *[]){"SET", self->batch_key, value});
    ring_push(self->ring, self->batch, bytes->data, bytes->length, n + 1, self->answered_at);
    self->pending = true;
    return store_connected(self->store) ? commit_entry(self, mono_ns)
                                        : ledger_resume(self, mono_ns);
}

// At most ten times a second: Redis says whether its AOF buffer is empty; then what was
// acknowledged is with the kernel, and a kill of Redis cannot lose it.
static void ask_written(ledger_t *self, uint64_t mono_ns) {
    char length[24], status[8];
    if (mono_ns - self->asked_written_at < 100 * NS_PER_MS || self->pending ||
        !store_connected(self->store))
        return;
    self->asked_written_at = mono_ns;
    if (info_of(self, "persistence", "aof_buffer_length", length, sizeof length)) return;
    if (info_of(self, "persistence", "aof_last_write_status", status, sizeof status)) return;
    if (strcmp(length, "0") == 0 && strcmp(status, "ok") == 0)
        ring_written(self->ring, self->batch);
}

bool ledger_is_tight(ledger_t *self, uint64_t mono_ns) {
    if (ring_is_tight(self->ring, mono_ns, YOUNG_NS)) ask_written(self, mono_ns);
    return ring_is_tight(self->ring, mono_ns, YOUNG_NS);
}

err_t ledger_mark_clean(ledger_t *self) {
    buffer_t answer = {0};
    err_t e =
        self->pending
            ? ERR_STORE
            : run_command(self, 3, (struct span[]){S("SET"), S(self->clean_key), S("1")}, &answer);
    buffer_destroy(&answer);
    return e;
}
