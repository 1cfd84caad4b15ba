// service - the one loop of all services: take what is there, hand it to handlers, commit once,
// then send and answer.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/bus/port.h"
#include "common/delivery/delivery.h"
#include "common/domain/book.h"
#include "common/http/http.h"
#include "common/program/options.h"
#include "common/redis/store.h"
#include "proto/topics.h"
#include "system.pb-c.h"

// What a service may know about where it runs. Valid as long as the process.
struct context {
    const char *name;    // "ingest", "executor.0"
    unsigned shard;      // executor: its shard, else 0
    unsigned shards;     // how many executor shards there are
    bool strict;         // Redis syncs at every write: what was committed is never forgotten
    const char *run_dir; // sockets and lock files
    const struct transport *transport; // what its ports are opened on
    const char *cell;                  // this one's name, NULL where there are no others
    unsigned cells;                    // how many others its signals are handed to
    const book_t *book;                // configuration, kept up to date by the loop
    uint64_t incarnation;
    uint64_t epoch;      // grows with every owner of this slice
    uint64_t started_at; // UTC ns
    // when what the last batch decided was sent, UTC ns; for `committed`, which has no batch
    uint64_t committed_at;
    uint64_t committed_mono; // the same, monotonic
    bool caught_up;          // every topic was read to its end at least once since the start
    int listener; // of the door that answered while Redis did not: http_options.listener of the
                  // service's own; 0: none
    // why input is held back (journal full, memory, ring), NULL when it is not
    const char *held;
    unsigned memory_percent; // of Redis' memory that is used, as last seen; 0: not known
    // UTC ns when Redis was last found to have lost or not known something; 0: never
    uint64_t rolled_back_at;
    uint64_t sample_ns; // how often it is recorded how a process is (performance_log)
    // Oldest moment (UTC ns) from which on not all consumers have everything: what was emitted
    // before it is with all of them.
    uint64_t consumed_until;
};

// A handler decides (pure), steps (table), keeps (slice), tells (topic). What it returns goes by
// the policy of error.h; on POLICY_REJECT what it wrote into the batch is taken back, so it changes
// its own memory only after it has decided.
typedef err_t handle_fn(void *self, batch_t *batch, const ProtobufCMessage *body);

struct route {
    enum topic topic;
    const ProtobufCMessageDescriptor *type;
    handle_fn *handle;
    // work that may wait upstream while this service holds its input back (never set for what
    // drains it)
    bool forward;
};

// What a socket of the service's own brings, and so when it is listened to.
enum intake {
    // new work: not taken while input is held back, nor while nothing can be committed
    INTAKE_FORWARD,
    INTAKE_DOOR,  // new work that must be answered: then called with batch NULL, to turn it away
    INTAKE_DRAIN, // what finishes work (a broker's reports): taken while input is held back
};

// Takes what is there, up to BATCH_MAX or so.
typedef err_t ready_fn(void *self, batch_t *batch);
typedef struct reactor reactor_t;
void reactor_add_port(reactor_t *reactor, port_t *port, ready_fn *ready, enum intake intake);
void reactor_add_fd(reactor_t *reactor, int fd, ready_fn *ready, enum intake intake);

// A verb on the control socket. Writes JSON (true) or a sentence saying what was wrong (false) to
// `answer`; it is sent after the commit.
struct control {
    const char *verb;
    const char *words; // for --help: arguments and what it does
    bool (*run)(void *self, batch_t *batch, const ControlRequest *request, buffer_t *answer);
};

// Says a message again that came on the socket which the service has added as its `socket`th (from
// 0).
typedef void again_fn(void *arg, unsigned socket, const struct parcel *parcel);

struct inlet_position {
    const char *topic; // "orders.0"
    struct entry_id position;
};

// Everything a service is, as data. Only `role`, `purpose`, `slice`, `new` and `destroy` must be
// set.
struct service {
    enum role role;
    const char *purpose;          // one sentence for --help
    const struct option *options; // its own rows; the common ones are added
    size_t settings_size;
    const struct route *routes; // ends with a row without a handler
    // key prefixes it may write ("trade_state:") or whole keys ("watchlist:current"), NULL at the
    // end; journal:<its topics>, position:<it>, deadletter:<it>, <it>:batch|epoch|... are added
    const char *const *slice;
    const struct control *controls; // ends with a row without a verb

    void *(*new)(const struct context *context, const void *settings); // NULL: it has logged why
    void (*destroy)(void **self);
    // What its HTTP door listens on, by its settings: while Redis does not answer at the start, 503
    // is said there. NULL: it has none.
    void (*door)(const void *settings, struct http_options *out);
    err_t (*load)(void *self, store_t *store);     // at start: the slice into memory
    err_t (*open)(void *self, reactor_t *reactor); // after load: add sockets
    void (*configured)(void *self);                // the book changed; and once after load
    err_t (*tick)(void *self, batch_t *batch);     // about every tick_ms: timers
    // after the commit and the sends: answer whoever waits
    void (*committed)(void *self);
    // nothing can be committed: answer what waits as not taken (again and again)
    void (*stalled)(void *self, const char *why);
    // The service's own commit, before that of Redis (archiver: SQLite; relay: the other cell's),
    // until it succeeds; what it writes into the batch when it does goes with it. It may wait for a
    // part of a second, and then returns an error that is tried again.
    err_t (*persist)(void *self, batch_t *batch, const struct inlet_position *inlets, size_t n);
    // Which of its service's processes this one is, by its own settings: where there is one for
    // each other cell, the cell's number. False: *wrong says what to set. NULL: TRADECAST_SHARD
    // says it, or there is but one.
    bool (*which)(const void *settings, unsigned *number, char wrong[static 256]);
    // the option of its own that says so, and that --NAME VALUE gives, too; NULL: none
    const char *which_option;
    // persist does, for as long as it takes: a message that got so far has killed nobody
    bool waits_for_others;
    // at start: where to go on, if not what Redis says
    void (*positions)(void *self, struct inlet_position *inlets, size_t n);
    // adds to the heartbeat what only the service counts
    void (*beat)(void *self, Heartbeat *out, arena_t *arena);
    // A message of one of its routes went to the dead letters: tell whoever waits for it (a dead
    // order ends as a visible rejection).
    void (*buried)(void *self, batch_t *batch, const ProtobufCMessage *body, const char *reason);
    // A record that it reads, now or while it is loaded, cannot be read: it is left out, and
    // reported. Here the service does what is safe without it (a halt that cannot be read halts).
    void (*unreadable)(void *self, const struct unreadable *what);
    // Its inputs are all messages (topics, sockets; no file descriptors): what it did can be
    // recorded, and done again (rerun.h).
    bool traced;
    // `open` adds no socket, but starts threads that answer questions: left out when it is run
    // again
    bool answers_apart;
    // A recording begins now: what it has heard on its sockets and keeps in no store. And what it
    // does every so often it does next at the next tick, so that who is made to begin here does it
    // then, too.
    void (*again)(void *self, again_fn *say, void *arg);
    // Somebody has begun to listen to what it publishes and begins with `prefix`: a feed whose
    // latest value counts can be said again.
    void (*listened)(void *self, const char *prefix);
    // presets of the options of that name, if not the common ones
    int64_t batch_max, gather_count, gather_for_ms;
};

// What a service ends with, beside 0. Whatever supervises it starts it again after STATUS_FAILED,
// and never after STATUS_REPLACED.
enum status {
    STATUS_FAILED = 1,
    STATUS_WRONG = 2,    // its options
    STATUS_REPLACED = 3, // another process has taken it over
};

// main() of every service: options (--help, --env, --reference, --check), lock, epoch, load, loop;
// SIGTERM drains and stops. Returns the exit status.
int service_main(const struct service *service, int argc, char **argv);
