// query - a question to the archive becomes a page of JSON. Reads only; the connection is the
// asker's.
// SPDX-License-Identifier: MIT
#pragma once

#include "archive.pb-c.h"
#include "common/base/buffer.h"
#include "common/sql/sql.h"

#define QUERY_ROWS_MAX 1000   // in a page; fewer when they would not fit into a message
#define QUERY_BYTES    900000 // of a page
#define NOTES_BYTES    2000   // of what could not be read

// Appends {"rows":[…],"next":"…"}: the latest first, each row as its message with what belongs to
// it; "next" only when there is more. False: `out` has a sentence instead.
//
// Pages follow each other by time and key of the last row, so that rows which come in between shift
// nothing: what was there when the first page was asked for is in exactly one page.
bool query_answer(sql_t *db, const ArchiveQuery *query, buffer_t *out);

// The fields of a row of such an answer, in order; the first `*extras` of `names` come after the
// message's own. NULL: no such kind.
const ProtobufCMessageDescriptor *query_form(const char *what, const char *const **extras);
