// audit_files - the files of the audit log: the one that is written and those that are closed.
// SPDX-License-Identifier: MIT
#include "services/archiver/audit/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/testing.h"

#define CHUNK     65536
#define NAME_TEXT 128

bool audit_files_set(struct audit_files *self, const char *path) {
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(self->dir, sizeof(self->dir), "%.*s", (int)(slash - path), path)
                  : snprintf(self->dir, sizeof(self->dir), ".");
    int m = snprintf(self->active, sizeof(self->active), "%s", path);
    return n < (int)sizeof(self->dir) && m < (int)sizeof(self->active);
}

static err_t sync_dir(const struct audit_files *self) {
    int fd = open(self->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return good ? ERR_OK : ERR_DISK;
}

err_t audit_files_close(const struct audit_files *self, const char *day, int64_t from, int64_t to) {
    char name[AUDIT_PATH];
    snprintf(name, sizeof(name), "%s/signals-%.10s-%010lld-%010lld.log", self->dir, day,
             (long long)from, (long long)to);
    FAILPOINT("audit.before_rename");
    if (rename(self->active, name) != 0) return ERR_DISK;
    FAILPOINT("audit.after_rename");
    return sync_dir(self);
}

// The numbers of a closed file's name; *packed tells whether it is compressed.
static bool read_name(const char *name, int64_t *from, int64_t *to, bool *packed) {
    long long first, last;
    int end = 0;
    if (sscanf(name, "signals-%*4[0-9]-%*2[0-9]-%*2[0-9]-%lld-%lld.log%n", &first, &last, &end) !=
            2 ||
        !end)
        return false;
    *packed = strcmp(name + end, ".gz") == 0;
    *from = first, *to = last;
    return *packed || !name[end];
}

typedef err_t file_fn(const struct audit_files *self, const char *name, void *arg);

static err_t each_file(const struct audit_files *self, file_fn *visit, void *arg) {
    DIR *dir = opendir(self->dir);
    err_t e = dir ? ERR_OK : ERR_DISK;
    for (const struct dirent *entry; !e && (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, "signals-", 8) == 0 && strlen(entry->d_name) < NAME_TEXT)
            e = visit(self, entry->d_name, arg);
    if (dir) closedir(dir);
    return e;
}

struct wanted {
    int64_t after, to;
    bool found;
};

static err_t match_next_file(const struct audit_files *self, const char *name, void *arg) {
    struct wanted *w = arg;
    int64_t from, to;
    bool packed;
    (void)self;
    if (!read_name(name, &from, &to, &packed) || from != w->after + 1) return ERR_OK;
    w->found = true;
    w->to = to;
    return ERR_OK;
}

bool audit_files_next(const struct audit_files *self, int64_t after, int64_t *to) {
    struct wanted w = {.after = after};
    if (each_file(self, match_next_file, &w) || !w.found) return false;
    *to = w.to;
    return true;
}

// Compressing: beside the file, on disk, then in its place.

static bool copy_packed(int from, gzFile to) {
    static char chunk[CHUNK]; // of the one thread that keeps the log
    ssize_t n;
    while ((n = read(from, chunk, sizeof(chunk))) > 0) {
        FAILPOINT("audit.in_compress");
        if (gzwrite(to, chunk, (unsigned)n) != n) return false;
    }
    return n == 0;
}

static bool compress_log_file(const char *path, const char *part) {
    int from = open(path, O_RDONLY | O_CLOEXEC),
        to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int copy = to >= 0 ? dup(to) : -1; // zlib closes the one it has
    gzFile packed = copy >= 0 ? gzdopen(copy, "wb6") : NULL;
    bool good = from >= 0 && packed && copy_packed(from, packed);
    if (packed)
        good = gzclose(packed) == Z_OK && good;
    else if (copy >= 0)
        close(copy);
    good = good && fsync(to) == 0;
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    return good;
}

static err_t compress_one(const struct audit_files *self, const char *name, void *arg) {
    char path[AUDIT_PATH], whole[AUDIT_PATH + 8], part[AUDIT_PATH + 8];
    int64_t from, to;
    bool packed;
    (void)arg;
    snprintf(path, sizeof(path), "%s/%s", self->dir, name);
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".part") == 0)
        return unlink(path) == 0 || errno == ENOENT ? ERR_OK : ERR_DISK;
    if (!read_name(name, &from, &to, &packed) || packed) return ERR_OK;
    snprintf(whole, sizeof(whole), "%s.gz", path);
    snprintf(part, sizeof(part), "%s.part", path);
    if (!compress_log_file(path, part) || rename(part, whole) != 0 || sync_dir(self))
        return ERR_DISK;
    FAILPOINT("audit.before_unlink");
    return unlink(path) == 0 ? ERR_OK : ERR_DISK;
}

err_t audit_files_compress(const struct audit_files *self) {
    return each_file(self, compress_one, NULL);
}

// Putting aside.

struct orphaning {
    int64_t after;
    uint64_t utc_s;
};

static err_t rename_orphan_file(const struct audit_files *self, const char *name, void *arg) {
    const struct orphaning *o = arg;
    char path[AUDIT_PATH], aside[AUDIT_PATH + 32];
    int64_t from, to;
    bool packed;
    if (!read_name(name, &from, &to, &packed) || from <= o->after) return ERR_OK;
    snprintf(path, sizeof(path), "%s/%s", self->dir, name);
    snprintf(aside, sizeof(aside), "%s/signals-orphan-%llu-%s", self->dir,
             (unsigned long long)o->utc_s, name + 8);
    return rename(path, aside) == 0 ? ERR_OK : ERR_DISK;
}

err_t audit_files_orphan(const struct audit_files *self, int64_t after, uint64_t utc_s) {
    char aside[AUDIT_PATH + 32];
    struct orphaning o = {after, utc_s};
    struct stat s;
    err_t e = each_file(self, rename_orphan_file, &o);
    snprintf(aside, sizeof(aside), "%s/signals-orphan-%llu.log", self->dir,
             (unsigned long long)utc_s);
    if (!e && stat(self->active, &s) == 0 && s.st_size > 0 && rename(self->active, aside) != 0)
        e = ERR_DISK;
    return e ? e : sync_dir(self);
}
