// simulate - the door and the router without sockets, clock and store: their own handlers, one
// after the other, on batches that nobody commits.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "common/domain/book.h"
#include "order.pb-c.h"
#include "proto/topics.h"
#include "signal.pb-c.h"
#include "simulate.pb-c.h"

// The changes that make a document (JSON) the configuration, by the archiver's own rules; valid
// during the call. False: `why` says what is wrong, a line each, or a visitor has said no.
typedef bool simulated_change_fn(void *arg, const ConfigChange *change);
bool simulated_config(struct span document, uint64_t now, simulated_change_fn *visit, void *arg,
                      buffer_t *why);
// The same, made in a book.
bool simulated_book(struct span document, uint64_t now, book_t *book, buffer_t *why);

// --- the door (ingest)

typedef struct simulated_door simulated_door_t;
simulated_door_t *simulated_door_new(const book_t *book, char why[static 256]); // NULL: why
void simulated_door_destroy(simulated_door_t **self);

struct sent {
    const char *source;
    struct span body;
    uint64_t now; // UTC ns
};
// What comes of it, in order: a Signal and each consensus that it completes, or a SignalRejection;
// valid during the call. Returns the HTTP status; `answer` gets the body.
typedef void simulated_signal_fn(void *arg, const ProtobufCMessage *m);
unsigned simulated_post(simulated_door_t *self, const struct sent *sent, buffer_t *answer,
                        simulated_signal_fn *visit, void *arg);

// --- the router

typedef struct simulated_router simulated_router_t;
simulated_router_t *simulated_router_new(const book_t *book, unsigned shards, char why[static 256]);
void simulated_router_destroy(simulated_router_t **self);
// How things are. False: `why` says what does not fit the configuration.
bool simulated_begin(simulated_router_t *self, const Situation *situation, uint64_t now,
                     char why[static 256]);

// Valid until the next call.
struct routed {
    const Routing *routing; // NULL: it could not be handled
    const Order **orders;
    size_t n_orders;
    const OrderCommand **commands;
    size_t n_commands;
};
struct routed simulated_route(simulated_router_t *self, const Signal *signal, uint64_t now);
