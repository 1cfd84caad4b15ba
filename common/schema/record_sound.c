// record_sound - whether a message from outside is one that can be recorded, and making it one.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "common/base/clock.h"
#include "common/schema/record_value.h"

static bool item_is_sound(const ProtobufCFieldDescriptor *f, const void *place) {
    if (f->type == PROTOBUF_C_TYPE_ENUM)
        return protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)place) != NULL;
    return f->type != PROTOBUF_C_TYPE_MESSAGE ||
           record_is_sound(*(const ProtobufCMessage *const *)place);
}

static bool field_is_sound(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    if (f->type != PROTOBUF_C_TYPE_ENUM && f->type != PROTOBUF_C_TYPE_MESSAGE) return true;
    if (!record_is_set(m, f)) return true;
    const char *place = record_at(m, f->offset);
    if (f->label != PROTOBUF_C_LABEL_REPEATED) return item_is_sound(f, place);
    size_t n = *(const size_t *)record_at(m, f->quantifier_offset), size = record_item_size(f);
    const char *items = *(const char *const *)place;
    for (size_t i = 0; i < n; i++) {
        if (!item_is_sound(f, items + i * size)) return false;
    }
    return true;
}

// A field without a number is no field. protobuf-c takes one all the same when its key is written
// longer than it must be, keeps it as unknown, writes it shorter, and then refuses what it wrote.
static bool has_a_nameless_field(const ProtobufCMessage *m) {
    for (unsigned i = 0; i < m->n_unknown_fields; i++) {
        if (m->unknown_fields[i].tag == 0) return true;
    }
    return false;
}

bool record_is_sound(const ProtobufCMessage *m) {
    if (has_a_nameless_field(m)) return false;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        if (!field_is_sound(m, &m->descriptor->fields[i])) return false;
    }
    return true;
}

// By our names, "executed_at" has happened, and "expiration_time" will.
static bool has_happened(const ProtobufCFieldDescriptor *f) {
    size_t length = strlen(f->name);
    return length > 3 && strcmp(f->name + length - 3, "_at") == 0;
}

static bool tame_time(const ProtobufCFieldDescriptor *f, uint64_t *time, uint64_t now) {
    if (*time < TIME_END && (!has_happened(f) || *time <= now + TIME_AHEAD)) return false;
    *time = now;
    return true;
}

static bool tame_enum(const ProtobufCFieldDescriptor *f, int *value) {
    const ProtobufCEnumDescriptor *names = f->descriptor;
    if (protobuf_c_enum_descriptor_get_value(names, *value)) return false;
    *value = names->values[0].value;
    return true;
}

// The name of the field that was changed, or of one within it; NULL: none.
static const char *tame_item(const ProtobufCFieldDescriptor *f, void *place, uint64_t now) {
    bool changed = false;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) return record_tame(*(ProtobufCMessage **)place, now);
    if (f->type == PROTOBUF_C_TYPE_FIXED64) changed = tame_time(f, place, now);
    if (f->type == PROTOBUF_C_TYPE_ENUM) changed = tame_enum(f, place);
    if (f->type == PROTOBUF_C_TYPE_SFIXED64 && *(int64_t *)place == INT64_MIN)
        changed = true, *(int64_t *)place = -INT64_MAX;
    return changed ? f->name : NULL;
}

static const char *tame_field(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                              uint64_t now) {
    char *place = record_at(m, f->offset);
    const char *first = NULL;
    if (!record_is_set(m, f)) return NULL;
    if (f->label != PROTOBUF_C_LABEL_REPEATED) return tame_item(f, place, now);
    size_t n = *(const size_t *)record_at(m, f->quantifier_offset), size = record_item_size(f);
    char *items = *(char **)(void *)place;
    for (size_t i = 0; i < n; i++) {
        const char *changed = tame_item(f, items + i * size, now);
        if (!first) first = changed;
    }
    return first;
}

const char *record_tame(ProtobufCMessage *m, uint64_t now) {
    const char *first = NULL;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const char *changed = tame_field(m, &m->descriptor->fields[i], now);
        if (!first) first = changed;
    }
    return first;
}
