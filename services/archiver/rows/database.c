// database - opens the archive's file; one that is damaged is put aside, whole, and a new one
// begun.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/sql/sql_copy.h"
#include "services/archiver/rows/schema.h"

#define PATH_TEXT 512

// The file and what SQLite keeps beside it.
static bool rename_damaged_files(const char *path, char aside[static PATH_TEXT]) {
    static const char *const parts[] = {"", "-wal", "-shm"};
    uint64_t now_s = clock_utc_ns() / NS_PER_S;
    snprintf(aside, PATH_TEXT, "%s.damaged-%llu", path, (unsigned long long)now_s);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char from[PATH_TEXT + 8], to[PATH_TEXT + 8];
        snprintf(from, sizeof(from), "%.500s%s", path, parts[i]);
        snprintf(to, sizeof(to), "%s%s", aside, parts[i]);
        if (rename(from, to) != 0 && (errno != ENOENT || i == 0)) {
            log_event(LOG_LEVEL_ERROR, "database_stays", "path=%s why=%s", path,
                      log_quote(strerror(errno)));
            return false;
        }
    }
    return true;
}

static bool is_usable(const char *path, int64_t check_below, char *notice, size_t size) {
    char why[200] = "", aside[PATH_TEXT];
    err_t e = sql_check(path, check_below, why);
    if (!e) return true;
    log_event(LOG_LEVEL_ERROR, e == ERR_INPUT ? "database_damaged" : "database_unusable",
              "path=%s why=%s", path, log_quote(why));
    if (e != ERR_INPUT || !rename_damaged_files(path, aside)) return false;
    snprintf(notice, size,
             "the archive was damaged (%.100s) and is now %.200s; a new one begins with what the "
             "journals still hold",
             why, aside);
    return true;
}

sql_t *database_open(const char *path, int64_t check_below, char *notice, size_t size) {
    char why[200] = "";
    if (!is_usable(path, check_below, notice, size)) return NULL;
    sql_t *db = sql_open(path, SQL_WRITE, why);
    if (!db) {
        log_event(LOG_LEVEL_ERROR, "database_unusable", "why=%s", log_quote(why));
        return NULL;
    }
    err_t e = schema_prepare(db);
    if (!e) return db;
    log_event(LOG_LEVEL_ERROR, "schema_unusable", "path=%s error=%s why=%s", path, error_name(e),
              log_quote(sql_trouble(db)));
    sql_destroy(&db);
    return NULL;
}

void database_shrinkable(const char *path) {
    char why[200];
    if (access(path, F_OK) != 0 && sql_create_shrinkable(path, why))
        log_event(LOG_LEVEL_WARNING, "not_shrinkable", "why=%s", log_quote(why));
}
