// column - the columns of an archive's table as those see them who copy it elsewhere.
// SPDX-License-Identifier: MIT
#include "common/sql/column.h"

#include <assert.h>
#include <string.h>

#include "common/schema/record_value.h"
#include "common/sql/sql.h"

enum column_kind column_kind_of(const ProtobufCFieldDescriptor *f) {
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return COLUMN_TEXT;
    switch (f->type) {
    case PROTOBUF_C_TYPE_SFIXED64:
        return COLUMN_DECIMAL;
    case PROTOBUF_C_TYPE_FIXED64:
        return COLUMN_TIME;
    case PROTOBUF_C_TYPE_UINT64:
        return COLUMN_UNSIGNED;
    case PROTOBUF_C_TYPE_BOOL:
        return COLUMN_FLAG;
    case PROTOBUF_C_TYPE_BYTES:
        return COLUMN_BYTES;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return COLUMN_INTEGER;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return COLUMN_TEXT;
    }
    return COLUMN_TEXT;
}

// "service, created_at" has created_at.
bool column_is_key(const struct table_form *form, const char *name) {
    size_t length = strlen(name);
    for (const char *at = form->key; (at = strstr(at, name)); at += length) {
        bool begins = at == form->key || at[-1] == ' ' || at[-1] == ',';
        if (begins && (at[length] == 0 || at[length] == ',' || at[length] == ' ')) return true;
    }
    return false;
}

bool column_is_optional(const struct table_form *form, const ProtobufCFieldDescriptor *f) {
    return f->label != PROTOBUF_C_LABEL_REQUIRED && !column_is_key(form, f->name);
}

const ProtobufCFieldDescriptor *column_first_key(const struct table_form *form) {
    size_t length = strcspn(form->key, ", ");
    const ProtobufCFieldDescriptor *f = record_field(form->type, (struct span){form->key, length});
    assert(f);
    return f;
}

void column_field_json(const ProtobufCMessage *row, const ProtobufCFieldDescriptor *f,
                       buffer_t *out) {
    char time[SQL_TIME_TEXT];
    if (column_kind_of(f) != COLUMN_TIME) return record_print_nested(row, f, out);
    sql_time_print(*(const uint64_t *)record_place(row, f), time);
    buffer_format(out, "\"%s\"", time);
}

void column_row_json(const ProtobufCMessage *row, buffer_t *out) {
    const struct record_columns *columns = record_columns(row->descriptor);
    char before = '{';
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (!record_is_set(row, f)) continue;
        buffer_format(out, "%c\"%s\":", before, f->name);
        column_field_json(row, f, out);
        before = ',';
    }
    buffer_text(out, before == '{' ? "{}" : "}");
}

void column_list(const struct table_form *form, const char quote, buffer_t *out) {
    const struct record_columns *columns = record_columns(form->type);
    for (unsigned i = 0; i < columns->n; i++)
        buffer_format(out, "%s%c%s%c", i ? ", " : "", quote, columns->fields[i]->name, quote);
}
