// batch_commit - the other side of batch.h: what the loop, and tests of handlers, do with a batch.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/delivery/delivery.h"

// One topic this service owns, with its head.
struct outlet {
    char name[64]; // "orders.0"
    enum topic topic;
    unsigned shard;
    struct entry_id head;
};

struct outgoing {
    const struct outlet *outlet; // NULL: a feed
    const char *feed;
    const char *type;
    struct entry_id id, prev;
    struct span envelope; // packed; batch_opened reads it
};

// The last alerts raised, by digest of code and subject. When two meet in one place the later one
// is remembered: one alert more, never one less.
#define ALERTS_REMEMBERED 256
struct lately {
    struct raised {
        uint64_t what, mono_ns;
    } alerts[ALERTS_REMEMBERED];
};
struct lately *batch_lately(batch_t *self); // kept from batch to batch

batch_t *batch_new(const char *service, const char *const *slice, struct outlet *outlets,
                   size_t n_outlets);
void batch_destroy(batch_t **self);
const char *batch_service(const batch_t *self);
// empties it
void batch_begin(batch_t *self, uint64_t incarnation, uint64_t utc_ns, uint64_t mono_ns);
void batch_look_for(batch_t *self, uint64_t ns);

struct batch_mark {
    size_t bytes, frames, outgoing, gathered;
    unsigned commands;
};
struct batch_mark batch_mark_now(const batch_t *self);
void batch_back_to(batch_t *self, struct batch_mark mark); // takes back what was written since

// dead letters there are: they count up, and make the next ones' ids
void batch_buried_before(batch_t *self, uint64_t n);
uint64_t batch_buried(const batch_t *self);
// of what was buried last
void batch_last_letter(const batch_t *self, char id[static ENTRY_ID_TEXT]);
// it has been dealt with
void batch_unbury(batch_t *self, const char *id);
// it is in the service's slice
bool batch_may_write(const batch_t *self, const char *key);

err_t batch_fault(const batch_t *self, char why[static 160]); // what stops the commit, if anything
bool batch_is_empty(const batch_t *self);
// what was gathered becomes commands; it cannot be taken back any more
void batch_gather(batch_t *self);
struct span batch_bytes(batch_t *self); // RESP commands, gathered ones included
unsigned batch_commands(const batch_t *self);
// valid until the next write
size_t batch_outgoing(batch_t *self, const struct outgoing **out);
// what it carries, in the batch's arena
const ProtobufCMessage *batch_opened(batch_t *self, const struct outgoing *o);
// a command; argv[1] is its key
void batch_raw(batch_t *self, unsigned argc, const struct span *argv);
