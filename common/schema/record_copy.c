// record_copy - a deep copy of a message, field by field: cheaper than packing and unpacking it.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/schema/record_value.h"

// `place` holds the original's pointer (copied bit by bit) and gets the copy's.
static void copy_item(const ProtobufCFieldDescriptor *f, void *place, arena_t *arena) {
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        char **text = place;
        if (!*text || *text == f->default_value) return;
        size_t size = strlen(*text) + 1;
        *text = memcpy(record_take(arena, size), *text, size);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *bytes = place;
        if (!bytes->data) return;
        uint8_t *copy = record_take(arena, bytes->len);
        if (bytes->len) memcpy(copy, bytes->data, bytes->len);
        bytes->data = copy;
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage **nested = place;
        if (*nested) *nested = record_copy(*nested, arena);
    }
}

static void copy_repeated(const ProtobufCFieldDescriptor *f, ProtobufCMessage *m, arena_t *arena) {
    size_t n = *(size_t *)record_at(m, f->quantifier_offset), size = record_item_size(f);
    void **items = record_at(m, f->offset);
    if (n == 0) {
        *items = NULL;
        return;
    }
    char *copies = memcpy(record_take(arena, n * size), *items, n * size);
    for (size_t i = 0; i < n; i++) copy_item(f, copies + i * size, arena);
    *items = copies;
}

ProtobufCMessage *record_copy(const ProtobufCMessage *m, arena_t *arena) {
    const ProtobufCMessageDescriptor *d = m->descriptor;
    ProtobufCMessage *copy = memcpy(record_take(arena, d->sizeof_message), m, d->sizeof_message);
    copy->n_unknown_fields = 0;
    copy->unknown_fields = NULL;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            copy_repeated(f, copy, arena);
        else
            copy_item(f, record_at(copy, f->offset), arena);
    }
    return copy;
}
