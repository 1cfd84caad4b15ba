// sandbox - a directory and a Redis of its own, for as long as a command runs.
// SPDX-License-Identifier: MIT
#include "replay/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/bus/port.h"
#include "common/delivery/topology.h"
#include "common/redis/store.h"

#define STARTS_WITHIN (20 * NS_PER_S)
#define LOOK_MS       10
#define SHARDS_MOST   32
#define PREFIX        "TRADECAST_"

// As services want it, and nothing on disk that need not be.
static bool write_settings(const struct sandbox *s, const char *path) {
    struct instance all[INSTANCES_MAX];
    size_t n = topology_instances(SHARDS_MOST, all);
    FILE *f = fopen(path, "we");
    if (!f) return false;
    (void)fprintf(f,
                  "port 0\nunixsocket %s/redis.sock\nunixsocketperm 700\ndir %s\nlogfile "
                  "%s/redis.log\ndaemonize no\nsave \"\"\n"
                  "appendonly yes\nappendfsync no\nauto-aof-rewrite-percentage "
                  "100\nauto-aof-rewrite-min-size 64mb\n"
                  "maxmemory-policy volatile-lru\n",
                  s->directory, s->directory, s->directory);
    for (size_t i = 0; i < n; i++) (void)fprintf(f, "user %s on nopass ~* &* +@all\n", all[i].name);
    return fclose(f) == 0;
}

static void become_redis(const char *settings) {
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); // it is nobody else's
    (void)dup2(nowhere, STDIN_FILENO);
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)execlp("redis-server", "redis-server", settings, (char *)NULL);
    _exit(127);
}

static bool is_redis_up(const struct sandbox *s) {
    const struct store_options options = {s->redis, "", "", 1000};
    store_t *store = store_new(&options);
    bool connected = store_connect(store) == ERR_OK;
    store_destroy(&store);
    return connected;
}

static bool has_ended(struct sandbox *s) {
    if (waitpid(s->server, NULL, WNOHANG) != s->server) return false;
    s->server = 0;
    return true;
}

static bool start_redis(struct sandbox *s, char why[static 256]) {
    char settings[96];
    (void)snprintf(settings, sizeof settings, "%s/redis.conf", s->directory);
    (void)snprintf(s->redis, sizeof s->redis, "unix:%s/redis.sock", s->directory);
    (void)snprintf(why, 256,
                   "a Redis of its own does not start in %.60s; is redis-server installed?",
                   s->directory);
    if (!write_settings(s, settings) || (s->server = fork()) < 0) return false;
    if (!s->server) become_redis(settings);
    for (uint64_t end = clock_mono_ns() + STARTS_WITHIN; clock_mono_ns() < end;
         ports_wait(NULL, 0, LOOK_MS)) {
        if (is_redis_up(s)) return true;
        if (has_ended(s)) return false;
    }
    return false;
}

bool sandbox_begin(struct sandbox *s, char why[static 256]) {
    const char *parent = getenv("TMPDIR");
    *s = (struct sandbox){.server = 0};
    (void)snprintf(s->directory, sizeof s->directory, "%.40s/tradecast-XXXXXX",
                   parent && strlen(parent) <= 40 ? parent : "/tmp");
    if (mkdtemp(s->directory)) return start_redis(s, why);
    (void)snprintf(why, 256, "%.60s: %.100s", s->directory, strerror(errno));
    *s->directory = 0;
    return false;
}

void sandbox_enter(const struct sandbox *s) {
    extern char **environ;
    for (char **at = environ; at && *at;) {
        own(buffer) name = {0};
        buffer_add(&name, *at, strcspn(*at, "="));
        if (strncmp(*at, PREFIX, sizeof PREFIX - 1) == 0)
            (void)unsetenv(buffer_string(&name)); // what comes after it moves up
        else
            at++;
    }
    (void)setenv(PREFIX "RUN_DIR", s->directory, 1);
    (void)setenv(PREFIX "REDIS", s->redis, 1);
}

// What is in a directory before the directory.
static void remove_all(char *path) {
    char *const paths[] = {path, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *e; tree && (e = fts_read(tree)) != NULL;) {
        if (e->fts_info != FTS_D) (void)remove(e->fts_accpath);
    }
    if (tree) (void)fts_close(tree);
}

void sandbox_end(struct sandbox *s) {
    if (s->server > 0) {
        (void)kill(s->server, SIGKILL);
        (void)waitpid(s->server, NULL, 0);
    }
    if (*s->directory) remove_all(s->directory);
    *s = (struct sandbox){.server = 0};
}
