// doctor_record - the record: whether it is as it was written, its audit log complete, its last
// backup young, nothing refused.
// SPDX-License-Identifier: MIT
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/archive/backup.h"
#include "cli/doctor/doctor.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/archiver/chain/check.h"

#define CHAIN_BELOW   (INT64_C(256) << 20) // a larger archive's chain is checked only when asked
#define BACKUP_OLD_NS (7 * 86400 * NS_PER_S)

static void count_recorded_fault(void *arg, const struct chain_fault *fault) {
    (void)fault;
    ++*(int64_t *)arg;
}

static void check_chain_marks(struct report_finding *self, sql_t *db) {
    struct stat s;
    int64_t faults = 0;
    struct chain_sum sum;
    const char *path = self->call->place.archive;
    if (!call_flag(self->call, "full") && stat(path, &s) == 0 && s.st_size >= CHAIN_BELOW) {
        report_finding(self, FINE, "chain",
                       "not looked at: the archive is large; --full does, or tradecast verify");
    } else if (chain_check(db, &(struct chain_look){&faults, count_recorded_fault, NULL}, &sum)) {
        report_finding(self, DOUBTFUL, "chain", "cannot be checked: %s", sql_trouble(db));
    } else if (faults) {
        report_finding(
            self, WRONG, "chain",
            "%lld rows or batches are not as they were written: tradecast verify says which",
            (long long)faults);
    } else {
        report_finding(self, FINE, "chain", "%lld entries in %lld batches, as they were written",
                       (long long)sum.rows, (long long)sum.batches);
    }
}

// The first column of the first row; -1: it cannot be read, or there is none.
static int64_t read_count(sql_t *db, const char *query) {
    own(sql_query) *q = sql_prepare(db, query);
    bool row = false;
    return q && !sql_step(q, &row) && row ? sql_integer(q, 0) : -1;
}

static void log_path(const struct report_finding *self, char out[static 320]) {
    const char *given = getenv("TRADECAST_ARCHIVER_AUDIT_LOG"), *path = self->call->place.archive,
               *slash = strrchr(path, '/');
    if (given && *given)
        snprintf(out, 320, "%s", given);
    else
        snprintf(out, 320, "%.*ssignals.log", slash ? (int)(slash - path) + 1 : 0, path);
}

static void check_orphans(struct report_finding *self, const char *log) {
    char pattern[340];
    glob_t found = {.gl_pathc = 0};
    snprintf(pattern, sizeof pattern, "%.*ssignals-orphan-*",
             (int)(strrchr(log, '/') ? strrchr(log, '/') - log + 1 : 0), log);
    if (glob(pattern, 0, NULL, &found) == 0)
        report_finding(self, DOUBTFUL, "audit log",
                       "%zu files hold what an archive that was lost or replaced had: %s and so on",
                       found.gl_pathc, found.gl_pathv[0]);
    globfree(&found);
}

static void check_audit(struct report_finding *self, sql_t *db) {
    char path[320];
    struct stat s = {.st_size = 0};
    log_path(self, path);
    if (strcmp(path, "off") == 0) {
        report_finding(self, DOUBTFUL, "audit log", "it is off");
        return;
    }
    int64_t length = read_count(db, "SELECT length FROM audit_mark"),
            last = read_count(db, "SELECT last FROM audit_mark");
    int64_t rows =
        read_count(db, "SELECT count(*) FROM signals WHERE id > (SELECT last FROM audit_mark)");
    if (last < 0)
        report_finding(self, DOUBTFUL, "audit log", "the archive knows of none yet");
    else if (length && (stat(path, &s) != 0 || s.st_size < length))
        report_finding(
            self, WRONG, "audit log",
            "%s is shorter than it was: it is written again from the rows when the archiver starts",
            path);
    else
        report_finding(self, FINE, "audit log",
                       "%s has every signal but the last %lld, which are on their way", path,
                       (long long)(rows < 0 ? 0 : rows));
    check_orphans(self, path);
}

static void check_backup(struct report_finding *self) {
    uint64_t at = 0, now = clock_utc_ns();
    char path[300], age[24];
    if (!backup_last(&self->call->place, &at, path)) {
        report_finding(self, DOUBTFUL, "backup",
                       "none is known of: tradecast backup FILE, every day, to another disk");
        return;
    }
    text_between(now > at ? now - at : 0, age);
    bool old = now > at && now - at > BACKUP_OLD_NS;
    report_finding(self, old ? DOUBTFUL : FINE, "backup", "the last is %s old: %.200s%s", age, path,
                   access(path, R_OK) == 0 ? "" : " (not there any more)");
}

static void check_refused(struct report_finding *self, sql_t *db) {
    int64_t refused = read_count(db, "SELECT count(*) FROM refused_rows");
    if (refused > 0)
        report_finding(self, DOUBTFUL, "refused rows",
                       "%lld rows were refused by their tables and put aside in refused_rows",
                       (long long)refused);
    int64_t days = read_count(db, "SELECT count(*) FROM chain_day WHERE removed_at IS NOT NULL");
    int64_t freed = read_count(db, "PRAGMA freelist_count"),
            vacuum = read_count(db, "PRAGMA auto_vacuum");
    if (days <= 0) return;
    report_finding(self, FINE, "retention", "%lld days have been removed; %lld pages are free%s",
                   (long long)days, (long long)(freed < 0 ? 0 : freed),
                   vacuum == 2 ? "" : " and used again: this file does not shrink");
}

void check_record(struct report_finding *self) {
    char why[200];
    if (access(self->call->place.archive, R_OK) != 0) return; // check_disk has said so
    own(sql) *db = place_archive(&self->call->place, why);
    if (!db) return;
    check_chain_marks(self, db);
    check_audit(self, db);
    check_refused(self, db);
    check_backup(self);
}
