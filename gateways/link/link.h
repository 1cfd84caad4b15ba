// link - a gateway's end of the wire to its executor: presents itself, beats, reports in sequence,
// listens to the newest epoch only.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "gateway.pb-c.h"
#include "gateways/link/settings.h"

// One protocol for every gateway (proto/gateway.proto). struct link_state and the reports are in
// the gateway's books (books.h), in the same transaction as what they tell; the link only sends
// what is committed:
//   link_receive… → handle → commit (orders, reports, link_state) → link_report…, link_send… →
//   link_tick
// What the broker can, as the Hello says it (proto/gateway.proto). What it cannot the executor
// refuses visibly, and does not send.
struct link_abilities {
    Hello__DuplicateCheck duplicate_check;
    bool can_query;
    uint32_t duplicate_window_s;    // 0: not said
    uint32_t longest_acceptance_ms; // 0: not said
    // its books have every Submit, its reports and answers say plans and what a fill closed
    bool keeps_plans;
    bool cannot_modify, cannot_modify_price, cannot_stop_limit, cannot_net;
};

// What the books hold for the link. `changed`: to be written with the next transaction.
struct link_state {
    uint64_t books;       // identity of the books
    uint64_t epoch;       // highest seen; what carries a lower one is not listened to
    uint64_t head;        // number of the newest report; the gateway counts it up
    uint64_t acked;       // the executor has everything up to here
    uint64_t first;       // the oldest report that the books still have; 0: none
    uint64_t books_since; // UTC ns: since when the books have every Submit; counts with keeps_plans
    bool changed;
};

// Where committed reports are read again: calls `visit` for those numbered after `after`, in order,
// at most `limit`; packed Report messages. Stops early when `visit` answers false.
typedef bool link_visit_fn(void *arg, uint64_t number, struct span report);
typedef err_t link_read_fn(void *books, uint64_t after, unsigned limit, link_visit_fn *visit,
                           void *arg);

typedef struct link link_t;

// Before the first port: this gateway's key is gateway.<instance_id> in that directory
// (common/bus/keys.h).
void link_key(const char *keys_dir, const char *instance_id);

// `settings`, `state` and `books` belong to the caller and outlive the link. What the broker can is
// to be declared before the first link_tick. NULL: the endpoint cannot be had, port_why says why.
link_t *link_new(const struct gateway_settings *settings, struct link_state *state,
                 link_read_fn *read, void *books);
void link_destroy(link_t **self);

// to wait for; another one after link_tick and link_drop. NULL while dropped
port_t *link_port(link_t *self);
unsigned link_shard(const link_t *self); // the executor it is connected to
bool link_is_welcome(const link_t *self);
// Accounts to name in the Hello; `ids` must stay valid.
void link_accounts(link_t *self, char **ids, size_t n);
// what has changed is said at once
void link_declare(link_t *self, const struct link_abilities *can);
// the way on to the broker is down: told in the heartbeat
void link_degraded(link_t *self, bool degraded);

// The next message that is to be handled: Welcome, Submit, CancelOrder, ModifyOrder, QueryOrder or
// SnapshotRequest, in `arena`. What it carries about the link itself (epoch, acknowledgements) is
// in the state then. NULL: nothing there.
const ProtobufCMessage *link_receive(link_t *self, arena_t *arena);

// After the commit. Sends report `number` if everything before it has been sent; if not, link_tick
// reads it from the books.
void link_report(link_t *self, uint64_t number, struct span report);
// Into a snapshot, as it is taken: which reports are in it, namely all that the gateway has
// numbered.
void link_date_snapshot(const struct link_state *state, AccountSnapshot *m);
// OrderStatus, AccountSnapshot: not numbered; false: lost
bool link_send(link_t *self, const ProtobufCMessage *m);

// greetings, heartbeats, resends, reconnects; as often as it likes
void link_tick(link_t *self, uint64_t mono_ns);
// cuts the connection (a fault for tests)
void link_drop(link_t *self, uint64_t mono_ns, int64_t for_ms);
