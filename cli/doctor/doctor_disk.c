// doctor_disk - the disk: its room, how long an fdatasync takes and which profile that recommends,
// and whether SQLite's file is whole.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/sql/sql.h"

#define SYNCS 50
// beside a memory of 2 GiB whose file is rewritten at times
#define FEW_BYTES     (UINT64_C(2) << 30)
#define TOO_FEW_BYTES (UINT64_C(256) << 20)
#define FULL_BELOW    (INT64_C(1) << 30) // a larger archive is checked whole only when asked
#define QUICK_NS      (2 * NS_PER_MS)

const char *profile_for(uint64_t fdatasync_ns, const char **why) {
    bool quick = fdatasync_ns <= QUICK_NS;
    *why = quick ? "a commit that waits for this disk is still quick, and nothing accepted is lost "
                   "even when everything dies at once"
                 : "waiting for this disk at every commit would hold signals up; memory gives back "
                   "what Redis alone forgets";
    return quick ? "strict" : "standard";
}

static int compare_delays(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// Appends and syncs as Redis does with its append-only file; the median in ns, 0 with errno when it
// cannot.
static uint64_t time_of_sync(const char *dir) {
    char path[320];
    static const char block[4096] = {0};
    uint64_t times[SYNCS];
    snprintf(path, sizeof path, "%s/.doctor-XXXXXX", dir);
    int fd = mkstemp(path);
    if (fd < 0) return 0;
    unlink(path);
    bool fine = true;
    for (size_t i = 0; i < SYNCS && fine; i++) {
        fine = write(fd, block, sizeof block) == (ssize_t)sizeof block;
        uint64_t before = clock_mono_ns();
        fine = fine && fdatasync(fd) == 0;
        times[i] = clock_mono_ns() - before;
    }
    int why = errno;
    close(fd);
    errno = why;
    if (!fine) return 0;
    qsort(times, SYNCS, sizeof *times, compare_delays);
    return times[SYNCS / 2] + 1;
}

static void check_sync(struct report_finding *self) {
    char dir[260], median[24];
    const char *why;
    snprintf(dir, sizeof dir, "%s/redis", self->call->place.dir);
    uint64_t ns = time_of_sync(dir);
    if (!ns) {
        report_finding(self, WRONG, "disk", "%s: cannot write and sync: %s", dir, strerror(errno));
        return;
    }
    text_between(ns, median);
    const char *profile = profile_for(ns, &why);
    report_finding(self, FINE, "disk",
                   "an fdatasync takes %s (median of %d): PROFILE=%s is recommended, %s", median,
                   SYNCS, profile, why);
}

static void check_room(struct report_finding *self) {
    struct statvfs s;
    const char *dir = self->call->place.dir;
    if (statvfs(dir, &s) != 0) {
        report_finding(self, WRONG, "disk", "%s: %s", dir, strerror(errno));
        return;
    }
    char text[24];
    uint64_t bytes = (uint64_t)s.f_bavail * s.f_frsize;
    text_bytes(bytes, text);
    if (bytes < TOO_FEW_BYTES)
        report_finding(self, WRONG, "disk", "%s free: make room, or nothing will be accepted soon",
                       text);
    else if (bytes < FEW_BYTES)
        report_finding(self, DOUBTFUL, "disk", "%s free is little beside a Redis of 2 GiB", text);
    else
        report_finding(self, FINE, "disk", "%s free", text);
}

static void check_archive(struct report_finding *self) {
    char why[200];
    const char *path = self->call->place.archive;
    struct stat s;
    bool whole = call_flag(self->call, "full") || (stat(path, &s) == 0 && s.st_size < FULL_BELOW);
    if (access(path, F_OK) != 0) {
        report_finding(self, DOUBTFUL, "sqlite", "%s is not there: has the archiver ever run?",
                       path);
    } else if (sql_check(path, whole ? INT64_MAX : 0, why)) {
        report_finding(self, WRONG, "sqlite", "%s: %s", path, why);
    } else {
        report_finding(self, FINE, "sqlite", "%s is sound%s", path,
                       whole ? " (every page)" : " (opened only; --full looks at every page)");
    }
}

void check_disk(struct report_finding *self) {
    check_room(self);
    check_sync(self);
    check_archive(self);
}
