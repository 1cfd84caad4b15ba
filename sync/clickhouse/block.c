// block - rows of one table as a block to send.
// SPDX-License-Identifier: MIT
#include "sync/clickhouse/block.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/record.h"

void block_columns(const struct table_form *form, buffer_t *out) {
    column_list(form, '`', out);
    buffer_text(out, ", `" CHANGED "`, `removed`");
}

static void add_block_text(buffer_t *out, struct span text) {
    static const char codes[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['\\'] = '\\'};
    const char *from = text.data, *end = from + text.length;
    for (const char *at = from; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        if (c && (c >= sizeof(codes) || !codes[c])) continue;
        buffer_add(out, from, (size_t)(at - from));
        buffer_add(out, (char[]){'\\', c ? codes[c] : '0'}, 2);
        from = at + 1;
    }
    buffer_add(out, from, (size_t)(end - from));
}

// "2025-03-22T10:15:30.123456Z" without T and Z, or as microseconds.
static void add_block_time(buffer_t *out, const char *text, bool micros) {
    uint64_t ns = 0;
    size_t length = strlen(text);
    if (micros) {
        if (time_parse(text, length, &ns)) ns = 0;
        buffer_format(out, "%llu", (unsigned long long)(ns / NS_PER_US));
    } else if (length > 20) {
        buffer_add(out, text, 10);
        buffer_add(out, " ", 1);
        buffer_add(out, text + 11, length - 12);
    } else {
        buffer_text(out, "1970-01-01 00:00:00.000000");
    }
}

// What stands for nothing in a column that cannot be empty: the key of a row that was taken back
// tells which it is, the rest is not read.
static void add_nothing(buffer_t *out, enum column_kind kind, bool optional, bool micros) {
    if (optional)
        buffer_text(out, "\\N");
    else if (kind == COLUMN_TIME)
        add_block_time(out, "", micros);
    else if (kind != COLUMN_TEXT && kind != COLUMN_BYTES)
        buffer_text(out, "0");
}

static void add_block_cell(buffer_t *out, const struct block_form *form, unsigned i,
                           sql_query_t *q) {
    const ProtobufCFieldDescriptor *f = record_columns(form->form->type)->fields[i];
    enum column_kind kind = column_kind_of(f);
    const char *text = sql_text(q, (int)i);
    if (!text) {
        add_nothing(out, kind, column_is_optional(form->form, f), form->micros[i]);
        return;
    }
    switch (kind) {
    case COLUMN_TEXT:
        add_block_text(out, sql_bytes(q, (int)i));
        break;
    case COLUMN_TIME:
        add_block_time(out, text, form->micros[i]);
        break;
    case COLUMN_UNSIGNED:
        buffer_format(out, "%llu", (unsigned long long)sql_integer(q, (int)i));
        break;
    case COLUMN_BYTES:
        buffer_hex(out, sql_bytes(q, (int)i));
        break;
    case COLUMN_DECIMAL:
    case COLUMN_INTEGER:
    case COLUMN_FLAG:
        buffer_text(out, text);
        break;
    }
}

static void end_row(struct block *self, uint64_t changed, bool removed) {
    buffer_format(&self->text, "%llu\t%d\n", (unsigned long long)changed, removed);
    self->rows++;
}

static sql_query_t *select_block_rows(sql_t *archive, const struct table_form *form) {
    __attribute__((cleanup(buffer_destroy))) buffer_t text = {0};
    buffer_text(&text, "SELECT ");
    column_list(form, '"', &text);
    buffer_format(&text,
                  ", \"" CHANGED "\" FROM \"%s\" WHERE \"" CHANGED "\" > ?1 ORDER BY \"" CHANGED
                  "\" LIMIT ?2",
                  form->name);
    return sql_prepare(archive, buffer_string(&text));
}

static err_t add_block_rows(struct block *self, sql_t *archive, const struct block_form *form,
                            uint64_t after, const struct block_limits *limits) {
    own(sql_query) *q = select_block_rows(archive, form->form);
    unsigned n = record_columns(form->form->type)->n;
    bool row = true;
    if (!q) return ERR_CONFIG;
    sql_bind_integer(q, 1, (int64_t)after);
    sql_bind_integer(q, 2, limits->rows);
    err_t e = ERR_OK;
    while (!self->more && !(e = sql_step(q, &row)) && row) {
        for (unsigned i = 0; i < n; i++) {
            add_block_cell(&self->text, form, i, q);
            buffer_add(&self->text, "\t", 1);
        }
        self->last = (uint64_t)sql_integer(q, (int)n);
        if (!self->first) self->first = self->last;
        end_row(self, self->last, false);
        self->more = self->rows >= limits->rows || (int64_t)self->text.length >= limits->bytes;
    }
    return e;
}

// Only tables whose key is one text have rows that are taken back.
static void add_removed(struct block *self, const struct block_form *form, const char *key,
                        uint64_t changed) {
    const struct record_columns *columns = record_columns(form->form->type);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (column_is_key(form->form, f->name))
            add_block_text(&self->text, span_of(key));
        else
            add_nothing(&self->text, column_kind_of(f), column_is_optional(form->form, f),
                        form->micros[i]);
        buffer_add(&self->text, "\t", 1);
    }
    end_row(self, changed, true);
}

// What was taken back in the same span of numbers: up to the last row's, or to the end.
static err_t add_all_removed(struct block *self, sql_t *archive, const struct block_form *form,
                             uint64_t after, const struct block_limits *limits) {
    own(sql_query) *q = sql_prepare(archive, "SELECT key, changed FROM removed_rows WHERE "
                                             "table_name = ?1 AND changed > ?2 AND changed <= ?3"
                                             " ORDER BY changed LIMIT ?4");
    bool row = true;
    if (!q) return ERR_CONFIG;
    sql_bind_text(q, 1, form->form->name);
    sql_bind_integer(q, 2, (int64_t)after);
    sql_bind_integer(q, 3, self->more ? (int64_t)self->last : INT64_MAX);
    sql_bind_integer(q, 4, self->more ? -1 : limits->rows);
    err_t e = ERR_OK;
    uint64_t last = 0;
    int64_t n = 0;
    while (!(e = sql_step(q, &row)) && row) {
        last = (uint64_t)sql_integer(q, 1);
        add_removed(self, form, sql_text(q, 0), last);
        if (!self->first || last < self->first) self->first = last;
        n++;
    }
    if (self->more) return e;
    // then rows that changed later than the last of these come again
    self->more = n == limits->rows;
    if (self->more || last > self->last) self->last = last;
    return e;
}

err_t block_fill(struct block *self, sql_t *archive, const struct block_form *form, uint64_t after,
                 const struct block_limits *limits) {
    buffer_clear(&self->text);
    self->rows = 0;
    self->first = self->last = 0;
    self->more = false;
    err_t e = sql_run(archive, "BEGIN");
    if (!e) e = add_block_rows(self, archive, form, after, limits);
    if (!e) e = add_all_removed(self, archive, form, after, limits);
    sql_rollback(archive);
    return e;
}
