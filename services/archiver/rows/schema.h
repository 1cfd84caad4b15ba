// schema - creates the archive's tables (proto/tables.h) and brings older files up to date.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "proto/tables.h"

// Of a row `t` of trades: it is not final, or its position is not closed. (What closes others is
// final when it is filled.)
#define TRADE_OPEN                                                                                 \
    "NOT (t.state IN ('rejected', 'cancelled', 'expired', 'closed') OR (t.state = 'filled' AND "   \
    "t.closes IS NOT NULL))"

// Creates what is missing and migrates what is older. ERR_CONFIG: the file is newer than this
// program.
err_t schema_prepare(sql_t *db);
// What copies the archive elsewhere asks for rows by when they changed: an index of each table that
// is copied, or none of them.
err_t schema_index_changes(sql_t *db, bool wanted);
