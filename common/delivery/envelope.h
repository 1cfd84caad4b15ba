// envelope - what every message travels in; the same bytes on ZeroMQ and in the journal
// (proto/envelope.proto).
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "common/delivery/delivery.h"

struct envelope {
    struct entry_id id;
    struct entry_id prev;
    char type[48];    // message name
    struct span body; // protobuf
};

// Appends the packed envelope of `m` to `out`. For links without a sequence (gateways, feeds) id
// and prev are NONE.
void envelope_write(buffer_t *out, const char *topic, struct entry_id id, struct entry_id prev,
                    const ProtobufCMessage *m);
void envelope_write_span(buffer_t *out, const char *topic, const struct envelope *e);
// ERR_INPUT: damaged, truncated or not an envelope. The body points into `frame`.
err_t envelope_read(const char *topic, struct span frame, struct envelope *out);

const ProtobufCMessageDescriptor *message_type(const char *name); // NULL: not one of ours
// the whole registry, sorted by name; NULL at its end
const ProtobufCMessageDescriptor *message_type_at(size_t i);
// NULL: unknown type, undecodable, or not sound (record_is_sound). In `arena`, or malloc when NULL.
ProtobufCMessage *envelope_open(const struct envelope *e, arena_t *arena);
// The same, sound or not: for saying what a message was about that cannot be handled.
ProtobufCMessage *envelope_unpack(const struct envelope *e, arena_t *arena);
