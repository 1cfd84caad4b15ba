// column - the columns of an archive's table as those see them who copy it elsewhere: what each
// holds, and how to ask for it.
// SPDX-License-Identifier: MIT
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/buffer.h"
#include "proto/tables.h"

// As proto/README.md has it; what stands in SQLite is in brackets.
enum column_kind {
    COLUMN_TEXT,     // text, an enum's name, JSON [TEXT]
    COLUMN_DECIMAL,  // [TEXT, plain decimal]
    COLUMN_TIME,     // [TEXT, ISO 8601, six decimals, Z]
    COLUMN_INTEGER,  // [INTEGER]
    COLUMN_UNSIGNED, // 64 bits [INTEGER; above 2^63 as its bits]
    COLUMN_FLAG,     // [INTEGER, 0 or 1]
    COLUMN_BYTES,    // [BLOB]
};
enum column_kind column_kind_of(const ProtobufCFieldDescriptor *f);

bool column_is_key(const struct table_form *form, const char *name);
// Whether it may hold nothing. A required field of a row from before the field was there holds
// nothing all the same.
bool column_is_optional(const struct table_form *form, const ProtobufCFieldDescriptor *f);
// the first field of its key
const ProtobufCFieldDescriptor *column_first_key(const struct table_form *form);

// A row as a JSON object. Its times stand as in the columns, with six decimals: what is hashed of a
// row can then be hashed again from this text (record_to_json shortens them).
void column_row_json(const ProtobufCMessage *row, buffer_t *out);
// One field that is set, likewise.
void column_field_json(const ProtobufCMessage *row, const ProtobufCFieldDescriptor *f,
                       buffer_t *out);

// `a`, `b`, … in the order of the fields
void column_list(const struct table_form *form, const char quote, buffer_t *out);
