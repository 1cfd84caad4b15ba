// rerun - one process of a service made again from its traces (proto/trace.proto): the same loop and handlers, without sockets, with the
// time of then, on a Redis of its own. What it decides is what it decided, or what another configuration would have made of it.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch_io.h"
#include "common/book.h"
#include "common/envelope.h"
#include "common/service.h"
#include "trace.pb-c.h"

typedef struct rerun rerun_t;

struct rerun_place {
    const char *directory;       // an empty one, private: run files
    const char *redis;           // address; every service has a user there, without a password
    book_t *book;                // the configuration; the caller's, and changed by what is on the topic `config`
    const char *const *settings; // name, value, …, NULL: in the place of recorded ones of these names
};

// Once, before the first: ports are no sockets any more, and the environment's TRADECAST_… are gone.
void rerun_enter(void);
void rerun_leave(void); // the clocks run again

// The process that `trace` (one with a start) is of, with what Redis holds of it, before the batch `first`. NULL: `why` says why.
rerun_t *rerun_new(const struct service *service, const Trace *trace, const TraceBatch *first, const struct rerun_place *place,
                   char why[static 256]);
void rerun_destroy(rerun_t **self);

// The next entry of a topic up to `upto`, valid until the next call. False: there is none.
typedef bool rerun_entry_fn(void *arg, const char *topic, struct entry_id upto, struct envelope *out);

// Another recording began here: it does at the next tick what it does every so often.
void rerun_again(rerun_t *self);

// Does what was done in a batch. ERR_OK, or why the process stopped (a handler's error, or Redis).
err_t rerun_batch(rerun_t *self, const TraceBatch *b, rerun_entry_fn *next, void *arg);
// The same of one that Redis has: nothing is written again, only memory follows.
err_t rerun_batch_held(rerun_t *self, const TraceBatch *b, rerun_entry_fn *next, void *arg);
size_t rerun_outgoing(rerun_t *self, const struct outgoing **out); // what it sent in the last one
void rerun_configured(rerun_t *self);                              // the book has changed
