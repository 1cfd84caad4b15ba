// block - rows of one table as a block to send: TabSeparated, which servers of every age read
// exactly. Pure but for reading SQLite.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/column.h"
#include "common/sql/sql.h"

#define BLOCK_COLUMNS_MAX 96

// What the server has of a table.
struct block_form {
    const struct table_form *form;
    bool micros[BLOCK_COLUMNS_MAX]; // by field: a time is an integer of microseconds there
};

struct block_limits {
    int64_t rows, bytes;
};

struct block {
    buffer_t text;
    int64_t rows;
    uint64_t first, last; // `changed` of its rows; 0: it is empty
    bool more;            // the limits were reached: there may be more
};

// The columns in the order in which a block has them: the fields, changed, removed.
void block_columns(const struct table_form *form, buffer_t *out);
// Fills the block with what changed after `after`, in order, what was taken back included, as it
// was at one moment. ERR_CONFIG: the archive is not one that can be copied (schema); ERR_DISK: it
// cannot be read now.
err_t block_fill(struct block *self, sql_t *archive, const struct block_form *form, uint64_t after,
                 const struct block_limits *limits);
