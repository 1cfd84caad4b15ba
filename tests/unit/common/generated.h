// generated - a message with generated values in all, or some, of its fields: for tests that must
// hold for every message type.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>
#include <string.h>

#include "common/schema/record_value.h"
#include "dice.h"

static inline char *generated_text(struct dice *d, arena_t *arena) {
    static const char *const texts[] = {"EURUSD",
                                        "",
                                        "a \"quoted\" \\ text",
                                        "line\nline\ttab",
                                        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\x88",
                                        "{\"a\":[1,2]}",
                                        "0",
                                        "NULL",
                                        "it's; DROP TABLE trades;--",
                                        "123e4567-e89b-12d3-a456-426614174000"};
    return arena_text(arena, texts[dice_roll(d) % (sizeof(texts) / sizeof(texts[0]))]);
}

static ProtobufCMessage *generated(const ProtobufCMessageDescriptor *type, struct dice *d,
                                   unsigned percent_set, arena_t *arena);

static inline void generated_item(const ProtobufCFieldDescriptor *f, void *place, struct dice *d,
                                  unsigned percent, arena_t *arena) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)place = dice_bits(d);
        break;
    case PROTOBUF_C_TYPE_FIXED64: // times are kept in microseconds
        *(uint64_t *)place = dice_bits(d) / 1000 * 1000;
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *(int32_t *)place = (int32_t)dice_bits(d);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *(uint32_t *)place = (uint32_t)dice_bits(d);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)place = dice_roll(d) % 2;
        break;
    case PROTOBUF_C_TYPE_ENUM: {
        const ProtobufCEnumDescriptor *e = f->descriptor;
        *(int *)place = e->values[dice_roll(d) % e->n_values].value;
        break;
    }
    case PROTOBUF_C_TYPE_STRING:
        *(char **)place = generated_text(d, arena);
        break;
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData *bytes = place;
        bytes->len = dice_roll(d) % 40;
        bytes->data = arena_take(arena, bytes->len + 1);
        for (size_t i = 0; i < bytes->len; i++) bytes->data[i] = (uint8_t)dice_roll(d);
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)place = generated(f->descriptor, d, percent, arena);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        abort(); // the contract knows no floating point
    }
}

// Required fields always have a value, the others with the probability given.
static ProtobufCMessage *generated(const ProtobufCMessageDescriptor *type, struct dice *d,
                                   unsigned percent_set, arena_t *arena) {
    ProtobufCMessage *m = record_new(type, arena);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        if (f->label != PROTOBUF_C_LABEL_REQUIRED && dice_roll(d) % 100 >= percent_set) continue;
        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            generated_item(f, record_at(m, f->offset), d, percent_set, arena);
            record_mark_set(m, f);
            continue;
        }
        size_t n = 1 + dice_roll(d) % 3, size = record_item_size(f);
        char *items = arena_zero(arena, n * size);
        for (size_t k = 0; k < n; k++) generated_item(f, items + k * size, d, percent_set, arena);
        *(void **)record_at(m, f->offset) = items;
        *(size_t *)record_at(m, f->quantifier_offset) = n;
    }
    return m;
}

// Whether two messages pack to the same bytes.
static inline bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b) {
    size_t length = protobuf_c_message_get_packed_size(a);
    if (length != protobuf_c_message_get_packed_size(b)) return false;
    uint8_t *left = malloc(length + 1), *right = malloc(length + 1);
    protobuf_c_message_pack(a, left);
    protobuf_c_message_pack(b, right);
    bool same = memcmp(left, right, length) == 0;
    free(left);
    free(right);
    return same;
}
