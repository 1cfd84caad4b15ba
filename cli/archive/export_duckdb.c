// export_duckdb - Parquet files, and a DuckDB file, by DuckDB itself.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/archive/duckdb.h"
#include "cli/archive/export.h"
#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/record.h"

struct duck {
    struct duckdb lib;
    duckdb_database database;
    duckdb_connection connection;
    duckdb_appender appender;
    const struct table_form *table;
    char day[24];
    char path[EXPORT_PATH], partial[EXPORT_PATH + 10]; // of the database, or of the day's file
};

// What a name or a path needs within quotes.
static void add_sql_quoted(buffer_t *out, const char *text) {
    buffer_text(out, "'");
    for (; *text; text++) buffer_format(out, *text == '\'' ? "''" : "%c", *text);
    buffer_text(out, "'");
}

static bool run_duckdb(struct sink *self, const char *text) {
    struct duck *d = self->state;
    duckdb_result result = {0};
    bool good = d->lib.query(d->connection, text, &result) == DUCKDB_GOOD;
    const char *said = good ? NULL : d->lib.result_error(&result);
    if (!good) (void)export_fail(self, "DuckDB: %.280s", said ? said : "it does not say why");
    d->lib.destroy_result(&result);
    return good;
}

static bool connect_to(struct sink *self, const char *path) {
    struct duck *d = self->state;
    if (d->lib.open(path, &d->database) != DUCKDB_GOOD)
        return export_fail(self, "DuckDB cannot open %.250s", path ? path : "memory");
    if (d->lib.connect(d->database, &d->connection) != DUCKDB_GOOD)
        return export_fail(self, "DuckDB does not connect");
    // It fetches nothing; and a day that does not fit into memory goes to disk.
    return run_duckdb(self,
                      "SET autoinstall_known_extensions=false; SET "
                      "autoload_known_extensions=false; SET memory_limit='512MB'; SET threads=2");
}

static void disconnect_duckdb(struct duck *d) {
    if (d->connection) d->lib.disconnect(&d->connection);
    if (d->database) d->lib.close(&d->database);
}

static bool load_duckdb(struct sink *self) {
    struct duck *d = alloc_zeroed(1, sizeof(*d));
    self->state = d;
    if (duckdb_load(&d->lib, self->why)) return true;
    free(d);
    self->state = NULL;
    return false;
}

static bool give_up_export(struct sink *self) {
    disconnect_duckdb(self->state);
    free(self->state);
    self->state = NULL;
    return false;
}

// Rows, in both.

static const char *const types[] = {
    [COLUMN_TEXT] = "VARCHAR",   [COLUMN_DECIMAL] = "DECIMAL(38, 8)", [COLUMN_TIME] = "TIMESTAMP",
    [COLUMN_INTEGER] = "BIGINT", [COLUMN_UNSIGNED] = "UBIGINT",       [COLUMN_FLAG] = "BOOLEAN",
    [COLUMN_BYTES] = "BLOB",
};

static bool create_table(struct sink *self, const struct table_form *table) {
    own(buffer) text = {0};
    buffer_format(&text, "CREATE OR REPLACE TABLE \"%s\" (", table->name);
    const struct record_columns *columns = record_columns(table->type);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        buffer_format(&text, "%s\"%s\" %s", i ? ", " : "", f->name, types[column_kind_of(f)]);
    }
    buffer_text(&text, ")");
    ((struct duck *)self->state)->table = table;
    return run_duckdb(self, buffer_string(&text));
}

static bool begin_rows(struct sink *self) {
    struct duck *d = self->state;
    if (d->lib.appender_create(d->connection, NULL, d->table->name, &d->appender) == DUCKDB_GOOD)
        return true;
    return export_fail(self, "DuckDB does not take rows of %s", d->table->name);
}

static bool end_rows(struct sink *self) {
    struct duck *d = self->state;
    if (!d->appender) return true;
    bool good = d->lib.appender_close(d->appender) == DUCKDB_GOOD;
    const char *said = good ? NULL : d->lib.appender_error(d->appender);
    if (!good)
        (void)export_fail(self, "DuckDB: %s: %.240s", d->table->name,
                          said ? said : "it does not say why");
    d->lib.appender_destroy(&d->appender);
    d->appender = NULL;
    return good;
}

static enum duckdb_state append_time(struct duck *d, const char *text) {
    uint64_t ns;
    if (time_parse(text, strlen(text), &ns)) return d->lib.append_null(d->appender);
    return d->lib.append_timestamp(d->appender, (duckdb_timestamp){(int64_t)(ns / NS_PER_US)});
}

static enum duckdb_state append_cell(struct duck *d, enum column_kind kind, sql_query_t *q, int i) {
    const char *text = sql_text(q, i);
    struct span bytes = sql_bytes(q, i);
    if (!text) return d->lib.append_null(d->appender);
    switch (kind) {
    case COLUMN_TEXT:
    case COLUMN_DECIMAL: // read by DuckDB as a decimal, exactly
        return d->lib.append_varchar_length(d->appender, bytes.data, bytes.length);
    case COLUMN_TIME:
        return append_time(d, text);
    case COLUMN_INTEGER:
        return d->lib.append_int64(d->appender, sql_integer(q, i));
    case COLUMN_UNSIGNED:
        return d->lib.append_uint64(d->appender, (uint64_t)sql_integer(q, i));
    case COLUMN_FLAG:
        return d->lib.append_bool(d->appender, sql_integer(q, i) != 0);
    case COLUMN_BYTES:
        return d->lib.append_blob(d->appender, bytes.data, bytes.length);
    }
    return DUCKDB_ERROR;
}

static bool duck_row(struct sink *self, const struct table_form *table, sql_query_t *q) {
    struct duck *d = self->state;
    bool good = true;
    const struct record_columns *columns = record_columns(table->type);
    for (unsigned i = 0; good && i < columns->n; i++)
        good = append_cell(d, column_kind_of(columns->fields[i]), q, (int)i) == DUCKDB_GOOD;
    if (good && d->lib.appender_end_row(d->appender) == DUCKDB_GOOD) return true;
    const char *said = d->lib.appender_error(d->appender);
    return export_fail(self, "DuckDB: %s: %.240s", table->name, said ? said : "a row was refused");
}

// Parquet: a day's rows in memory (or where DuckDB puts what does not fit), then a file.

static bool parquet_open(struct sink *self) {
    if (!load_duckdb(self)) return false;
    return connect_to(self, NULL) || give_up_export(self);
}

static bool write_day(struct sink *self) {
    struct duck *d = self->state;
    own(buffer) text = {0};
    if (!d->appender) return true;
    if (!end_rows(self)) return false;
    buffer_format(&text, "COPY \"%s\" TO ", d->table->name);
    add_sql_quoted(&text, d->partial);
    buffer_text(&text, " (FORMAT parquet, COMPRESSION zstd)");
    if (!run_duckdb(self, buffer_string(&text))) return false;
    if (rename(d->partial, d->path) != 0)
        return export_fail(self, "%.200s: %s", d->path, strerror(errno));
    return true;
}

static bool parquet_table(struct sink *self, const struct table_form *table) {
    bool good = write_day(self);
    ((struct duck *)self->state)->table = table;
    return good;
}

static bool parquet_day(struct sink *self, const char *day) {
    struct duck *d = self->state;
    if (!write_day(self) || !export_path(self, d->table, day, "data.parquet", d->path))
        return false;
    snprintf(d->partial, sizeof d->partial, "%s.partial", d->path);
    return create_table(self, d->table) && begin_rows(self);
}

static bool parquet_close(struct sink *self, bool good) {
    struct duck *d = self->state;
    bool whole = good && write_day(self);
    if (d->appender) d->lib.appender_destroy(&d->appender);
    if (!whole && d->partial[0]) (void)unlink(d->partial);
    (void)give_up_export(self);
    return whole;
}

const struct sink_form export_parquet = {"parquet",   parquet_open, parquet_table,
                                         parquet_day, duck_row,     parquet_close};

// DuckDB: one file, DIR/tradecast.duckdb, with all tables.

static bool duckdb_open_file(struct sink *self) {
    if (!load_duckdb(self)) return false;
    struct duck *d = self->state;
    snprintf(d->path, sizeof d->path, "%.600s/tradecast.duckdb", self->dir);
    snprintf(d->partial, sizeof d->partial, "%s.partial", d->path);
    (void)unlink(d->partial);
    return connect_to(self, d->partial) || give_up_export(self);
}

static bool duckdb_table(struct sink *self, const struct table_form *table) {
    return end_rows(self) && create_table(self, table) && begin_rows(self);
}

static bool duckdb_day(struct sink *self, const char *day) {
    (void)self, (void)day;
    return true;
}

static bool duckdb_close_file(struct sink *self, bool good) {
    struct duck *d = self->state;
    char path[sizeof d->path], partial[sizeof d->partial];
    bool whole = good && end_rows(self) && run_duckdb(self, "CHECKPOINT");
    if (d->appender) d->lib.appender_destroy(&d->appender);
    memcpy(path, d->path, sizeof path);
    memcpy(partial, d->partial, sizeof partial);
    (void)give_up_export(self);
    if (whole && rename(partial, path) != 0)
        whole = export_fail(self, "%.200s: %s", path, strerror(errno));
    if (!whole) (void)unlink(partial);
    return whole;
}

const struct sink_form export_duckdb = {"duckdb",   duckdb_open_file, duckdb_table,
                                        duckdb_day, duck_row,         duckdb_close_file};
