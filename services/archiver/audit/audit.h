// audit - the audit log: every archived signal is one JSON line of signals.log, once, whatever
// crashes.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"

// It follows the table signals with a connection and a thread of its own, so that it holds nothing
// up: a line is written after its row is committed. Once a second the file is on disk and its
// length goes, with the ids it holds, into the archive's next transaction (table audit_mark). At
// start the file is cut back to that length and what is missing written again from the rows.
typedef struct audit audit_t;

// what is certain: the file written now begins after row `first`, and with `length` bytes holds
// every row up to `last`
struct audit_mark {
    int64_t first, last, length;
};

err_t audit_prepare(sql_t *db); // the table

struct audit_options {
    const char *database, *path; // of signals.log
    // a file is closed when it is larger, and when the day (UTC) is over
    int64_t rotate_bytes;
};
// `foreign`: the archive is not the one that wrote the log that is there (a new file, or one
// restored from a backup): that is put aside. NULL: *why.
audit_t *audit_new(const struct audit_options *options, sql_t *db, bool foreign,
                   char why[static 200]);
// stops the thread, if there is one, after the rows that are there
void audit_destroy(audit_t **self);

// Writes what is there, at most `most` rows; closes and compresses files. *more: there is more.
// ERR_DISK: audit_trouble.
err_t audit_step(audit_t *self, int64_t most, bool *more);
void audit_start(audit_t *self); // a thread that does so

// For the thread that writes the archive: whether the mark moved since it was last written; into an
// open transaction; that it is committed.
err_t audit_write_mark(audit_t *self);
void audit_committed(audit_t *self);
int64_t audit_first(const audit_t *self); // rows up to here are in closed files
// What could not be read of a row since it was last asked; false: nothing. The log has the row
// without it.
bool audit_unreadable(audit_t *self, char words[static 300]);
bool audit_trouble(audit_t *self, char why[static 200]); // whether it cannot be written, and why
