// sql_statement - what sql.c gives sql_rows.c: binding without copying, and a statement's columns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"

// The bytes must live until the statement has been executed.
void sql_bind_static_text(sql_query_t *q, int at, struct span text);
void sql_bind_static_bytes(sql_query_t *q, int at, struct span bytes);

// What hears of cells that cannot be read; false: nobody.
bool sql_note_cell(sql_query_t *q, const struct unreadable_cell *cell);

int sql_columns(const sql_query_t *q);
const char *sql_column(const sql_query_t *q, int column); // its name
bool sql_is_null(sql_query_t *q, int column);
struct sqlite3 *sql_handle(sql_t *self); // SQLite's own
