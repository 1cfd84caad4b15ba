// database - opens the archive's file; one that is damaged is put aside, whole, and a new one
// begun.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"

// NULL: it has been logged. `notice` says, when it is not empty, what somebody must know.
sql_t *database_open(const char *path, int64_t check_below, char *notice, size_t size);
// A file that is begun now will give pages back when rows are removed; one that is there stays as
// it is.
void database_shrinkable(const char *path);
