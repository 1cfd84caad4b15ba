// watch - what the monitor has heard: services, topics and lags, accounts, instances, and counts of
// what happened. No I/O in here.
// SPDX-License-Identifier: MIT
#pragma once

#include "cell.pb-c.h"
#include "common/base/arena.h"
#include "common/base/hash.h"
#include "common/delivery/cells.h"
#include "common/delivery/delivery.h"
#include "common/delivery/topology.h"
#include "execution.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/monitor/redis/redis_watch.h"
#include "signal.pb-c.h"
#include "sync.pb-c.h"
#include "system.pb-c.h"

#define LAGS_MAX     512   // (topic, consumer) pairs
#define STATES_MAX   24    // values of any enum that is counted
#define SUBJECTS_MAX 10000 // accounts, instances, alert codes

// One process that is expected to be there.
struct watched {
    char name[NAME_TEXT];
    Heartbeat *last;   // NULL: never heard. Owned
    uint64_t heard_at; // monotonic ns; before the first heartbeat: when the watching began
    bool optional;     // nothing of trading waits for it
};

// How far a consumer is behind in a topic. Head and position are heard at different moments:
// entries is exact only when nothing moves.
struct lag {
    char topic[NAME_TEXT], consumer[NAME_TEXT];
    uint64_t entries;
    bool behind; // the consumer itself says that it has to read the journal
    // monotonic ns since when it is over the limit without a break; 0: it is not
    uint64_t over_since;
};

struct account_seen {
    char id[72];
    AccountState *state; // owned
    UT_hash_handle hh;
};

struct instance_seen {
    char id[72];
    bool expected;        // configured
    InstanceState *state; // NULL: never heard of. Owned
    UT_hash_handle hh;
};

struct alerts_heard {
    char key[160]; // service, severity and code with a space between
    uint64_t count;
    UT_hash_handle hh;
};

struct symbol_heard { // a price of it
    char name[64];
    UT_hash_handle hh;
};

// A program that copies the archive elsewhere. There are none until one is heard.
#define COPIES_MAX 4
struct copy_seen {
    SyncState *last; // owned
    uint64_t heard_at;
};

struct topic_seen {
    char name[NAME_TEXT];
    struct entry_id last; // what is not later than this was counted
    UT_hash_handle hh;
};

// Counts of what was heard since the monitor started, by the value of the enum. Heard, not read:
// what is lost on the way is not counted.
struct counts {
    uint64_t accepted, rejected;          // signals at the door
    uint64_t completed, failed, skipped;  // signals at the end
    uint64_t orders;                      // decided by the router
    uint64_t trades[STATES_MAX];          // moves to TradeState.State
    uint64_t results[STATES_MAX];         // TradeResult.State
    uint64_t reconciliations[STATES_MAX]; // TradeReconciliation.Status
};

// Another cell, by its monitor's heartbeats.
struct cell_seen {
    char name[CELL_TEXT];
    CellState *last; // NULL: never heard. Owned
    uint64_t heard_at;
};

// How fast topics grow.
struct rate {
    uint64_t count;
    int64_t per_s_e8;
};

struct watch {
    uint64_t started_at; // monotonic ns
    const char *cell;    // this one's name; NULL: there are no others
    struct cell_seen cells[CELLS_MAX];
    size_t n_cells;
    struct rate signals, orders;
    uint64_t turned_at;
    uint64_t lag_max;
    struct watched services[INSTANCES_MAX];
    size_t n_services;
    struct lag lags[LAGS_MAX];
    size_t n_lags;
    struct copy_seen copies[COPIES_MAX];
    size_t n_copies;
    struct account_seen *accounts;
    struct instance_seen *instances;
    struct alerts_heard *alerts;
    struct topic_seen *topics;
    struct symbol_heard *symbols; // that have a price
    struct redis_seen redis;
    struct counts counts;
    uint64_t signal_at;   // UTC ns when the last signal was accepted
    uint64_t price_at;    // monotonic ns when the last price was heard; 0: none
    RiskState__Mode mode; // global, by the commands given
};

// How long ago, both monotonic ns. What was heard after the batch began was heard now.
static inline uint64_t watch_since(uint64_t then, uint64_t now) {
    return now > then ? now - then : 0;
}

// Expects ingest, router, executor.0 … executor.<shards-1>, reconciler, archiver, monitor. Lags
// over lag_max entries are noticed.
void watch_start(struct watch *self, unsigned shards, uint64_t lag_max, uint64_t mono_ns);
void watch_end(struct watch *self); // frees what it holds

struct watched *watch_find(struct watch *self, const char *service); // NULL: not expected
void watch_heartbeat(struct watch *self, const Heartbeat *heartbeat, uint64_t mono_ns);
void watch_copy(struct watch *self, const SyncState *state, uint64_t mono_ns);
// An entry of a topic, once: false when it, or a later one, was seen before. Feeds (id NONE) are
// always new.
bool watch_is_new(struct watch *self, const char *topic, struct entry_id id);
void watch_price(struct watch *self, const char *symbol, uint64_t mono_ns); // one was heard
bool watch_has_price(const struct watch *self, const char *symbol);
void watch_expect_none(struct watch *self); // no gateway is configured, until watch_expect says so
void watch_expect(struct watch *self, const char *instance_id);
// any message; what is of no interest is passed over
void watch_event(struct watch *self, const ProtobufCMessage *event);

uint64_t watch_open_positions(const struct watch *self); // over all accounts
bool watch_is_alive(const struct watched *service, uint64_t mono_ns, uint64_t silent_ns);

// Decisions with that reason since the router started, as it last told.
uint64_t watch_decisions(const struct watch *self, Reason__Code reason);

// The head of a topic as its owner last told it; NULL: nobody did.
const TopicHead *watch_head(const struct watch *self, const char *topic);
// What keeps it from being ready: a service that is silent or stalled, a configured gateway that is
// not ready. Returns how many things; `visit` (NULL: none) hears of each in words.
typedef void trouble_fn(void *arg, const char *why);
size_t watch_troubles(const struct watch *self, uint64_t mono_ns, uint64_t silent_ns,
                      trouble_fn *visit, void *arg);
