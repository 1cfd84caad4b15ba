// canon - a row as the bytes that are hashed: its columns as they stand in the table.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "services/archiver/rows/schema.h"

// The canonical form of a row: its table's name and a line feed; then, for each covered column that
// is not NULL, in the order of the message's fields, "<column>=<bytes>:<text>" and a line feed. The
// text is the column's: what SQLite gives for CAST(column AS TEXT), a BLOB's bytes as they are. A
// column that comes later is NULL in older rows, so that what was hashed before stays right.
#define CANON_DIGEST 16

struct cover {
    // what stands for the table in the chain: never given to another. 0: the table is not covered
    unsigned char code;
    const char *left_out; // "|status|order_id|": columns that other messages fill in later
};
extern const struct cover canon_cover[TABLE_COUNT];

// False: no table of this program has that code (a newer one wrote it).
bool canon_table(unsigned char code, enum table_name *out);

// Appends the canonical form: of a row about to be written (`scratch` is overwritten), and of one
// read by canon_select's statement.
void canon_of_message(enum table_name table, const ProtobufCMessage *m, buffer_t *scratch,
                      buffer_t *out);
void canon_of_columns(enum table_name table, sql_query_t *q, buffer_t *out);
// Appends the row's key: its columns' texts, '|' between them.
void canon_key_of_message(enum table_name table, const ProtobufCMessage *m, buffer_t *scratch,
                          buffer_t *out);
void canon_key_of_columns(enum table_name table, sql_query_t *q, buffer_t *out);
// "SELECT <covered columns>, <key> FROM <table>"; a WHERE may follow. A column that `db` does not
// have (an older program wrote it) reads as NULL.
void canon_select(sql_t *db, enum table_name table, buffer_t *out);

// BLAKE2b-128.
void canon_digest(const buffer_t *canon, unsigned char out[static CANON_DIGEST]);
