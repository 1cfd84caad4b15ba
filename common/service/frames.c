// frames - messages on a stream between two processes of one host.
// SPDX-License-Identifier: MIT
#include "common/service/frames.h"

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/own.h"

bool frame_write(FILE *to, const ProtobufCMessage *m) {
    own(buffer) packed = {0};
    uint32_t length = (uint32_t)protobuf_c_message_get_packed_size(m);
    (void)protobuf_c_message_pack(m, buffer_reserve(&packed, length + 1));
    return fwrite(&length, sizeof length, 1, to) == 1 &&
           fwrite(packed.data, 1, length, to) == length && fflush(to) == 0;
}

ProtobufCMessage *frame_read(FILE *from, const ProtobufCMessageDescriptor *type, arena_t *arena) {
    uint32_t length;
    if (fread(&length, sizeof length, 1, from) != 1) return NULL;
    uint8_t *packed = arena_take(arena, (size_t)length + 1);
    if (fread(packed, 1, length, from) != length) return NULL;
    return protobuf_c_message_unpack(type, arena_allocator(arena), length, packed);
}
