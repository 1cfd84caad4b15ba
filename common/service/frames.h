// frames - messages on a stream between two processes of one host.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "common/base/arena.h"

// Each is its length (4 bytes, this machine's order) and the packed message. Written through to the
// other end. False: nobody reads there any more.
bool frame_write(FILE *to, const ProtobufCMessage *m);
// The next message, in the arena. NULL: the other end is gone, or what it sent is no such message.
ProtobufCMessage *frame_read(FILE *from, const ProtobufCMessageDescriptor *type, arena_t *arena);
