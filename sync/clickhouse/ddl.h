// ddl - the archive's tables as ClickHouse has them, from the messages' descriptors. Pure.
// SPDX-License-Identifier: MIT
//
// Each table is two: <name>_rows takes what is sent, every version of a row with its number
// (changed), and <name> is what to read: a view of the latest version of each row, without those
// that were taken back (removed). So a block that is sent again changes nothing in what is read.
#pragma once

#include "common/sql/column.h"

enum dialect {
    DDL_SINGLE,  // one server, 20.1 or later
    DDL_OLD,     // one server before 20.1: times are microseconds since 1970 in an Int64
    DDL_CLUSTER, // replicated on every shard, read and written through a Distributed table
};

struct ddl {
    enum dialect dialect;
    const char *database;
    const char *cluster; // DDL_CLUSTER: its name; "{cluster}": the servers' own macro
};

#define DDL_ROWS "_rows" // behind a table's name
#define DDL_PART "_part" // likewise, in a cluster: what a shard has

void ddl_database(const struct ddl *ddl, buffer_t *out);
// What takes the rows: one statement, or in a cluster two.
#define DDL_STATEMENTS_MAX 2
size_t ddl_rows(const struct ddl *ddl, const struct table_form *form,
                buffer_t out[static DDL_STATEMENTS_MAX]);
void ddl_view(const struct ddl *ddl, const struct table_form *form, buffer_t *out);
// Takes away what ddl_rows makes. `table` 0 … as it counts. False: there is no such table.
bool ddl_drop_rows(const struct ddl *ddl, const struct table_form *form, size_t table,
                   buffer_t *out);
void ddl_drop_view(const struct ddl *ddl, const struct table_form *form, buffer_t *out);
// Adds a column that a newer program knows. `table` 0 … as ddl_rows counts. False: there is no such
// table.
bool ddl_add_column(const struct ddl *ddl, const struct table_form *form, size_t table,
                    const ProtobufCFieldDescriptor *f, buffer_t *out);
void ddl_type(const struct ddl *ddl, const struct table_form *form,
              const ProtobufCFieldDescriptor *f, buffer_t *out);

void ddl_file(const struct ddl *ddl, buffer_t *out); // everything, for --ddl
