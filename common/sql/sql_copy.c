// sql_copy - whole database files: a copy as it is at one moment, made while others write to it; a
// new one that can shrink.
// SPDX-License-Identifier: MIT
#include "common/sql/sql_copy.h"

#include <sqlite3.h>
#include <stdio.h>

#include "common/sql/sql_statement.h"

static int copy_pages(sqlite3 *from, sqlite3 *to, const struct sql_copying *how) {
    sqlite3_backup *copying = sqlite3_backup_init(to, "main", from, "main");
    if (!copying) return sqlite3_errcode(to);
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK) {
        rc = sqlite3_backup_step(copying, how->pages);
        if (how->step)
            how->step(how->arg, sqlite3_backup_remaining(copying),
                      sqlite3_backup_pagecount(copying));
    }
    int end = sqlite3_backup_finish(copying);
    return rc == SQLITE_DONE ? end : rc;
}

// The snapshot is held by a read of the source's own connection: without it each step would see the
// writer's last commit, and begin again.
static int copy_snapshot(sqlite3 *from, sqlite3 *to, const struct sql_copying *how) {
    int rc = sqlite3_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = copy_pages(from, to, how);
    sqlite3_exec(from, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

err_t sql_copy(sql_t *from, const struct sql_copying *how, char why[static 200]) {
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(
        how->to, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(to, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = copy_snapshot(sql_handle(from), to, how);
    if (rc == SQLITE_OK) rc = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        snprintf(why, 200, "%.120s: %.70s", how->to, to ? sqlite3_errmsg(to) : sqlite3_errstr(rc));
    sqlite3_close_v2(to);
    return rc == SQLITE_OK ? ERR_OK : ERR_DISK;
}

err_t sql_create_shrinkable(const char *path, char why[static 200]) {
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; VACUUM", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        snprintf(why, 200, "%.120s: %.70s", path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    sqlite3_close_v2(db);
    return rc == SQLITE_OK ? ERR_OK : ERR_DISK;
}
