// sql_copy - whole database files: a copy as it is at one moment, made while others write to it; a
// new one that can shrink.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"

// Copies in steps of `pages`, from one snapshot held throughout: in WAL mode that keeps nobody from
// writing (the WAL grows until it is done). `to` must not exist; it is on disk, and one file
// without a WAL, when this returns. ERR_DISK: *why; what is there of `to` is of no use.
struct sql_copying {
    const char *to;
    int pages;
    // after each step; NULL: nobody wants to know
    void (*step)(void *arg, int64_t left, int64_t total);
    void *arg;
};
err_t sql_copy(sql_t *from, const struct sql_copying *how, char why[static 200]);

// An empty database that can give pages back to the file system (auto_vacuum=INCREMENTAL): that is
// decided before the first table.
err_t sql_create_shrinkable(const char *path, char why[static 200]);
