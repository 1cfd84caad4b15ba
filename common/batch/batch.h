// batch - what a handler writes into: changes of state and messages, committed together or not at
// all.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/base/decimal.h"
#include "common/base/error.h"
#include "proto/topics.h"

// A handler decides and writes; it touches no socket, clock or store. All writes are absolute, so
// that a batch can be replayed. Writing never returns an error: a key outside the service's slice,
// or too much, is remembered and stops the commit (ERR_OWNER).
typedef struct batch batch_t;

uint64_t batch_now(const batch_t *self);  // UTC ns, one value for the whole batch
uint64_t batch_mono(const batch_t *self); // monotonic ns, likewise
// memory until the batch is committed and its messages are sent
arena_t *batch_arena(batch_t *self);

// empty; for a text on its way into the batch, until somebody asks for it again
buffer_t *batch_scratch(batch_t *self);

// HSET key, every set field
void batch_keep(batch_t *self, const char *key, const ProtobufCMessage *m);
struct record_mask;
// The same without the columns of `but` (record_mask): for a hash that has them already.
void batch_keep_but(batch_t *self, const char *key, const ProtobufCMessage *m,
                    const struct record_mask *but);
// HSET key field value
void batch_field(batch_t *self, const char *key, const char *field, const char *value);
void batch_field_bytes(batch_t *self, const char *key, struct span field, struct span value);
void batch_field_drop(batch_t *self, const char *key, const char *field); // HDEL
void batch_set(batch_t *self, const char *key, struct span value);        // SET
// SET with the time at which it goes (PXAT), in one command
void batch_set_until(batch_t *self, const char *key, struct span value, uint64_t utc_ns);
void batch_drop(batch_t *self, const char *key); // UNLINK
// PEXPIREAT: only what is done and only for looking
void batch_expire_at(batch_t *self, const char *key, uint64_t utc_ns);

// For sets and hashes that many messages of a batch write to: gathered into one command a key,
// behind all others of the batch. Such a key is written in this way only.
void batch_member(batch_t *self, const char *key, const char *member);                  // SADD
void batch_member_drop(batch_t *self, const char *key, const char *member);             // SREM
void batch_entry(batch_t *self, const char *key, struct span field, struct span value); // HSET
void batch_entry_drop(batch_t *self, const char *key, struct span field);               // HDEL

// When something that is finished now should expire: the option look_for from now, much less when
// the store fills up.
uint64_t batch_look_until(const batch_t *self);

// Appends a message to a topic this service owns. `shard` is 0 for topics that are not split by
// shard.
void batch_emit(batch_t *self, enum topic topic, unsigned shard, const ProtobufCMessage *body);
// Publishes without a journal (FEED_PRICES), after the commit.
void batch_publish(batch_t *self, const char *feed, const ProtobufCMessage *body);

// Puts a message aside, for the operator to look at: deadletter:<service>. `topic`, `type` and
// `body` say what would handle it again.
struct dead {
    const char *topic, *id, *type, *reason;
    struct span body;
};
void batch_bury(batch_t *self, const struct dead *dead);

// Raises an alert: logged, appended to incidents, published. severity: ALERT__SEVERITY__... The
// same (code, subject) is raised at most once a minute.
void batch_alert(batch_t *self, int severity, const char *code, const char *subject,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
