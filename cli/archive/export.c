// export - the archive's tables as files for analysis, a folder for each table and day.
// SPDX-License-Identifier: MIT
#include "cli/archive/export.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/period.h"
#include "cli/place.h"
#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/record.h"

#define DAY_TEXT 24

static const struct sink_form *const forms[] = {&export_csv, &export_jsonl, &export_parquet,
                                                &export_duckdb};
#define FORMS (sizeof forms / sizeof *forms)

struct export {
    struct sink sink;
    sql_t *archive;
    uint64_t since, until; // UTC ns; 0: no bound
    struct sheet said;
    unsigned long long rows;
    unsigned days;
};

bool export_fail(struct sink *self, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(self->why, sizeof self->why, format, args);
    va_end(args);
    return false;
}

static bool make_dir(struct sink *self, const char *path) {
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return true;
    return export_fail(self, "%.200s: %s", path, strerror(errno));
}

bool export_path(struct sink *self, const struct table_form *table, const char *day,
                 const char *file, char out[static EXPORT_PATH]) {
    int n = snprintf(out, EXPORT_PATH, "%s/%s", self->dir, table->name);
    if (n < 0 || n > EXPORT_PATH - 64) return export_fail(self, "the directory's name is too long");
    if (!make_dir(self, out)) return false;
    n += snprintf(out + n, (size_t)(EXPORT_PATH - n), "/day=%.20s", day);
    if (!make_dir(self, out)) return false;
    snprintf(out + n, (size_t)(EXPORT_PATH - n), "/%.30s", file);
    return true;
}

// The day that a row belongs to: by when it came to be, which does not change later.
static const char *day_column(const struct table_form *table) {
    static const char *const names[] = {"day",        "created_at",  "ordered_at",
                                        "routed_at",  "executed_at", "reconciled_at",
                                        "charged_at", "failed_at",   NULL};
    for (const char *const *name = names; *name; name++) {
        if (record_field(table->type, span_of(*name))) return *name;
    }
    return NULL;
}

static sql_query_t *select_rows(const struct export *self, const struct table_form *table) {
    own(buffer) text = {0};
    const char *by = day_column(table);
    buffer_text(&text, "SELECT ");
    column_list(table, '"', &text);
    if (!by) {
        buffer_format(&text, ", 'none' FROM \"%s\"", table->name);
        return sql_prepare(self->archive, buffer_string(&text));
    }
    // A day without a time ("2025-03-22", "total") against a time: the day's first moment is after
    // the day itself.
    buffer_format(&text,
                  ", coalesce(substr(\"%s\", 1, 10), 'none') FROM \"%s\" WHERE (?1 IS NULL OR "
                  "\"%s\" >= ?1) AND (?2 IS NULL OR \"%s\" < ?2)"
                  " ORDER BY \"%s\"",
                  by, table->name, by, by, by);
    return sql_prepare(self->archive, buffer_string(&text));
}

static void bind_bound(sql_query_t *q, int at, uint64_t ns, bool is_day) {
    char text[SQL_TIME_TEXT];
    if (!ns) {
        sql_bind_text(q, at, NULL);
        return;
    }
    sql_time_print(ns, text);
    if (is_day) text[10] = 0;
    sql_bind_text(q, at, text);
}

static bool export_each_row(struct export *self, const struct table_form *table, sql_query_t *q) {
    struct sink *sink = &self->sink;
    char day[DAY_TEXT] = "";
    bool row = true;
    int last = (int)record_columns(table->type)->n;
    while (true) {
        if (sql_step(q, &row))
            return export_fail(sink, "%s: %.200s", table->name, sql_trouble(self->archive));
        if (!row) return true;
        const char *of = sql_text(q, last);
        if (strcmp(of, day) != 0) {
            snprintf(day, sizeof day, "%.*s",
                     (int)strspn(of, "0123456789-abcdefghijklmnopqrstuvwxyz"), of);
            self->days++;
            if (!sink->form->day(sink, day)) return false;
        }
        self->rows++;
        if (!sink->form->row(sink, table, q)) return false;
    }
}

static bool export_table(struct export *self, const struct table_form *table) {
    const char *by = day_column(table);
    bool is_day = by && strcmp(by, "day") == 0;
    own(sql_query) *q = select_rows(self, table);
    self->rows = self->days = 0;
    if (!q)
        return export_fail(&self->sink, "%s: the archive is of another version: %.120s",
                           table->name, sql_trouble(self->archive));
    if (by) {
        bind_bound(q, 1, self->since, is_day);
        bind_bound(q, 2, self->until, is_day);
    }
    if (!self->sink.form->table(&self->sink, table) || !export_each_row(self, table, q))
        return false;
    sheet_add(&self->said, table->name);
    sheet_format(&self->said, "%llu", self->rows);
    sheet_format(&self->said, "%u", self->days);
    return true;
}

static enum outcome export_all(struct export *self, const char *only) {
    struct sink *sink = &self->sink;
    bool good = make_dir(sink, sink->dir) && sink->form->open(sink);
    bool opened = good;
    for (size_t i = 0; good && i < TABLE_COUNT; i++) {
        const struct table_form *table = &table_forms[i];
        if (table->copying == COPIED && (!only || strcmp(only, table->name) == 0))
            good = export_table(self, table);
    }
    if (opened) good = sink->form->close(sink, good) && good;
    return good ? DONE : complain_of_call(NO_REACH, "%s", sink->why);
}

static bool is_table(const char *name) {
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (table_forms[i].copying == COPIED && strcmp(table_forms[i].name, name) == 0) return true;
    return false;
}

static bool read_export_time(const struct call *call, const char *flag, uint64_t *out) {
    const char *text = call_flag(call, flag);
    *out = 0;
    if (!text || period_read(text, clock_utc_ns(), out)) return true;
    (void)complain_of_call(
        WRONG_USE, "--%s is \"%.60s\"; it must be a day, a time, or how long ago (7d)", flag, text);
    return false;
}

static const struct sink_form *find_form(const char *name) {
    for (size_t i = 0; i < FORMS; i++)
        if (strcmp(forms[i]->name, name) == 0) return forms[i];
    return NULL;
}

static void print_exported(const struct call *call, const struct sheet *said) {
    own(buffer) out = {0};
    if (call->json)
        sheet_json(said, &out);
    else
        sheet_print(said, &out);
    if (call->json) buffer_text(&out, "\n");
    print_out(&out);
}

enum outcome run_export(struct call *call) {
    const char *only = call_flag(call, "table"), *format = call_flag(call, "format");
    char why[200];
    struct export self = {
        .sink = {.form = find_form(format ? format : "csv"), .dir = call->args[0]}};
    if (!self.sink.form)
        return complain_of_call(
            WRONG_USE, "--format is \"%.40s\"; it must be csv, jsonl, parquet or duckdb", format);
    if (only && !is_table(only))
        return complain_of_call(WRONG_USE, "there is no table %.60s to export", only);
    if (!read_export_time(call, "since", &self.since) ||
        !read_export_time(call, "until", &self.until))
        return WRONG_USE;
    own(sql) *archive = place_archive(&call->place, why);
    if (!archive) return complain_of_call(NO_REACH, "%s", why);
    // What must be sorted is sorted on disk, however much it is.
    if (sql_run(archive, "PRAGMA temp_store=FILE"))
        return complain_of_call(NO_REACH, "%s", sql_trouble(archive));
    self.archive = archive;
    sheet_start(&self.said, "TABLE|>ROWS|>DAYS");
    enum outcome outcome = export_all(&self, only);
    if (outcome == DONE) print_exported(call, &self.said);
    sheet_destroy(&self.said);
    return outcome;
}
