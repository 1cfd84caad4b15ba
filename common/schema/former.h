// former - messages of the version before, which had the fields of Terms and Amendment among their
// own.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/buffer.h"

// Unpacks a message of this version or the one before: what waited in a journal, is in the dead
// letters, a recording or a gateway's books. NULL: it is neither. In `arena`, or malloc when NULL
// (free with protobuf_c_message_free_unpacked).
ProtobufCMessage *former_unpack(const ProtobufCMessageDescriptor *d, struct span packed,
                                arena_t *arena);
