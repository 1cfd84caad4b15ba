// audit_files - the files of the audit log: the one that is written and those that are closed, one
// after the other without a gap.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

// signals.log is written; a file that is closed is signals-<day>-<from>-<to>.log, then the same
// with .gz. from and to are `id`s of the table signals: the lines of one file, and the files one
// after the other, have every row once. What a lost or replaced archive wrote is kept under
// signals-orphan-<time>….
#define AUDIT_PATH 512

struct audit_files {
    char dir[AUDIT_PATH - 128], active[AUDIT_PATH - 100];
};

// path: of signals.log. False: too long.
bool audit_files_set(struct audit_files *self, const char *path);
// The file that is written becomes one that is closed. On disk when it returns.
err_t audit_files_close(const struct audit_files *self, const char *day, int64_t from, int64_t to);
// Compresses every closed file that is not; what a crash left of that goes first. ERR_DISK: errno.
err_t audit_files_compress(const struct audit_files *self);
// Whether a closed file begins with the row after `after`; *to is its last.
bool audit_files_next(const struct audit_files *self, int64_t after, int64_t *to);
// The active file, and each closed one that begins after `after`, is put aside: it is of another
// archive, or of a later state of this one.
err_t audit_files_orphan(const struct audit_files *self, int64_t after, uint64_t utc_s);
