// export_text - CSV and JSON lines: a file for each table and day, with its name only when it is
// whole.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/archive/csv.h"
#include "cli/archive/export.h"
#include "common/base/alloc.h"
#include "common/schema/record.h"

struct text {
    const struct table_form *table;
    FILE *file;
    char path[EXPORT_PATH], partial[EXPORT_PATH + 10];
    buffer_t line;
};

static bool text_open(struct sink *self) {
    self->state = alloc_zeroed(1, sizeof(struct text));
    return true;
}

static bool finish_file(struct sink *self, bool good) {
    struct text *t = self->state;
    if (!t->file) return true;
    bool whole = fflush(t->file) == 0 && fsync(fileno(t->file)) == 0;
    whole = fclose(t->file) == 0 && whole;
    t->file = NULL;
    if (good && whole && rename(t->partial, t->path) == 0) return true;
    if (good) (void)export_fail(self, "%.200s: %s", t->path, strerror(errno));
    (void)unlink(t->partial);
    return !good;
}

static bool text_table(struct sink *self, const struct table_form *table) {
    bool good = finish_file(self, true);
    ((struct text *)self->state)->table = table;
    return good;
}

static bool begin_file(struct sink *self, const char *day, const char *name) {
    struct text *t = self->state;
    if (!finish_file(self, true) || !export_path(self, t->table, day, name, t->path)) return false;
    snprintf(t->partial, sizeof t->partial, "%s.partial", t->path);
    t->file = fopen(t->partial, "w");
    return t->file ? true : export_fail(self, "%.200s: %s", t->partial, strerror(errno));
}

static bool write_line(struct sink *self) {
    struct text *t = self->state;
    buffer_text(&t->line, "\n");
    bool good = fwrite(t->line.data, 1, t->line.length, t->file) == t->line.length;
    buffer_clear(&t->line);
    return good ? true : export_fail(self, "%.200s: %s", t->partial, strerror(errno));
}

static bool text_close(struct sink *self, bool good) {
    struct text *t = self->state;
    bool whole = finish_file(self, good);
    buffer_destroy(&t->line);
    free(t);
    return whole;
}

// What stands for a value in both: numbers as they are.
static void add_plain(buffer_t *out, enum column_kind kind, sql_query_t *q, int i) {
    struct span bytes = sql_bytes(q, i);
    if (kind == COLUMN_UNSIGNED)
        buffer_format(out, "%llu", (unsigned long long)sql_integer(q, i));
    else if (kind == COLUMN_FLAG)
        buffer_text(out, sql_integer(q, i) ? "true" : "false");
    else if (kind == COLUMN_BYTES)
        buffer_hex(out, bytes);
    else
        buffer_text(out, sql_text(q, i));
}

// CSV (RFC 4180). Nothing is an empty field, an empty text is "".

static bool csv_day(struct sink *self, const char *day) {
    struct text *t = self->state;
    if (!begin_file(self, day, "data.csv")) return false;
    const struct record_columns *columns = record_columns(t->table->type);
    for (unsigned i = 0; i < columns->n; i++)
        buffer_format(&t->line, "%s%s", i ? "," : "", columns->fields[i]->name);
    return write_line(self);
}

static bool csv_row(struct sink *self, const struct table_form *table, sql_query_t *q) {
    struct text *t = self->state;
    const struct record_columns *columns = record_columns(table->type);
    for (unsigned i = 0; i < columns->n; i++) {
        enum column_kind kind = column_kind_of(columns->fields[i]);
        const char *text = sql_text(q, (int)i);
        if (i) buffer_text(&t->line, ",");
        if (text && kind == COLUMN_TEXT)
            csv_text(&t->line, text);
        else if (text)
            add_plain(&t->line, kind, q, (int)i);
    }
    return write_line(self);
}

const struct sink_form export_csv = {"csv", text_open, text_table, csv_day, csv_row, text_close};

// JSON lines. Decimals are numbers with all their digits, nothing is left out, what is JSON in the
// archive is JSON here.

static bool jsonl_day(struct sink *self, const char *day) {
    return begin_file(self, day, "data.jsonl");
}

static bool is_json_column(const ProtobufCFieldDescriptor *f) {
    return f->label == PROTOBUF_C_LABEL_REPEATED || f->type == PROTOBUF_C_TYPE_MESSAGE;
}

static bool jsonl_row(struct sink *self, const struct table_form *table, sql_query_t *q) {
    struct text *t = self->state;
    const struct record_columns *columns = record_columns(table->type);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        enum column_kind kind = column_kind_of(f);
        const char *text = sql_text(q, (int)i);
        bool quoted = (kind == COLUMN_TEXT && !is_json_column(f)) || kind == COLUMN_TIME;
        if (!text) continue;
        buffer_format(&t->line, "%s\"%s\":", t->line.length ? "," : "{", f->name);
        if (quoted)
            buffer_json_string(&t->line, text, strlen(text));
        else {
            buffer_text(&t->line, kind == COLUMN_BYTES ? "\"" : "");
            add_plain(&t->line, kind, q, (int)i);
            buffer_text(&t->line, kind == COLUMN_BYTES ? "\"" : "");
        }
    }
    buffer_text(&t->line, t->line.length ? "}" : "{}");
    return write_line(self);
}

const struct sink_form export_jsonl = {"jsonl",   text_open, text_table,
                                       jsonl_day, jsonl_row, text_close};
