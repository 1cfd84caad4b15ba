// store - reading Redis: what a service loads when it starts, and what the tools look at. (Writing
// is batch.h; committing is ledger.h.)
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/delivery/delivery.h"
#include "common/schema/record.h"

typedef struct store store_t;

struct store_options {
    const char *address; // unix:/path or tcp:host:port
    const char *user;    // ACL user
    const char *password;
    // a call that takes longer fails with ERR_STORE and drops the connection
    int64_t answer_within_ms;
};

store_t *store_new(const struct store_options *options); // does not connect yet
void store_destroy(store_t **self);
err_t store_connect(store_t *self); // ERR_STORE: not there; ERR_ACCESS: wrong login
// Whether the socket's file is gone: what is connected stays so, and nobody else can connect.
// Always false over tcp.
bool store_is_cut_off(const store_t *self);
bool store_connected(const store_t *self);
void store_drop(store_t *self);                 // closes the connection
const char *store_trouble(const store_t *self); // the last error in words

// What stands in Redis and cannot be read: a record, a member, a pair, or a key of another type.
struct unreadable {
    const char *key;
    struct span field; // the hash's field or the set's member; empty: the whole key
    const ProtobufCMessageDescriptor *type; // what it should be; NULL: no message
    const char *reason;                     // "executed_at must be a time …, not "x""
    bool other_type; // Redis holds something else under the key: a set, say, and no hash
    const ProtobufCMessage *part; // what could be read of a message (record_part_of_pairs), or NULL
    struct span content;          // what is there, as JSON; empty with other_type
};
// all of it valid during the call only
typedef void store_unreadable_fn(void *arg, const struct unreadable *what);

// From now on a read goes on without what cannot be read, and `note` hears of it. Otherwise such a
// read ends with ERR_INPUT.
void store_on_unreadable(store_t *self, store_unreadable_fn *note, void *arg);

// Every read: ERR_STORE, ERR_REFUSED (loading, busy) or ERR_ACCESS when it could not be answered.
err_t store_get(store_t *self, const char *key, buffer_t *out); // empty when there is none
err_t store_field(store_t *self, const char *key, const char *field, buffer_t *out);
// A hash as a message; *out = NULL when there is none, or it cannot be read.
err_t store_record(store_t *self, const char *key, const ProtobufCMessageDescriptor *d,
                   arena_t *arena, ProtobufCMessage **out);

// A visitor that returns an error which rejects (ERR_INPUT) could not read what it was given.
typedef err_t store_member_fn(void *arg, struct span member);
// SSCAN: each once
err_t store_members(store_t *self, const char *set_key, store_member_fn *visit, void *arg);

// For every member m of set_key: the hash <prefix>m as a message (skipped when there is none). `m`
// is in an arena that is reset after each call.
typedef err_t store_record_fn(void *arg, const ProtobufCMessage *m);
err_t store_records(store_t *self, const char *set_key, const char *prefix,
                    const ProtobufCMessageDescriptor *d, store_record_fn *visit, void *arg);

typedef err_t store_pair_fn(void *arg, struct span name, struct span value);
err_t store_pairs(store_t *self, const char *hash_key, store_pair_fn *visit, void *arg); // HSCAN

struct journal_entry {
    struct entry_id id;
    struct span envelope; // valid during the call
};
typedef err_t store_entry_fn(void *arg, const struct journal_entry *entry);
// Entries after `after`, at most `limit`.
err_t store_journal(store_t *self, const char *topic, struct entry_id after, size_t limit,
                    store_entry_fn *visit, void *arg, size_t *count);

// The same for any stream whose entries have one field, by its whole key ("deadletter:router").
err_t store_stream(store_t *self, const char *key, struct entry_id after, size_t limit,
                   store_entry_fn *visit, void *arg, size_t *count);

// Any command, argv by span; its reply is rendered as text lines (for tools and doctor).
err_t store_command(store_t *self, unsigned argc, const struct span *argv, buffer_t *out);
