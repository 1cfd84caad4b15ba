// gateway - what a gateway is, as data: its name, its options, what its broker can and does.
// SPDX-License-Identifier: MIT
//
// The skeleton has the rest: options and start, books (books.h), the wire to the executor (link.h),
// one loop (loop.c), the control door. README.md says how to write one.
#pragma once

#include "common/base/buffer.h"
#include "gateways/link/books.h"
#include "gateways/link/link.h"
#include "system.pb-c.h"

typedef struct gateway_broker broker_t; // what a gateway remembers; each defines its own

struct gateway_report { // of this batch, in the arena
    struct gateway_report *next;
    uint64_t number;
    struct span report; // packed
};

struct gateway_answer { // to the executor, not numbered, after the commit
    struct gateway_answer *next;
    const ProtobufCMessage *message;
};

// What a broker knows about where it runs, and what it says. A batch is: handle what is there,
// commit once, then report, answer and act. If the disk refuses, nothing is forgotten: the same is
// committed later, and nothing is sent or taken until then.
typedef struct gateway_context {
    const struct gateway *gateway;
    const struct gateway_settings *settings;
    broker_t *broker;
    books_t *books;
    struct link_state link; // as it will be in the books
    BrokerConfig *config;   // as the executor told it last, also before this start; NULL: never
    arena_t *arena;         // until the commit
    uint64_t now;           // UTC ns, of the batch
    uint64_t started_at;    // UTC ns
    // The broker sets these, in `open` and whenever it likes. `can` is preset: it recognises no
    // second order, cannot be asked, keeps no plans, and without `modify` cannot modify.
    struct link_abilities can;
    bool degraded;  // the way on to its broker is down
    uint64_t due;   // UTC ns when `tick` is needed next; UINT64_MAX: never
    bool changed;   // the broker has something to write with this batch; it sets this
    int64_t cut_ms; // for tests: the link is cut for so long after this batch's commit
    struct gateway_report *reports, **reports_end;
    struct gateway_answer *answers, **answers_end;
    char **accounts; // named in the Hello
    size_t n_accounts;
    bool config_changed;              // to be written
    uint64_t saved_at, saved_epoch;   // link, as the books have it
    uint64_t snapshot_at, trimmed_at; // UTC ns, the last time
} gateway_context_t;

// A verb on the control door. Writes JSON (true) or a sentence that says what was wrong (false).
struct gateway_verb {
    const char *name, *words;
    bool (*run)(broker_t *self, size_t n, char **args, buffer_t *answer);
};

// Everything a gateway is. Must be set: kind, purpose, settings_size, open, close, write, submit,
// cancel, query, snapshot. What a broker does it does on the one thread that all of these are
// called on; a gateway with threads of its own hands over through an fd that it names in `waits`.
struct gateway {
    const char *kind;                 // "paper": its program, its variables, its word in the Hello
    const char *purpose;              // one sentence for --help
    const struct option *options;     // its own rows; the skeleton's are added. NULL: none
    size_t settings_size;             // struct gateway_settings first
    int versions;                     // of its books, 1 if it has never changed them
    const struct gateway_verb *verbs; // ends with a row without a name; NULL: only ping

    // What follows from options together. False: *wrong says what is wrong with them.
    bool (*settle)(struct gateway_settings *settings, char wrong[static 256]);
    books_schema_fn *schema; // tables of its own

    // Memory from the books: tables are there, context->config too. NULL: *why.
    broker_t *(*open)(gateway_context_t *context, char why[static 200]);
    void (*close)(broker_t **self);
    bool (*connect)(broker_t *self, char why[static 200]); // its sockets; false: *why

    // From the executor. Each id may come again at any time: what the books know is not done twice.
    void (*configure)(broker_t *self, const BrokerConfig *config); // only when it has changed
    void (*accounts)(broker_t *self, AccountConfig **accounts, size_t n); // with each Welcome, all
    void (*submit)(broker_t *self, const Submit *m);
    void (*cancel)(broker_t *self, const CancelOrder *m);
    void (*modify)(broker_t *self, const ModifyOrder *m);
    void (*query)(broker_t *self, const QueryOrder *m); // gateway_answer, now or when it knows
    void (*snapshot)(broker_t *self); // gateway_snapshot of each account, likewise

    // From the broker. One epoll fd stands for as many sockets as it holds.
    size_t (*waits)(const broker_t *self, struct waiter *out, size_t most); // what to wake up for
    void (*receive)(broker_t *self, size_t most); // takes what is there, once a turn; never waits
    void (*tick)(broker_t *self);                 // once a turn: what is due by context->now

    err_t (*write)(broker_t *self); // what it changed, in the batch's transaction; may come again
    void (*committed)(broker_t *self); // it is in the books: now it may leave for the broker
};

// main() of every gateway: options (--help, --env, --reference, --check), lock, books, loop until
// SIGTERM. Returns the exit status: 0, 1 (failed), 2 (its options).
int gateway_run(const struct gateway *gateway, int argc, char **argv);

// --- what a broker says ---

// Numbered, kept in the books, sent until acknowledged. Numbers and packs it; `r` may go at once.
void gateway_report(gateway_context_t *context, Report *r);
// Not numbered; must live in the arena.
void gateway_answer(gateway_context_t *context, const ProtobufCMessage *m);
// An answer that says which reports are in it: everything reported so far must be.
void gateway_snapshot(gateway_context_t *context, AccountSnapshot *m);
// The accounts that are named in the Hello; copied.
void gateway_serve(gateway_context_t *context, char *const *ids, size_t n);

// --- a gateway's life, for the loop and for tests ---

// Opens the books and the broker. NULL: *why.
gateway_context_t *gateway_open(const struct gateway *gateway,
                                const struct gateway_settings *settings, uint64_t utc_ns,
                                char why[static 200]);
void gateway_close(gateway_context_t **self);
void gateway_begin(gateway_context_t *self, uint64_t utc_ns); // after a commit that worked
void gateway_handle(gateway_context_t *self, const ProtobufCMessage *m); // from link_receive
bool gateway_control(gateway_context_t *self, const ControlRequest *request, buffer_t *answer);
void gateway_tick(gateway_context_t *self);
err_t gateway_commit(gateway_context_t *self);
