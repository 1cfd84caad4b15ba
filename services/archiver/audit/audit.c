// audit - the audit log: every archived signal is one JSON line of signals.log, once, whatever
// crashes.
// SPDX-License-Identifier: MIT
#include "services/archiver/audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.pb-c.h"
#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/base/testing.h"
#include "common/sql/column.h"
#include "services/archiver/audit/files.h"

#define DAY_TEXT   11
#define LOOK_MS    200
#define SYNC_NS    NS_PER_S
#define STEP_ROWS  1000
#define LINES_FULL 262144 // bytes gathered before a write

struct audit {
    struct audit_files files;
    int64_t rotate_bytes;
    sql_t *db; // the thread's own, read only
    sql_query_t *rows;
    int fd;
    struct audit_mark at; // what is written
    char day[DAY_TEXT];   // of the rows in the file
    uint64_t synced_at;   // monotonic ns
    bool unsynced, uncompressed;
    buffer_t lines;
    arena_t *arena;

    sql_query_t *write; // the writer's connection

    pthread_t thread;
    pthread_mutex_t lock; // of what follows
    pthread_cond_t wake;
    bool running, stopping;
    struct audit_mark certain;       // on disk
    struct audit_mark told, telling; // in the archive; in its open transaction
    char trouble[200];
    char cell[300]; // likewise: what could not be read of a row, until it was alerted
};

static const char table[] = "CREATE TABLE IF NOT EXISTS audit_mark (one INTEGER PRIMARY KEY CHECK "
                            "(one = 1), first INTEGER NOT NULL,"
                            " last INTEGER NOT NULL, length INTEGER NOT NULL);";

err_t audit_prepare(sql_t *db) { return sql_run(db, table); }

// Lines.

// A signal as it came in: what is known of it later is not in the line, so that writing it again
// gives the same.
static void add_line(audit_t *self, SignalRow *row) {
    row->status = SIGNAL__STATUS__pending;
    row->outcome = row->order_id = NULL;
    row->has_exit_price = row->has_profit_loss_pct = false;
    column_row_json(&row->base, &self->lines);
    buffer_add(&self->lines, "\n", 1);
}

static err_t fail_audit_step(audit_t *self, const char *what) {
    pthread_mutex_lock(&self->lock);
    snprintf(self->trouble, sizeof(self->trouble), "%.80s: %.100s", what,
             errno ? strerror(errno) : sql_trouble(self->db));
    pthread_mutex_unlock(&self->lock);
    return ERR_DISK;
}

// What was not written whole is cut off again, so that no line is torn while the disk is full.
static err_t write_audit_lines(audit_t *self, int64_t last) {
    size_t done = 0;
    ssize_t n = 0;
    if (!self->lines.length) return ERR_OK;
    FAILPOINT("audit.before_write");
    while (done < self->lines.length &&
           (n = write(self->fd, self->lines.data + done, self->lines.length - done)) > 0) {
        done += (size_t)n;
        FAILPOINT("audit.in_write");
    }
    if (done < self->lines.length) {
        int why = errno;
        if (ftruncate(self->fd, self->at.length) != 0) why = errno;
        errno = why;
        return fail_audit_step(self, "signals.log");
    }
    self->at.length += (int64_t)done;
    self->at.last = last;
    self->unsynced = true;
    buffer_clear(&self->lines);
    FAILPOINT("audit.after_write");
    return ERR_OK;
}

// Opening and closing files.

static err_t open_active(audit_t *self) {
    self->fd = open(self->files.active, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return self->fd >= 0 ? ERR_OK : fail_audit_step(self, "signals.log");
}

static err_t sync_active(audit_t *self, uint64_t mono) {
    if (self->unsynced && fdatasync(self->fd) != 0) return fail_audit_step(self, "signals.log");
    self->unsynced = false;
    self->synced_at = mono;
    pthread_mutex_lock(&self->lock);
    self->certain = self->at;
    self->trouble[0] = 0;
    pthread_mutex_unlock(&self->lock);
    return ERR_OK;
}

static err_t rotate_audit_log(audit_t *self) {
    err_t e = sync_active(self, clock_mono_ns());
    if (e) return e;
    e = audit_files_close(&self->files, self->day, self->at.first + 1, self->at.last);
    if (e) return fail_audit_step(self, "closing signals.log");
    close(self->fd);
    self->at = (struct audit_mark){self->at.last, self->at.last, 0};
    self->uncompressed = true;
    e = open_active(self);
    return e ? e : sync_active(self, clock_mono_ns());
}

// Whether the next row belongs into another file.
static bool is_full(const audit_t *self, const char *created_at) {
    int64_t length = self->at.length + (int64_t)self->lines.length;
    if (!length) return false;
    return length >= self->rotate_bytes ||
           (self->day[0] && strncmp(created_at, self->day, DAY_TEXT - 1) > 0);
}

// A line without what cannot be read is a line: the log goes on, and curator_tick alerts.
static void note_audit_cell(void *arg, const struct unreadable_cell *cell) {
    audit_t *self = arg;
    pthread_mutex_lock(&self->lock);
    sql_cell_words(cell, self->cell);
    pthread_mutex_unlock(&self->lock);
}

bool audit_unreadable(audit_t *self, char words[static 300]) {
    pthread_mutex_lock(&self->lock);
    memcpy(words, self->cell, sizeof(self->cell));
    self->cell[0] = 0;
    pthread_mutex_unlock(&self->lock);
    return words[0] != 0;
}

// Following.

struct batch {
    int64_t last, taken;
};

static err_t add_audit_row(audit_t *self, struct batch *b) {
    const char *created_at = sql_text(self->rows, 1);
    ProtobufCMessage *m;
    err_t e = ERR_OK;
    arena_reset(self->arena);
    if (sql_row(self->rows, &signal_row__descriptor, self->arena, &m))
        return fail_audit_step(self, "a row of signals cannot be read");
    if (is_full(self, created_at)) {
        e = write_audit_lines(self, b->last);
        if (!e) e = rotate_audit_log(self);
        self->day[0] = 0;
    }
    if (e) return e;
    if (strncmp(created_at, self->day, DAY_TEXT - 1) > 0)
        snprintf(self->day, sizeof(self->day), "%.10s", created_at);
    add_line(self, (SignalRow *)m);
    b->last = sql_integer(self->rows, 0);
    b->taken++;
    return self->lines.length >= LINES_FULL ? write_audit_lines(self, b->last) : ERR_OK;
}

static err_t take_rows(audit_t *self, int64_t most, bool *more) {
    struct batch b = {.last = self->at.last};
    bool row = true;
    errno = 0;
    buffer_clear(&self->lines);
    sql_bind_integer(self->rows, 1, self->at.last);
    sql_bind_integer(self->rows, 2, most);
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(self->rows, &row)) && row) e = add_audit_row(self, &b);
    if (e && !self->trouble[0]) e = fail_audit_step(self, "signals cannot be read");
    sql_reset(self->rows);
    *more = !e && b.taken == most;
    return e ? e : write_audit_lines(self, b.last);
}

err_t audit_step(audit_t *self, int64_t most, bool *more) {
    uint64_t mono = clock_mono_ns();
    *more = false;
    err_t e = self->fd >= 0 ? ERR_OK : open_active(self);
    if (!e) e = take_rows(self, most, more);
    if (!e && self->unsynced && mono - self->synced_at >= SYNC_NS) e = sync_active(self, mono);
    if (e || !self->uncompressed) return e;
    self->uncompressed = false;
    e = audit_files_compress(&self->files);
    return e ? fail_audit_step(self, "compressing") : ERR_OK;
}

// At start.

static err_t read_mark(sql_t *db, struct audit_mark *out, bool *there) {
    own(sql_query) *q = sql_prepare(db, "SELECT first, last, length FROM audit_mark");
    err_t e = q ? sql_step(q, there) : ERR_CONFIG;
    if (!e && *there)
        *out = (struct audit_mark){sql_integer(q, 0), sql_integer(q, 1), sql_integer(q, 2)};
    return e;
}

// Whether the file has what the mark says: a line's end where it ends.
static bool is_as_marked(const audit_t *self) {
    struct stat s;
    char end = 0;
    if (!self->at.length) return true;
    int fd = open(self->files.active, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &s) == 0 && s.st_size >= self->at.length &&
                pread(fd, &end, 1, self->at.length - 1) == 1 && end == '\n';
    if (fd >= 0) close(fd);
    return good;
}

// The latest day of the rows that the file has.
static err_t find_day(audit_t *self) {
    own(sql_query) *q = sql_prepare(
        self->db, "SELECT max(substr(created_at, 1, 10)) FROM signals WHERE id > ?1 AND id <= ?2");
    bool row = false;
    if (!q) return ERR_CONFIG;
    sql_bind_integer(q, 1, self->at.first);
    sql_bind_integer(q, 2, self->at.last);
    err_t e = sql_step(q, &row);
    const char *day = !e && row ? sql_text(q, 0) : NULL;
    snprintf(self->day, sizeof(self->day), "%s", day ? day : "");
    return e;
}

static err_t recover_audit_log(audit_t *self, bool foreign) {
    bool marked = false;
    int64_t to;
    err_t e = read_mark(self->db, &self->at, &marked);
    if (!e && (foreign || !marked)) {
        e = audit_files_orphan(&self->files, self->at.first, clock_utc_ns() / NS_PER_S);
        self->at = (struct audit_mark){self->at.first, self->at.first, 0};
    }
    // A file that was closed after the mark: it was on disk before it was closed.
    while (!e && audit_files_next(&self->files, self->at.first, &to))
        self->at = (struct audit_mark){to, to, 0};
    if (!e && !is_as_marked(self))
        self->at = (struct audit_mark){self->at.first, self->at.first, 0};
    if (!e) e = open_active(self);
    if (!e && ftruncate(self->fd, self->at.length) != 0) e = fail_audit_step(self, "signals.log");
    if (!e) e = find_day(self);
    self->unsynced = self->uncompressed = true;
    self->told = (struct audit_mark){-1, -1, -1};
    return e ? e : sync_active(self, clock_mono_ns());
}

audit_t *audit_new(const struct audit_options *options, sql_t *db, bool foreign,
                   char why[static 200]) {
    audit_t *self = alloc_zeroed(1, sizeof(*self));
    FAILPOINT("audit.start"); // the plan is read before there are threads
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->wake, NULL);
    self->fd = -1;
    self->rotate_bytes = options->rotate_bytes;
    self->arena = arena_new(0);
    self->db = sql_open(options->database, SQL_READ, why);
    if (self->db) sql_on_unreadable(self->db, note_audit_cell, self);
    if (self->db)
        self->rows = sql_prepare(
            self->db, "SELECT id, created_at, * FROM signals WHERE id > ?1 ORDER BY id LIMIT ?2");
    self->write =
        sql_prepare(db, "INSERT INTO audit_mark (one, first, last, length) VALUES (1, ?1, ?2, ?3) "
                        "ON CONFLICT (one) DO UPDATE SET"
                        " first = excluded.first, last = excluded.last, length = excluded.length");
    bool good = self->rows && self->write && audit_files_set(&self->files, options->path);
    if (good && recover_audit_log(self, foreign)) {
        snprintf(why, 200, "%.90s: %.100s", options->path, self->trouble);
        good = false;
    }
    if (!good) audit_destroy(&self);
    return self;
}

// The thread.

static void *run_audit_thread(void *arg) {
    audit_t *self = arg;
    bool stop = false;
    while (!stop) {
        bool more = false;
        pthread_mutex_lock(&self->lock);
        stop = self->stopping; // what is there when it stops is still written
        pthread_mutex_unlock(&self->lock);
        err_t e = audit_step(self, STEP_ROWS, &more);
        if (!e && more) continue;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += (long)(LOOK_MS * NS_PER_MS);
        until.tv_sec += until.tv_nsec / (long)NS_PER_S;
        until.tv_nsec %= (long)NS_PER_S;
        pthread_mutex_lock(&self->lock);
        if (!self->stopping && !stop) pthread_cond_timedwait(&self->wake, &self->lock, &until);
        pthread_mutex_unlock(&self->lock);
    }
    return NULL;
}

void audit_start(audit_t *self) {
    self->running = pthread_create(&self->thread, NULL, run_audit_thread, self) == 0;
}

void audit_destroy(audit_t **self) {
    audit_t *a = *self;
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    if (a->running) pthread_join(a->thread, NULL);
    if (a->fd >= 0) (void)!fdatasync(a->fd);
    if (a->fd >= 0) close(a->fd);
    sql_query_destroy(&a->rows);
    sql_query_destroy(&a->write);
    sql_destroy(&a->db);
    buffer_destroy(&a->lines);
    arena_destroy(&a->arena);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->wake);
    free(a);
    *self = NULL;
}

// For the writer.

err_t audit_write_mark(audit_t *self) {
    pthread_mutex_lock(&self->lock);
    self->telling = self->certain;
    pthread_mutex_unlock(&self->lock);
    if (memcmp(&self->telling, &self->told, sizeof(self->told)) == 0) return ERR_OK;
    sql_bind_integer(self->write, 1, self->telling.first);
    sql_bind_integer(self->write, 2, self->telling.last);
    sql_bind_integer(self->write, 3, self->telling.length);
    return sql_execute(self->write);
}

void audit_committed(audit_t *self) { self->told = self->telling; }

int64_t audit_first(const audit_t *self) { return self->told.first; }

bool audit_trouble(audit_t *self, char why[static 200]) {
    pthread_mutex_lock(&self->lock);
    memcpy(why, self->trouble, sizeof(self->trouble));
    pthread_mutex_unlock(&self->lock);
    return why[0] != 0;
}
