// place - where the installation is, and the ways to look into it.
// SPDX-License-Identifier: MIT
#include "cli/place.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/bus/endpoint.h"
#include "common/bus/keys.h"
#include "common/delivery/topology.h"

static const char *read_environment_text(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool is_variable_set(const char *name) {
    static const char *const words[] = {"true", "yes", "1", "on"};
    const char *value = read_environment_text(name);
    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(value, words[i]) == 0) return true;
    }
    return false;
}

static void parent_of(const char *path, char *out, size_t size) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(out, size, ".");
    else if (slash == path)
        snprintf(out, size, "/");
    else
        snprintf(out, size, "%.*s", (int)(slash - path), path);
}

static unsigned shards_with_socket(const char *run) {
    char pattern[256];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/executor.*.control", run);
    unsigned n = glob(pattern, 0, NULL, &found) == 0 ? (unsigned)found.gl_pathc : 0;
    globfree(&found);
    return n;
}

static unsigned shards_with_host(void) {
    char name[NAME_TEXT];
    unsigned n = 0;
    do instance_name(EXECUTOR, n, name);
    while (endpoint_is_given(name) && ++n < PLACE_SHARDS_MAX);
    return n;
}

// By configuration, else by the executors that have a host or a socket.
static unsigned shards_of(const char *run) {
    const char *given = read_environment_text("TRADECAST_SHARDS");
    unsigned long n = given ? strtoul(given, NULL, 10) : 0;
    if (!n) n = shards_with_host();
    if (!n) n = shards_with_socket(run);
    return n < 1 ? 1 : n > PLACE_SHARDS_MAX ? PLACE_SHARDS_MAX : (unsigned)n;
}

static void find_or(char *out, size_t size, const char *variable, const char *dir,
                    const char *part) {
    const char *given = read_environment_text(variable);
    if (given)
        snprintf(out, size, "%s", given);
    else
        snprintf(out, size, "%s/%s", dir, part);
}

void place_find(struct place *out, const char *dir) {
    *out = (struct place){.shards = 1};
    const char *run = read_environment_text("TRADECAST_RUN_DIR"),
               *given = dir ? dir : read_environment_text("TRADECAST_DIR");
    if (given)
        snprintf(out->dir, sizeof out->dir, "%s", given);
    else if (run)
        parent_of(run, out->dir, sizeof out->dir);
    else
        snprintf(out->dir, sizeof out->dir, "var");
    if (dir)
        snprintf(out->run, sizeof out->run, "%.199s/run", dir); // the option says all
    else
        find_or(out->run, sizeof out->run, "TRADECAST_RUN_DIR", out->dir, "run");
    snprintf(out->secrets, sizeof out->secrets, "%.199s/secrets", out->dir);
    if (dir)
        snprintf(out->archive, sizeof out->archive, "%.199s/data/archive.db", dir);
    else
        find_or(out->archive, sizeof out->archive, "TRADECAST_ARCHIVER_DATABASE", out->dir,
                "data/archive.db");
    const char *redis = dir ? NULL : read_environment_text("TRADECAST_REDIS");
    if (redis)
        snprintf(out->redis, sizeof out->redis, "%s", redis);
    else
        snprintf(out->redis, sizeof out->redis, "unix:%s/redis.sock", out->run);
    (void)snprintf(out->keys, sizeof out->keys, "%.200s/keys", out->dir);
    const char *keys = dir ? NULL : read_environment_text("TRADECAST_KEYS_DIR");
    if (keys) (void)snprintf(out->keys, sizeof out->keys, "%.215s", keys);
    out->shards = shards_of(out->run);
}

bool place_program(const char *name, char out[static PROGRAM_PATH]) {
    ssize_t n = readlink("/proc/self/exe", out, PROGRAM_PATH - strlen(name) - 1);
    if (n <= 0) return false;
    out[n] = 0;
    memcpy(strrchr(out, '/') + 1, name, strlen(name) + 1);
    return access(out, X_OK) == 0;
}

static bool has_key(const struct place *place, const char *name) {
    char path[360];
    (void)snprintf(path, sizeof path, "%s/%.100s.key", place->keys, name);
    return access(path, F_OK) == 0;
}

void place_keys(const struct call *call) {
    const struct place *place = &call->place;
    const char *name = read_environment_text("TRADECAST_KEYS_NAME"),
               *asked = call->n_args ? call->args[0] : "";
    if (!name) name = "operator";
    if (call->command->run == run_health && !has_key(place, name)) name = asked;
    keys_start(read_environment_text("TRADECAST_KEYS_DIR") || access(place->keys, F_OK) == 0
                   ? place->keys
                   : NULL,
               name);
}

static bool read_line(const char *path, char out[static 200]) {
    FILE *f = fopen(path, "re");
    if (!f) return false;
    bool got = fgets(out, 200, f) != NULL;
    fclose(f);
    if (got) out[strcspn(out, "\r\n")] = 0;
    return got && *out;
}

bool place_secret(const struct place *place, const char *name, char out[static 200]) {
    const char *user = read_environment_text("TRADECAST_REDIS_USER"),
               *file = read_environment_text("TRADECAST_REDIS_PASSWORD_FILE");
    char path[320];
    if (file && strcmp(name, user ? user : "viewer") == 0 && read_line(file, out)) return true;
    snprintf(path, sizeof path, "%s/%s", place->secrets, name);
    return read_line(path, out);
}

// What only looks goes on; what writes (as admin) stops at what it cannot read.
static void warn_of_unreadable_record(void *arg, const struct unreadable *what) {
    (void)arg;
    (void)complain_of_call(DONE, "%s%s%.*s cannot be read and is left out: %s", what->key,
                           what->field.length ? " " : "", (int)what->field.length,
                           what->field.length ? (const char *)what->field.data : "", what->reason);
}

store_t *place_store_quietly(const struct place *place, const char *user, char why[static 240]) {
    char password[200] = "";
    if (!endpoint_redis_may(place->redis, is_variable_set("TRADECAST_REDIS_PLAIN"), why))
        return NULL;
    if (!place_secret(place, user, password)) {
        snprintf(why, 240, "the password of Redis user %s is not in %.60s/%s (%s); is --dir right?",
                 user, place->secrets, user, strerror(errno));
        return NULL;
    }
    const struct store_options options = {place->redis, user, password, 5000};
    store_t *store = store_new(&options);
    explicit_bzero(password, sizeof password);
    err_t e = store_connect(store);
    if (strcmp(user, "admin") != 0) store_on_unreadable(store, warn_of_unreadable_record, NULL);
    if (!e) return store;
    snprintf(why, 240, "Redis at %.80s: %.100s; is it running, and is --dir right?", place->redis,
             *store_trouble(store) ? store_trouble(store) : error_words(e));
    store_destroy(&store);
    return NULL;
}

store_t *place_store(const struct place *place, const char *user) {
    char why[240];
    store_t *store = place_store_quietly(place, user, why);
    if (!store) (void)complain_of_call(NO_REACH, "%s", why);
    return store;
}

static void tell_cell(void *arg, const struct unreadable_cell *cell) {
    char words[300];
    (void)arg;
    sql_cell_words(cell, words);
    (void)complain_of_call(DONE, "%s", words);
}

sql_t *place_archive(const struct place *place, char why[static 200]) {
    sql_t *archive = sql_open(place->archive, SQL_READ, why);
    if (archive) sql_on_unreadable(archive, tell_cell, NULL);
    return archive;
}

err_t ask_redis(store_t *store, buffer_t *out, unsigned n, const char *const words[]) {
    struct span argv[16];
    for (unsigned i = 0; i < n && i < 16; i++) argv[i] = span_of(words[i]);
    buffer_clear(out);
    return store_command(store, n, argv, out);
}
