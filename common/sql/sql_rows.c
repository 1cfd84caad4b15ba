// sql_rows - a table by the fields of a message: how it is created, written and read, so that a new
// field needs no code.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"
#include "common/schema/record_value.h"
#include "common/sql/column.h"
#include "common/sql/sql_statement.h"

static bool is_integer_field(const ProtobufCFieldDescriptor *f) {
    enum column_kind kind = column_kind_of(f);
    return kind == COLUMN_INTEGER || kind == COLUMN_UNSIGNED || kind == COLUMN_FLAG;
}

static bool is_single(const ProtobufCFieldDescriptor *f, ProtobufCType type) {
    return f->label != PROTOBUF_C_LABEL_REPEATED && f->type == type;
}

// The schema.

static const char *column_affinity(const ProtobufCFieldDescriptor *f) {
    return is_integer_field(f) ? "INTEGER" : is_single(f, PROTOBUF_C_TYPE_BYTES) ? "BLOB" : "TEXT";
}

static void print_column(const ProtobufCFieldDescriptor *f, const char *primary, buffer_t *out) {
    buffer_format(out, "\"%s\" %s", f->name, column_affinity(f));
    if (f->label == PROTOBUF_C_LABEL_REQUIRED) buffer_text(out, " NOT NULL");
    if (primary && strcmp(primary, f->name) == 0) buffer_text(out, " PRIMARY KEY");
}

void sql_table_of(const ProtobufCMessageDescriptor *d, const char *table, const char *primary,
                  const char *extra, buffer_t *out) {
    buffer_format(out, "CREATE TABLE IF NOT EXISTS \"%s\" (", table);
    const struct record_columns *columns = record_columns(d);
    for (unsigned i = 0; i < columns->n; i++) {
        if (i) buffer_text(out, ", ");
        print_column(columns->fields[i], primary, out);
    }
    if (extra && extra[0]) buffer_format(out, ", %s", extra);
    if (!extra || !strstr(extra, ") WITHOUT ROWID")) buffer_text(out, ")");
}

static bool is_column(sql_query_t *columns, const char *name) {
    bool row = true, found = false;
    while (!found && !sql_step(columns, &row) && row) {
        const char *column = sql_text(columns, 1);
        found = column && strcmp(column, name) == 0;
    }
    sql_reset(columns);
    return found;
}

static sql_query_t *prepare_columns(sql_t *self, const char *table) {
    char text[160];
    snprintf(text, sizeof(text), "PRAGMA table_info(\"%.100s\")", table);
    return sql_prepare(self, text);
}

err_t sql_has_column(sql_t *self, const char *table, const char *column, bool *there) {
    own(sql_query) *columns = prepare_columns(self, table);
    *there = columns && is_column(columns, column);
    return columns ? ERR_OK : ERR_DISK;
}

err_t sql_table_sync(sql_t *self, const ProtobufCMessageDescriptor *d, const char *table,
                     const char *primary, const char *extra) {
    __attribute__((cleanup(buffer_destroy))) buffer_t text = {0};
    sql_table_of(d, table, primary, extra, &text);
    err_t e = sql_run(self, buffer_string(&text));
    if (e) return e;
    own(sql_query) *columns = prepare_columns(self, table);
    if (!columns) return ERR_DISK;
    const struct record_columns *wanted = record_columns(d);
    for (unsigned i = 0; !e && i < wanted->n; i++) {
        const ProtobufCFieldDescriptor *f = wanted->fields[i];
        if (is_column(columns, f->name)) continue;
        buffer_clear(&text); // rows that are there have no value: it cannot be NOT NULL
        buffer_format(&text, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s", table, f->name,
                      column_affinity(f));
        e = sql_run(self, buffer_string(&text));
    }
    return e;
}

// Writing.

// Whether `name` is one of "a, b".
static bool is_name_among(const char *names, const char *name) {
    size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)) != NULL; at += length) {
        if ((at == names || at[-1] == ' ' || at[-1] == ',') && (!at[length] || at[length] == ','))
            return true;
    }
    return false;
}

// The key is the same already: setting it would have its index written anew.
static void set_columns(const struct put_form *form, buffer_t *text) {
    const struct record_columns *columns = record_columns(form->type);
    const char *between = "";
    for (unsigned i = 0; i < columns->n; i++) {
        const char *name = columns->fields[i]->name;
        if (is_name_among(form->key, name)) continue;
        buffer_format(text, "%s\"%s\"=excluded.\"%s\"", between, name, name);
        between = ", ";
    }
    if (form->numbered)
        buffer_format(text, "%s\"%s\"=excluded.\"%s\"", between, form->numbered, form->numbered);
    else if (!*between) // nothing but the key
        buffer_format(text, "\"%s\"=excluded.\"%s\"", form->type->fields[0].name,
                      form->type->fields[0].name);
}

sql_query_t *sql_prepare_put(sql_t *self, const struct put_form *form) {
    __attribute__((cleanup(buffer_destroy))) buffer_t text = {0};
    const struct record_columns *columns = record_columns(form->type);
    buffer_format(&text, "INSERT INTO \"%s\" (", form->table);
    for (unsigned i = 0; i < columns->n; i++)
        buffer_format(&text, "%s\"%s\"", i ? ", " : "", columns->fields[i]->name);
    if (form->numbered) buffer_format(&text, ", \"%s\"", form->numbered);
    buffer_text(&text, ") VALUES (");
    for (unsigned i = 0; i < columns->n; i++) buffer_format(&text, "%s?%u", i ? ", " : "", i + 1);
    if (form->numbered) buffer_text(&text, ", next_change()");
    buffer_format(&text, ") ON CONFLICT(%s) DO ", form->key);
    buffer_text(&text, form->update ? "UPDATE SET " : "NOTHING");
    if (form->update) set_columns(form, &text);
    if (form->update && form->newer_by)
        buffer_format(&text, " WHERE excluded.\"%s\" >= \"%s\".\"%s\"", form->newer_by, form->table,
                      form->newer_by);
    return sql_prepare(self, buffer_string(&text));
}

sql_query_t *sql_prepare_upsert(sql_t *self, const ProtobufCMessageDescriptor *d, const char *table,
                                const char *primary, bool update) {
    return sql_prepare_put(
        self, &(struct put_form){.type = d, .table = table, .key = primary, .update = update});
}

static int64_t integer_at(const ProtobufCFieldDescriptor *f, const void *place) {
    if (f->type == PROTOBUF_C_TYPE_BOOL) return *(const protobuf_c_boolean *)place != 0;
    // an unsigned one above 2^63 is kept as its bits
    if (record_item_size(f) == sizeof(int64_t)) return *(const int64_t *)place;
    if (f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_FIXED32)
        return *(const uint32_t *)place;
    return *(const int32_t *)place;
}

#define SHORT_TEXT 32 // a decimal or a time

struct texts { // of the row being written: they live until it is
    char text[RECORD_COLUMNS_MAX][SHORT_TEXT];
};
static_assert(SHORT_TEXT >= DECIMAL_TEXT && SHORT_TEXT >= SQL_TIME_TEXT);

static void bind_nested(sql_query_t *q, int at, const ProtobufCMessage *m,
                        const ProtobufCFieldDescriptor *f) {
    __attribute__((cleanup(buffer_destroy))) buffer_t json = {0};
    record_print_nested(m, f, &json);
    sql_bind_text(q, at, buffer_string(&json));
}

// `m` has the field itself; NULL: it is not there.
static void bind_field(sql_query_t *q, int at, const ProtobufCMessage *m,
                       const ProtobufCFieldDescriptor *f, struct texts *texts) {
    const void *place = m ? record_at(m, f->offset) : NULL;
    char *text = texts->text[at - 1];
    if (!m || !record_is_set(m, f))
        sql_bind_text(q, at, NULL);
    else if (f->label == PROTOBUF_C_LABEL_REPEATED || f->type == PROTOBUF_C_TYPE_MESSAGE)
        bind_nested(q, at, m, f);
    else if (is_integer_field(f))
        sql_bind_integer(q, at, integer_at(f, place));
    else if (f->type == PROTOBUF_C_TYPE_STRING)
        sql_bind_static_text(q, at, span_of(*(const char *const *)place));
    else if (f->type == PROTOBUF_C_TYPE_SFIXED64)
        sql_bind_static_text(q, at,
                             (struct span){text, decimal_print(D(*(const int64_t *)place), text)});
    else if (f->type == PROTOBUF_C_TYPE_FIXED64)
        sql_bind_static_text(q, at,
                             (struct span){text, sql_time_print(*(const uint64_t *)place, text)});
    else if (f->type == PROTOBUF_C_TYPE_ENUM)
        sql_bind_static_text(q, at, span_of(record_enum_name(f->descriptor, *(const int *)place)));
    else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = place;
        sql_bind_static_bytes(q, at, (struct span){bytes->data, bytes->len});
    }
}

err_t sql_upsert(sql_query_t *q, const ProtobufCMessage *m) {
    struct texts texts;
    const struct record_columns *columns = record_columns(m->descriptor);
    for (unsigned i = 0; i < columns->n; i++)
        bind_field(q, (int)i + 1, record_owner_at(columns, m, i), columns->fields[i], &texts);
    return sql_execute(q);
}

// Reading.

static void read_integer(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, int64_t value) {
    void *place = record_place(m, f);
    if (f->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)place = value != 0;
    else if (record_item_size(f) == sizeof(int64_t))
        *(int64_t *)place = value;
    else
        *(uint32_t *)place = (uint32_t)value;
    record_mark_set(m, f);
}

static void read_bytes_cell(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                            struct span bytes, arena_t *arena) {
    ProtobufCBinaryData *place = record_place(m, f);
    place->len = bytes.length;
    place->data = record_take(arena, bytes.length);
    if (bytes.length) memcpy(place->data, bytes.data, bytes.length);
    record_mark_set(m, f);
}

// The row's first field says which one it is, whichever columns were asked for.
static const char *row_name(sql_query_t *q, const ProtobufCMessageDescriptor *d) {
    for (int i = 0; i < sql_columns(q); i++) {
        const char *text = strcmp(sql_column(q, i), d->fields[0].name) == 0 ? sql_text(q, i) : NULL;
        if (text) return text;
    }
    return "?";
}

static err_t left_out(sql_query_t *q, const ProtobufCMessageDescriptor *d,
                      struct unreadable_cell *cell) {
    cell->type = d->short_name;
    cell->row = row_name(q, d);
    return sql_note_cell(q, cell) ? ERR_OK : ERR_INPUT;
}

static err_t read_cell(sql_query_t *q, int column, ProtobufCMessage *m, arena_t *arena) {
    const ProtobufCFieldDescriptor *f = record_field(m->descriptor, span_of(sql_column(q, column)));
    if (!f || sql_is_null(q, column)) return ERR_OK;
    if (is_integer_field(f))
        read_integer(m, f, sql_integer(q, column));
    else if (is_single(f, PROTOBUF_C_TYPE_BYTES))
        read_bytes_cell(m, f, sql_bytes(q, column), arena);
    else {
        const char *text = sql_text(q, column), *rule;
        if (!text) return ERR_MEMORY;
        err_t e = record_set_told(m, f, span_of(text), arena, &rule);
        return e ? left_out(
                       q, m->descriptor,
                       &(struct unreadable_cell){.column = f->name, .rule = rule, .value = text})
                 : ERR_OK;
    }
    return ERR_OK;
}

err_t sql_row(sql_query_t *q, const ProtobufCMessageDescriptor *d, arena_t *arena,
              ProtobufCMessage **out) {
    ProtobufCMessage *m = record_new(d, arena);
    err_t e = ERR_OK;
    *out = NULL;
    for (int i = 0; !e && i < sql_columns(q); i++) e = read_cell(q, i, m, arena);
    if (!e) record_fill_texts(m, arena); // of what was left out
    if (!e)
        *out = m;
    else if (!arena)
        protobuf_c_message_free_unpacked(m, NULL);
    return e;
}
