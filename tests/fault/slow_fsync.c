// slow_fsync - a preloaded shim: fdatasync takes TRADECAST_FSYNC_MS longer, so that what Redis
// postpones meanwhile can be lost.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef int sync_fn(int);

static int slowly(const char *name, int fd) {
    sync_fn *real = (sync_fn *)dlsym(RTLD_NEXT, name);
    const char *ms = getenv("TRADECAST_FSYNC_MS");
    if (ms) usleep((useconds_t)strtoul(ms, NULL, 10) * 1000);
    return real(fd);
}

int fdatasync(int fd) { return slowly("fdatasync", fd); }
int fsync(int fd) { return slowly("fsync", fd); }
