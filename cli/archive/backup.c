// backup - a copy of the archive while it is written, and back: an archive put in the place of the
// installation's.
// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/archive/backup.h"
#include "cli/place.h"
#include "cli/text.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/program/stop.h"
#include "common/sql/sql_copy.h"
#include "services/archiver/backup_note.h"
#include "services/archiver/chain/check.h"

#define PATH_TEXT   512
#define PAGES       256 // in one step: 1 MiB
#define PAUSE_NS    1000000L
#define KEEP_PRESET 14

static int open_dir_of(const char *path) {
    char dir[PATH_TEXT];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool sync_dir_of(const char *path) {
    int fd = open_dir_of(path);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return good;
}

// The disk is shared with who trades.
static void pause_between(void *arg, int64_t left, int64_t total) {
    (void)arg, (void)total;
    if (left) nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static void count_chain_fault(void *arg, const struct chain_fault *fault) {
    (void)fault;
    ++*(int64_t *)arg;
}

// Whether the file is an archive, whole and as it was written.
static bool is_sound(const char *path, char why[static 240]) {
    char text[200];
    int64_t faults = 0;
    struct chain_sum sum;
    if (sql_check(path, INT64_MAX, text)) {
        snprintf(why, 240, "%s is damaged: %.120s", path, text);
        return false;
    }
    own(sql) *db = sql_open(path, SQL_READ, text);
    err_t e = db ? chain_check(db, &(struct chain_look){&faults, count_chain_fault, NULL}, &sum)
                 : ERR_DISK;
    if (e)
        snprintf(why, 240, "%s is no archive of this version: %.120s", path,
                 db ? sql_trouble(db) : text);
    if (!e && faults)
        snprintf(why, 240, "%s is not as it was written; tradecast verify %s says where", path,
                 path);
    return !e && !faults;
}

static enum outcome copy_to(const char *from, const char *to, char why[static 240]) {
    char text[200];
    own(sql) *db = sql_open(from, SQL_READ, text);
    const struct sql_copying how = {to, PAGES, pause_between, NULL};
    if (db && !sql_copy(db, &how, text)) return DONE;
    snprintf(why, 240, "%s", text);
    unlink(to);
    return NO_REACH;
}

// When the last backup was made, for doctor.
static void note_backup(const struct place *place, const char *path) {
    char file[PATH_TEXT], now[TIME_TEXT];
    snprintf(file, sizeof file, "%.400s.backup", place->archive);
    FILE *f = fopen(file, "we");
    if (!f) return;
    time_print(clock_utc_ns(), now);
    fprintf(f, "%s %s\n", now, path);
    fclose(f);
}

bool backup_last(const struct place *place, uint64_t *at, char path[static 300]) {
    return backup_note_read(place->archive, at, path);
}

static enum outcome tell_backup(const struct call *call, const char *path, uint64_t ns) {
    struct stat s = {.st_size = 0};
    char size[24], took[24];
    (void)stat(path, &s);
    text_bytes((uint64_t)s.st_size, size);
    text_between(ns, took);
    if (call->json)
        printf("{\"bytes\":%lld,\"took_us\":%llu}\n", (long long)s.st_size,
               (unsigned long long)(ns / NS_PER_US));
    else
        printf("%s: %s in %s, checked.\n", path, size, took);
    return DONE;
}

static enum outcome back_up_to(struct call *call, const char *path) {
    char part[PATH_TEXT], why[240];
    uint64_t began = clock_mono_ns();
    if (access(path, F_OK) == 0)
        return complain_of_call(ANSWER_NO, "%s exists already; a backup overwrites nothing", path);
    if (access(call->place.archive, R_OK) != 0)
        return complain_of_call(NO_REACH, "%s cannot be read; is --dir right?",
                                call->place.archive);
    snprintf(part, sizeof part, "%.500s.part", path);
    unlink(part); // of one that was interrupted
    enum outcome outcome = copy_to(call->place.archive, part, why);
    if (outcome != DONE) return complain_of_call(outcome, "%s", why);
    if (!is_sound(part, why)) return complain_of_call(ANSWER_NO, "the copy %s", why);
    if (rename(part, path) != 0 || !sync_dir_of(path))
        return complain_of_call(NO_REACH, "%s: %s", path, strerror(errno));
    note_backup(&call->place, path);
    return tell_backup(call, path, clock_mono_ns() - began);
}

// Into a directory, again and again: the newest ones stay.

#define NAME_FORM  "archive-%Y%m%dT%H%M%SZ.db"
#define NAME_BEGIN "archive-"

static int is_own_backup(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return strncmp(entry->d_name, NAME_BEGIN, strlen(NAME_BEGIN)) == 0 &&
           length == strlen("archive-20250322T101530Z.db") &&
           strcmp(entry->d_name + length - 3, ".db") == 0;
}

// Names are in the order of time. What somebody else put there has another name, and stays.
static void remove_older(const char *dir, unsigned long keep) {
    struct dirent **names;
    int n = scandir(dir, &names, is_own_backup, alphasort);
    for (int i = 0; i < n; i++) {
        char path[PATH_TEXT];
        (void)snprintf(path, sizeof path, "%.400s/%.100s", dir, names[i]->d_name);
        if (i + (int)keep < n) (void)unlink(path);
        free(names[i]);
    }
    if (n >= 0) free(names);
}

// Redis writes its state beside its append-only file, in a process of its own.
static void snapshot_redis(const struct call *call) {
    own(buffer) answer = {0};
    store_t *store = place_store(&call->place, "admin");
    if (store && !REDIS(store, &answer, "BGSAVE", "SCHEDULE"))
        printf("Redis writes a snapshot (dump.rdb).\n");
    else
        fprintf(stderr, "Redis was not told to write a snapshot\n");
    store_destroy(&store);
}

static enum outcome back_up_into(struct call *call, const char *dir, unsigned long keep) {
    char name[64], path[PATH_TEXT];
    time_t now = (time_t)(clock_utc_ns() / NS_PER_S);
    struct tm utc;
    (void)strftime(name, sizeof name, NAME_FORM, gmtime_r(&now, &utc));
    (void)snprintf(path, sizeof path, "%.400s/%.64s", dir, name);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return complain_of_call(NO_REACH, "%s: %s", dir, strerror(errno));
    enum outcome outcome = back_up_to(call, path);
    if (outcome == DONE) remove_older(dir, keep);
    if (call_flag(call, "snapshot")) snapshot_redis(call);
    (void)fflush(stdout);
    return outcome;
}

enum outcome run_backup(struct call *call) {
    unsigned long keep, hours;
    const char *dir = call_flag(call, "into");
    if (!dir == !call->n_args)
        return complain_of_call(WRONG_USE, "say a file, or a directory with --into");
    if (!dir) return back_up_to(call, call->args[0]);
    if (!call_number(call, "keep", KEEP_PRESET, &keep) || !call_number(call, "every", 0, &hours))
        return WRONG_USE;
    if (!keep) return complain_of_call(WRONG_USE, "--keep 0 would keep nothing");
    if (hours) stop_on_signals(0); // between two backups: one under way is finished
    enum outcome outcome = back_up_into(call, dir, keep);
    // one that fails is tried again the next time; its age shows
    while (hours && !stop_asked) {
        if (sleep((unsigned)(hours * 3600)) == 0) outcome = back_up_into(call, dir, keep);
    }
    return outcome;
}

// Restoring.

// Root restores, the archiver's own user reads: what is made here belongs to whom its directory
// belongs to. Others cannot give files away, and need not.
static bool give_file_to_owner(const char *path) {
    struct stat s;
    if (geteuid() != 0) return true;
    int fd = open_dir_of(path);
    bool good = fd >= 0 && fstat(fd, &s) == 0 && chown(path, s.st_uid, s.st_gid) == 0;
    if (fd >= 0) close(fd);
    return good;
}

// The archiver's own lock: while we have it, none starts. -1: it runs, or *why.
static int lock_archiver(const struct place *place, char why[static 240]) {
    char path[PATH_TEXT];
    const char *given = getenv("TRADECAST_ARCHIVER_LOCK_DIR");
    if (!given || !*given) given = getenv("TRADECAST_LOCK_DIR");
    snprintf(path, sizeof path, "%.400s/archiver.lock", given && *given ? given : place->run);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) snprintf(why, 240, "%.150s: %s; is --dir right?", path, strerror(errno));
    if (fd >= 0) (void)give_file_to_owner(path);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    snprintf(
        why, 240,
        "the archiver is running (%.150s is locked): stop it first; trading goes on without it",
        path);
    close(fd);
    return -1;
}

// The archiver finds this at its next start.
static bool note_restore(const char *path, const char *source, char why[static 240]) {
    char text[200], at[TIME_TEXT];
    own(sql) *db = sql_open(path, SQL_WRITE, text);
    err_t e = db ? sql_run(db, "CREATE TABLE IF NOT EXISTS restored (at TEXT NOT NULL, source TEXT "
                               "NOT NULL, noticed INTEGER NOT NULL)")
                 : ERR_DISK;
    own(sql_query) *q =
        e ? NULL : sql_prepare(db, "INSERT INTO restored (at, source, noticed) VALUES (?1, ?2, 0)");
    if (!q) {
        snprintf(why, 240, "%s", db ? sql_trouble(db) : text);
        return false;
    }
    time_print(clock_utc_ns(), at);
    sql_bind_text(q, 1, at);
    sql_bind_text(q, 2, source);
    e = sql_execute(q);
    if (e) snprintf(why, 240, "%s", sql_trouble(db));
    return !e;
}

// What is there now is kept beside it: with its WAL in it if it can be opened, else with the WAL
// beside it. A WAL left would be read into the new file.
static bool set_aside(const char *path, char aside[static PATH_TEXT]) {
    static const char *const parts[] = {"-wal", "-shm"};
    char why[200], from[PATH_TEXT], to[PATH_TEXT];
    if (access(path, F_OK) != 0) return true;
    sql_t *db = sql_open(path, SQL_WRITE, why);
    // damaged: the WAL is kept as it is
    if (db && sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)")) (void)0;
    sql_destroy(&db);
    snprintf(aside, PATH_TEXT, "%.400s.replaced-%llu", path,
             (unsigned long long)(clock_utc_ns() / NS_PER_S));
    for (size_t i = 0; i < 2; i++) {
        snprintf(from, sizeof from, "%.500s%s", path, parts[i]);
        snprintf(to, sizeof to, "%.500s%s", aside, parts[i]);
        if (rename(from, to) != 0 && errno != ENOENT) return false;
    }
    return link(path, aside) == 0;
}

static enum outcome put_in_place(const struct call *call, const char *source,
                                 char why[static 240]) {
    char part[PATH_TEXT], aside[PATH_TEXT] = "";
    const char *path = call->place.archive;
    snprintf(part, sizeof part, "%.500s.part", path);
    unlink(part);
    if (copy_to(source, part, why) != DONE) return NO_REACH;
    if (!note_restore(part, source, why)) return NO_REACH;
    if (!give_file_to_owner(part) || !set_aside(path, aside) || rename(part, path) != 0 ||
        !sync_dir_of(path)) {
        snprintf(why, 240, "%.150s: %s", path, strerror(errno));
        return NO_REACH;
    }
    if (call->json)
        printf("{\"restored\":true}\n");
    else
        printf("%s is now %s. %s%s%s\nStart the archiver: it goes on from there, and says what the "
               "journals no longer have.\n",
               path, source, aside[0] ? "What was there is kept as " : "", aside,
               aside[0] ? "." : "");
    return DONE;
}

enum outcome run_restore(struct call *call) {
    char why[240] = "";
    const char *source = call->args[0];
    if (access(source, R_OK) != 0)
        return complain_of_call(NO_REACH, "%s: %s", source, strerror(errno));
    if (!is_sound(source, why) && !call_flag(call, "anyway"))
        return complain_of_call(ANSWER_NO, "%s (--anyway restores it all the same)", why);
    int lock = lock_archiver(&call->place, why);
    if (lock < 0) return complain_of_call(ANSWER_NO, "%s", why);
    enum outcome outcome = put_in_place(call, source, why);
    close(lock);
    return outcome == DONE ? DONE : complain_of_call(outcome, "%s", why);
}
