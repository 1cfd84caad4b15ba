// recording - messages in a file, in the order in which they were heard: MessagePack maps end to
// end, as they are or gzipped.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/delivery/delivery.h"

// One record, a map: {"at":…,"topic":…,"id":…,"prev":…,"type":…,"body":…}. The body is the message
// packed by protobuf; its type is a name of proto/. Feeds (prices) have no id. The first record of
// a file is {"recording":1,"by":"tradecast …","at":…} instead.
struct recorded {
    // when it was heard, UTC ns; of what was read from a journal later: when it was read
    uint64_t at;
    const char *topic, *type;
    struct entry_id id, prev;
    struct span body;
};

// A recording begins with the configuration in force: topic config, this type, a JSON document as
// body (as config apply takes it).
#define RECORDED_CONFIGURATION "configuration"

// … and with what Redis holds of the services, a KeptKey each, when there is a moment in which they
// commit nothing.
#define RECORDED_STATE "state"

#define RECORDING_BODY_MAX (1 << 20)

typedef struct recording recording_t;

// For writing at the end of a new file; an existing one is not written over. NULL: `why` says why.
recording_t *recording_create(const char *path, bool compressed, char why[static 200]);
// false: the disk refused, errno says why
bool recording_add(recording_t *self, const struct recorded *r);
// what was added is readable whatever happens to this process
bool recording_flush(recording_t *self);

// For reading, compressed or not. NULL: `why` says why.
recording_t *recording_open(const char *path, char why[static 200]);
// The next record, valid until the next call. False: the end; recording_torn tells whether a record
// was begun and not finished (its writer was killed), or something else stands there.
bool recording_next(recording_t *self, struct recorded *out);
bool recording_torn(const recording_t *self);

void recording_destroy(recording_t **self);
