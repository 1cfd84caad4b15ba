// loop - the inside of service.h: one process of a service. Only common/ includes this.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch_commit.h"
#include "common/batch/ledger.h"
#include "common/delivery/cells.h"
#include "common/delivery/envelope.h"
#include "common/delivery/topology.h"
#include "common/http/early_door.h"
#include "common/oplog/histogram.h"
#include "common/oplog/message_log.h"
#include "common/oplog/system_event.h"
#include "common/service/batch_phase.h"
#include "common/service/service.h"
#include "common/service/trace.h"
#include "common/service/unreadable.h"

#define INLETS_MAX (2 * INSTANCES_MAX)
// the monitor listens to every process, and to other cells
#define SOURCES_MAX    (INSTANCES_MAX + CELLS_MAX + 8)
#define ANSWERS_MAX    32
#define COMMIT_SAMPLES 512

struct settings { // the options that every service has
    const char *cell, *cells, *optional, *run_dir, *redis, *redis_user, *redis_password, *lock_dir,
        *log_level, *profile, *keys_dir;
    int64_t answer_within_ms, shards, shard, batch_max, tick_ms, idle_read_ms, journal_keep_ms,
        journal_max, ring_bytes, ring_age_ms;
    int64_t look_for_ms, heartbeat_ms, sample_ms, log_lines, memory_most, queue, gather_count,
        gather_for_ms;
    bool redis_plain, replaced_waits, loopback_open;
};

struct slot { // one topic read
    struct stream stream;
    char owner[NAME_TEXT]; // who alone writes to it: whose key a sender must have shown, where
                           // there are keys
    struct inlet in;
    struct entry_id stored; // what Redis has in position:<name>
    bool forward;
    const char *gap;   // why its journal is being read, until it is read to the end; NULL: as usual
    uint64_t gap_read; // entries read meanwhile
    // nothing behind this before the topic's other shards have come to theirs (start_shards.c)
    struct entry_id barrier;
};

struct consumer {
    struct instance who;
    port_t *inbox;
    unsigned failed; // sends that did not fit; the journal has them
};

struct topic_out { // one topic written; runs parallel to outlets[]
    struct trim trim;
    unsigned consumers[INSTANCES_MAX];
    size_t n_consumers;
    struct entry_id acked[INSTANCES_MAX]; // last sample; NONE: it has none, or one that cannot be
    bool beyond[INSTANCES_MAX];           // it is one that cannot be
    uint64_t length;
};

struct tap { // a socket of the service's own
    port_t *port;
    int fd;
    ready_fn *ready;
    enum intake intake;
};

struct reactor {
    struct tap taps[SOURCES_MAX];
    size_t n;
};

struct waiting_answer {
    uint8_t peer[64];
    size_t peer_length;
    bool ok;
    char *text;
};

// What the loop knows, by subject.

struct sockets {
    port_t *inbox, *events, *control;
    struct reactor reactor; // the service's own
};

struct redis {
    char preset[300]; // its address, if no option says one
    ledger_t *ledger;
    early_door_t *early_door;  // while Redis does not answer at the start
    unreadables_t *unreadable; // records that it could not read, and has not yet reported
    uint64_t connections;      // as last seen
    bool cut_off;              // its socket is gone
};

struct inputs {
    struct slot slots[INLETS_MAX];
    size_t n;
    bool barred;  // some slot has not come to its barrier
    bool drained; // the inbox held nothing more
};

struct outputs {
    struct outlet outlets[INSTANCES_MAX];
    struct topic_out topics[INSTANCES_MAX];
    size_t n; // of both
    struct consumer consumers[INSTANCES_MAX];
    size_t n_consumers;
    // When every consumer has what was there at checkpoint_at, context.consumed_until moves up to
    // it.
    struct entry_id checkpoint[INSTANCES_MAX];
    uint64_t checkpoint_at;
    buffer_t asking; // commands that ask for consumers' positions
};

struct progress { // of the open batch
    enum batch_phase phase;
    unsigned taken;               // messages in it
    uint64_t opened_at, taken_at; // monotonic ns
    const char *stalled;          // why it cannot be committed, or NULL
    uint64_t stalled_at;          // monotonic ns
};

// after an unclean one: one message at a time, with a try count written first
struct careful_start {
    unsigned left;      // messages that are still taken alone
    char last_run[160]; // "topic id count", from the run before
    enum attempt attempt;
};

struct pressure {
    char held[120];   // why input is held back, or empty
    uint64_t busy_at; // when a handler last had no room
    unsigned memory_percent;
};

struct answers { // of control requests, until their batch is committed
    struct waiting_answer waiting[ANSWERS_MAX];
    size_t n;
};

struct schedule { // what is done every so often; monotonic ns
    uint64_t ticked_at, upkeep_at, beat_at;
    uint64_t iterations;
};

struct counts { // since the start, for the heartbeat
    uint64_t messages, batches, commands, sent;
    uint64_t corrupt, disbelieved, redriven;
    uint64_t refused; // who came to our doors, or whose doors we came to, without the right key
    uint32_t commit_us[COMMIT_SAMPLES];
    unsigned samples;
};

// Since the last sample.
struct sampled {
    uint64_t at, cpu_us, messages, batches, sent; // monotonic ns; the counts as they were then
    struct histogram stage_us, commit_us;
};

struct heartbeat { // memory that is kept from one to the next
    arena_t *arena;
    buffer_t frame;
};

struct loop {
    const struct service *service;
    void *self;
    struct settings settings;
    const void *own; // the service's settings
    struct instance me;
    struct context context;
    book_t *book;
    bool book_is_given; // it was there before the loop, and is not read from Redis
    int lock_file;      // stays open: it is the lock
    err_t stop;         // not ERR_OK: leave the loop

    struct sockets sockets;
    struct redis redis;
    struct inputs inputs;
    struct outputs outputs;
    batch_t *batch;
    struct progress progress;
    struct careful_start careful;
    struct pressure pressure;
    struct answers answers;
    struct schedule schedule;
    struct counts counts;
    struct sampled sampled;
    struct noted_events events;
    struct message_log message_log;
    struct heartbeat heartbeat;
    struct trace trace;
};

// start.c
err_t loop_start(struct loop *l, const void *own); // own: the service's settings
void loop_end(struct loop *l);

// start_shards.c
// arg: the loop; ledger_options.fit
err_t shards_fit(void *arg, store_t *store, char why[static 200]);
// what is read
err_t shards_inlets(struct loop *l, struct stream out[static INLETS_MAX], size_t *n);
// once the slots have their positions
err_t shards_bar(struct loop *l);
// while l->barred: this entry is not to be taken yet
bool shards_barred(struct loop *l, const struct slot *slot, struct entry_id id);

// service.c
// from the environment; l->service and l->me.role are set
err_t loop_settings(struct loop *l, void *own, char wrong[static 256]);

// loop.c
err_t loop_run_until_stop(struct loop *l);
void loop_open(struct loop *l); // a batch, unless one is open
// the service reads a socket of its own; batch NULL: to turn away
void loop_call(struct loop *l, size_t tap, batch_t *batch);
void loop_tick(struct loop *l);          // the service's timers
bool loop_is_held(const struct loop *l); // input is held back

// commit.c
void loop_commit(struct loop *l);           // the open batch, or the sealed one again
bool loop_is_sealed(const struct loop *l);  // a batch waits for its commit
bool loop_has_landed(const struct loop *l); // no batch is with Redis that may or may not be there

// intake.c
void intake_wire(struct loop *l);     // what the inbox holds
void intake_journals(struct loop *l); // what the journals hold, for topics that are behind or idle
// An entry, by the policy of its handler's error; `kill`: it is a dead letter without being
// handled. False: there is no room for it now.
bool intake_take(struct loop *l, struct slot *slot, const struct envelope *e, bool kill);
struct slot *intake_slot(struct loop *l, const char *topic); // NULL: it is not read here
void intake_bury(struct loop *l, const struct slot *slot, const struct envelope *e,
                 const char *reason);
bool intake_full(const struct loop *l);
// by the policy of its error
err_t intake_handle(struct loop *l, enum topic topic, const struct envelope *e,
                    const char **reason);

// upkeep.c
void run_upkeep(struct loop *l, uint64_t mono_ns); // once a second: trims, pressure
// how long until the next time (ns), after one that took so long
uint64_t upkeep_rest(uint64_t took_ns);

// heartbeat.c
void heartbeat_send(struct loop *l, uint64_t mono_ns); // when it is time
void heartbeat_fill(struct loop *l, Heartbeat *out, arena_t *arena);

// sample.c
// into the open batch, when it is time
void run_due_sample(struct loop *l, uint64_t mono_ns);

// control.c
void control_take(struct loop *l);                       // requests; answered after the commit
void control_turn_away(struct loop *l, const char *why); // while stalled
void control_answer(struct loop *l);
