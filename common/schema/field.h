// field - the values of a message's field, one or many alike, for whoever walks over messages.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/schema/record_value.h"

struct field_values {
    const char *first;
    size_t n; // 0: it is not set
    size_t size;
};

static inline bool field_is_list(const ProtobufCFieldDescriptor *f) {
    return f->label == PROTOBUF_C_LABEL_REPEATED;
}

static inline bool field_is_message(const ProtobufCFieldDescriptor *f) {
    return f->type == PROTOBUF_C_TYPE_MESSAGE;
}

static inline bool field_is_text(const ProtobufCFieldDescriptor *f) {
    return f->type == PROTOBUF_C_TYPE_STRING;
}

// `m` NULL: there are none. They are where the message has them.
static inline struct field_values field_values(const ProtobufCMessage *m,
                                               const ProtobufCFieldDescriptor *f) {
    if (!m || !record_is_set(m, f)) return (struct field_values){0};
    const char *place = record_at(m, f->offset);
    if (!field_is_list(f)) return (struct field_values){place, 1, record_item_size(f)};
    return (struct field_values){*(const char *const *)place,
                                 *(const size_t *)record_at(m, f->quantifier_offset),
                                 record_item_size(f)};
}

static inline const void *field_value(struct field_values values, size_t i) {
    return values.first + i * values.size;
}

// Of a field of messages or of texts.
static inline const ProtobufCMessage *field_message(const void *value) {
    return *(const ProtobufCMessage *const *)value;
}
static inline const char *field_text(const void *value) { return *(const char *const *)value; }
