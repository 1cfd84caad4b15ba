// sim - the protocol in one process: the real delivery rules, ring and doubt rules; Redis, wires,
// services and a broker played around them.
// SPDX-License-Identifier: MIT
//
// door -> router -> executor -> broker, and all of it -> archiver. A run is a row of rounds; a
// round is a fresh world with faults drawn from its seed, then calm until nothing moves, then the
// oracle. Time is virtual, in ns.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/testing.h"
#include "common/delivery/delivery.h"
#include "common/delivery/ring.h"
#include "services/executor/trade/in_doubt/doubt.h"

#define TRADES_MAX 4096u // of a round
#define QUEUE_MAX  1024u
#define UTC_START  (UINT64_C(1742638530) * NS_PER_S) // what the clocks say when a round's time is 0

enum who { DOOR, ROUTER, EXECUTOR, ARCHIVER, NODES };
enum line { SIGNALS, ORDERS, EXECUTIONS, LINES, NO_LINE = LINES }; // the topics

// A message, and the state of a trade as the executor has it.
enum stage { STAGE_NONE, STAGE_SUBMITTING, STAGE_UNKNOWN, STAGE_FILLED, STAGE_EXPIRED };

struct message {
    uint32_t trade;
    enum stage stage;    // EXECUTIONS: what became of it
    uint64_t signal_at;  // UTC, stamped at the door
    uint64_t ordered_at; // UTC, when the router decided
};

struct entry {
    struct entry_id id, prev;
    struct message message;
};

// --- random numbers: the same seed gives the same run

struct dice {
    uint64_t state;
};
uint64_t dice_roll(struct dice *d);
uint64_t dice_one_of(struct dice *d, size_t n, const uint64_t *values);
#define ONE_OF(d, ...)                                                                             \
    dice_one_of(d, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), (uint64_t[]){__VA_ARGS__})
static inline uint64_t dice_below(struct dice *d, uint64_t n) { return dice_roll(d) % n; }
static inline bool dice_chance(struct dice *d, unsigned per_mille) {
    return dice_below(d, 1000) < per_mille;
}

// --- Redis: transactions one after the other, of which a crash forgets the last ones

enum operation {
    SET_POSITION,
    APPEND,
    TRIM,
    ACCEPT_SIGNAL,
    DECIDE,
    KEEP_TRADE,
    SET_REPORT,
    SET_BATCH
};

// One absolute write. Batches are arrays of these, and so are the bytes in the ring.
struct command {
    enum operation operation;
    enum who who;
    enum line line;
    // APPEND; KEEP_TRADE: message; SET_POSITION, TRIM: id; SET_BATCH: id is incarnation and batch
    struct entry entry;
    uint64_t number; // SET_REPORT
    bool sent;       // KEEP_TRADE: recorded as submitted
};

struct journal {
    struct entry *entries;
    size_t first, end, room; // trimmed before first
};

struct trade_record {
    struct message message;
    bool sent;
};

struct facts { // what Redis holds beside the journals
    struct entry_id batch[NODES];
    struct entry_id position[NODES][LINES];
    struct entry_id last[LINES]; // newest id of each journal
    uint64_t report;
};

struct redis;
struct redis *redis_new(void);
void redis_destroy(struct redis **self);
bool redis_is_up(const struct redis *self);
uint64_t redis_life(const struct redis *self); // another number after each crash
// Applies a transaction at `now`. False: a write that Redis would refuse (an id that is not above
// the last).
bool redis_apply(struct redis *self, const struct command *commands, size_t n, uint64_t now);
// transactions from before that time survive a crash
void redis_written(struct redis *self, uint64_t before);
void redis_crash(struct redis *self, struct dice *dice);
void redis_start(struct redis *self, uint64_t now);
uint64_t redis_started_at(const struct redis *self);
const struct facts *redis_facts(const struct redis *self);
const struct trade_record *redis_trade(const struct redis *self, uint32_t trade);
bool redis_accepted(const struct redis *self, uint32_t trade);
bool redis_decided(const struct redis *self, uint32_t trade);
const struct journal *redis_journal(const struct redis *self, enum line line);

// --- what goes wrong in a round

struct mix {
    // per 100,000 steps: something is killed
    unsigned strike;
    unsigned alone, redis_and_one, redis_and_two, everything, redis_away, pause; // weights of what
    // per 100,000: a service dies at one of its crash points
    unsigned crash_inside;
    // per mille of transactions: the connection breaks, before or after Redis has it
    unsigned lost_reply;
    unsigned drop, repeat, swap; // per mille of messages on the wires
    unsigned forge;              // per mille of messages on the wires: somebody else says one, too
    unsigned drop_order;         // per mille, between executor and broker
    size_t queue;
    uint64_t unwritten; // how long Redis may keep acknowledged writes to itself (strict: 0)
    // per mille of steps: everything is written; 0: an fsync that always takes its time
    unsigned flush;
    uint64_t keep, idle_read, step;
    uint64_t expire_after; // 0: signals do not expire
    uint64_t order_delay;  // the broker's longest acceptance
    unsigned signals;      // per mille of the door's steps
    size_t signals_max;
    bool clock_jumps; // a service's clock may be set back before it starts again
    struct gateway_checks broker;
};
bool mix_exists(const char *name);
struct mix mix_draw(struct dice *dice, const char *name); // "any", or one of those in mix.c

// --- the broker, with books of its own

enum note_kind { SUBMIT, ASK, ACKNOWLEDGE, FOUND, NOT_FOUND, REPORT };

struct note {
    enum note_kind kind;
    uint32_t trade;
    // REPORT, ACKNOWLEDGE: of the report; ASK and its answers, SUBMIT: when it was decided
    uint64_t number;
    uint64_t at; // arrives then
};

struct broker {
    uint8_t executions[TRADES_MAX];
    uint64_t first_seen[TRADES_MAX]; // for checks that forget; 0: never
    uint32_t reports[TRADES_MAX * 2];
    uint64_t n_reports, acknowledged, resent_at, session_since;
    struct note down[QUEUE_MAX], up[QUEUE_MAX]; // under way to the broker, and from it
    size_t n_down, n_up;
};

struct world;
void broker_step(struct world *w);
void broker_send(struct world *w, struct note note);
bool broker_receive(struct world *w, struct note *out); // to the executor
void broker_crash(struct world *w);                     // loses what is under way; the books stay
void broker_hello(struct world *w, uint64_t last_report);

// --- a service

struct wire_message {
    enum line line;
    struct entry entry;
};

struct trade { // as the executor has it in memory
    struct message message;
    struct doubt_state doubt;
    uint64_t submitted_at, look_at; // monotonic
    uint64_t first_at;              // UTC; 0 after a restart: it may have been sent long ago
    bool held;                      // waits for the operator
    bool resent;                    // sent at least once before this time
    bool unsent;                    // decided, and for certain not sent: decided again
};

struct node {
    enum who who;
    bool up;
    uint64_t wakes_at; // not before: crashed, or paused when up
    uint64_t incarnation, started_at;
    // the ledger
    ring_t *ring;
    uint64_t batch, connections, retry_at, answered_at;
    // of the Redis that has everything of ours; of the one we are connected to
    uint64_t life, link;
    uint64_t rolled_back_at; // UTC, 0: never
    char at_start[64];
    bool connected, pending, sealed, submitted;
    // topics
    struct inlet in[LINES];
    struct entry_id stored[LINES];
    struct entry_id head;
    struct trim trim;
    uint64_t upkept_at, seen_connections;
    // the open batch
    buffer_t commands, outgoing, notes; // struct command, struct entry, struct note
    // archiver: struct wire_message to keep; door: uint32_t trades to answer
    buffer_t rows, answers;
    struct wire_message inbox[QUEUE_MAX];
    size_t waiting;
    // the service's own
    bool known[TRADES_MAX];
    struct trade *trades;
    uint32_t *open; // trades that are submitting or unknown
    size_t n_open;
    uint64_t last_report, ticked_at;
};

// What each service is made of.
struct part {
    enum line owns;
    unsigned consumes; // bits of lines
    void (*load)(struct world *w, struct node *n);
    void (*handle)(struct world *w, struct node *n, enum line line, const struct message *m);
    void (*tap)(struct world *w, struct node *n);       // what comes from outside
    void (*persist)(struct world *w, struct node *n);   // before the commit
    void (*committed)(struct world *w, struct node *n); // after it
};
extern const struct part parts[NODES];

void node_init(struct node *n, enum who who);
void node_clear(struct node *n);
void node_start(struct world *w, struct node *n);
void node_crash(struct world *w, struct node *n, uint64_t until);
void node_step(struct world *w, struct node *n);
void node_write(struct node *n, struct command c);
void node_emit(struct node *n, struct message m);
void node_note(struct node *n, struct note note);

// --- everything

enum row { ROW_SIGNAL = 1, ROW_ORDER = 2 };

struct archive { // the archiver's SQLite file
    struct entry_id position[LINES];
    uint8_t rows[TRADES_MAX];
    enum stage final[TRADES_MAX];
};

struct tally {
    uint64_t rounds, steps, signals, executed, expired, held, excused, kills, replays, redone,
        asked, holes, stopped, refused, trimmed, violations, forged;
};

struct world {
    struct dice dice;
    struct mix mix;
    uint64_t now;
    bool calm; // no more faults, no more signals
    struct redis *redis;
    uint64_t redis_wakes_at;
    struct node nodes[NODES];
    struct broker broker;
    struct archive archive;
    // the door's clients
    uint32_t sent; // signals so far; each is resent until it is answered
    bool answered[TRADES_MAX], excused[TRADES_MAX];
    // the door's incarnation
    uint64_t posted_at[TRADES_MAX], resend_at[TRADES_MAX], accepted_by[TRADES_MAX];
    uint32_t unanswered[TRADES_MAX];
    size_t n_unanswered;
    struct tally *tally;
};

static inline uint64_t world_utc(const struct world *w) { return UTC_START + w->now; }
static inline bool world_faults(struct world *w, unsigned per_mille) {
    return !w->calm && dice_chance(&w->dice, per_mille);
}
void world_excuse(struct world *w); // what an owner that is gone, and Redis, both do not have

struct sim_options {
    uint64_t steps, seed;
    bool only; // one round, with `seed` as its own
    const char *mix;
    bool verbose;
};
// Returns the number of violations; the tally is filled in.
uint64_t sim_run(const struct sim_options *options, struct tally *tally);
