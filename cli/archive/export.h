// export - the archive's tables as files for analysis: where rows go, whatever the format.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/column.h"
#include "common/sql/sql.h"

// A format. Each returns false when it cannot go on, with the sentence in self->why.
struct sink {
    const struct sink_form *form;
    const char *dir; // exists
    char why[320];
    void *state;
};

struct sink_form {
    const char *name; // "csv"
    bool (*open)(struct sink *self);
    bool (*table)(struct sink *self, const struct table_form *table); // rows of it follow
    // "2025-03-22": rows of this day follow; not one day twice
    bool (*day)(struct sink *self, const char *day);
    // its columns, in the order of the fields, from 0
    bool (*row)(struct sink *self, const struct table_form *table, sql_query_t *q);
    // finishes the files, or leaves none that is half written
    bool (*close)(struct sink *self, bool good);
};
extern const struct sink_form export_csv, export_jsonl, export_parquet, export_duckdb;

#define EXPORT_PATH 700
// DIR/<table>/day=<day>/, made; and in it the file's name. False: self->why.
bool export_path(struct sink *self, const struct table_form *table, const char *day,
                 const char *file, char out[static EXPORT_PATH]);
// false
bool export_fail(struct sink *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
