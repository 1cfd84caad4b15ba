// record_value - what record.c, record_pairs.c and record_json.c share: places of fields in a
// message, and memory for what is built.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/schema/record.h"

static inline void *record_at(const ProtobufCMessage *m, unsigned offset) {
    return (char *)(uintptr_t)m + offset;
}

static inline bool record_is_nested(const ProtobufCFieldDescriptor *f) { // as text it is JSON
    return f->label == PROTOBUF_C_LABEL_REPEATED || f->type == PROTOBUF_C_TYPE_MESSAGE;
}

// Zeroed memory: of the arena, or malloc when there is none (out of memory ends the process).
void *record_take(arena_t *arena, size_t size);
ProtobufCMessage *record_new(const ProtobufCMessageDescriptor *d, arena_t *arena);
// bytes one value of the field takes in the C struct
size_t record_item_size(const ProtobufCFieldDescriptor *f);

// Reads one value, not repeated and no message, into its place. `rule` says what it must be when it
// is not.
err_t record_read_value(const ProtobufCFieldDescriptor *f, struct span text, arena_t *arena,
                        void *place, const char **rule);
// Where a text could not be read, or is missing: an empty one.
void record_fill_text(const ProtobufCFieldDescriptor *f, void *place, arena_t *arena);
// those that are required, and messages that are
void record_fill_texts(ProtobufCMessage *m, arena_t *arena);
// has_x = true, where there is one
void record_mark_set(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);

// Appends one value, not repeated and no message, as text. A bool is 1 or 0.
void record_print_value(const ProtobufCFieldDescriptor *f, const void *place, buffer_t *out);
// as JSON
void record_print_nested(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                         buffer_t *out);

// record_set, saying what the text must be when it is not.
err_t record_set_told(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct span text,
                      arena_t *arena, const char **rule);

// Reads a nested or repeated field from JSON text.
err_t record_read_nested(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct span json,
                         arena_t *arena);
