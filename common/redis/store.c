// store - Redis behind one door (hiredis).
// SPDX-License-Identifier: MIT
#include "common/redis/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/redis/store_connection.h"
#include "common/redis/store_transaction.h"

static char *copy_text(const char *text) {
    char *out = alloc_text(text ? text : "");
    return out;
}

store_t *store_new(const struct store_options *options) {
    store_t *self = alloc_zeroed(1, sizeof *self);
    self->address = copy_text(options->address);
    self->user = copy_text(options->user);
    self->password = copy_text(options->password);
    self->answer_within_ms = options->answer_within_ms ? options->answer_within_ms : 2000;
    return self;
}

void store_drop(store_t *self) {
    if (self->redis) redisFree(self->redis);
    self->redis = NULL;
}

void store_destroy(store_t **self) {
    if (!*self) return;
    store_drop(*self);
    free((*self)->address);
    free((*self)->user);
    explicit_bzero((*self)->password, strlen((*self)->password));
    free((*self)->password);
    free(*self);
    *self = NULL;
}

bool store_is_cut_off(const store_t *self) {
    return strncmp(self->address, "unix:", 5) == 0 && access(self->address + 5, F_OK) != 0 &&
           errno == ENOENT;
}

bool store_connected(const store_t *self) { return self->redis != NULL; }
const char *store_trouble(const store_t *self) { return self->trouble; }

static struct timeval timeval_of(int64_t ms) {
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

void store_patience(store_t *self, int64_t answer_within_ms) {
    self->answer_within_ms = answer_within_ms;
    if (self->redis) redisSetTimeout(self->redis, timeval_of(answer_within_ms));
}

err_t store_lost(store_t *self, const char *doing) {
    const char *why = self->redis && self->redis->err ? self->redis->errstr : "no answer";
    if (self->redis && self->redis->err == REDIS_ERR_IO && strstr(why, "temporarily unavailable"))
        why = "no answer in time";
    snprintf(self->trouble, sizeof self->trouble, "%s: %s", doing, why);
    store_drop(self);
    return ERR_STORE;
}

// What an error reply means to the caller.
err_t store_refusal(store_t *self, const redisReply *r) {
    static const char *const access[] = {"NOAUTH", "WRONGPASS", "NOPERM"};
    snprintf(self->trouble, sizeof self->trouble, "%.*s", (int)(r->len > 180 ? 180 : r->len),
             r->str);
    for (size_t i = 0; i < sizeof access / sizeof *access; i++) {
        if (strncmp(r->str, access[i], strlen(access[i])) == 0) return ERR_ACCESS;
    }
    return ERR_REFUSED;
}

redisReply *store_next_reply(store_t *self) {
    void *r = NULL;
    if (!self->redis || redisGetReply(self->redis, &r) != REDIS_OK) return NULL;
    return r;
}

// One command and its reply; an error reply becomes an error.
err_t store_ask(store_t *self, unsigned argc, const struct span *argv, redisReply **out) {
    const char *text[16];
    size_t length[16];
    if (argc > 16) return ERR_INPUT;
    for (unsigned i = 0; i < argc; i++) {
        text[i] = argv[i].data;
        length[i] = argv[i].length;
    }
    *out = NULL;
    if (!self->redis) return store_lost(self, "not connected");
    redisAppendCommandArgv(self->redis, (int)argc, text, length);
    *out = store_next_reply(self);
    if (!*out) return store_lost(self, "asking");
    return (*out)->type == REDIS_REPLY_ERROR ? store_refusal(self, *out) : ERR_OK;
}

static redisContext *connect_to_redis(const char *address, struct timeval within) {
    if (strncmp(address, "unix:", 5) == 0) return redisConnectUnixWithTimeout(address + 5, within);
    char host[128];
    const char *start = strncmp(address, "tcp:", 4) == 0 ? address + 4 : address,
               *colon = strrchr(start, ':');
    if (!colon || (size_t)(colon - start) >= sizeof host) return NULL;
    memcpy(host, start, (size_t)(colon - start));
    host[colon - start] = 0;
    return redisConnectWithTimeout(host, atoi(colon + 1), within);
}

err_t store_connect(store_t *self) {
    store_drop(self);
    self->redis = connect_to_redis(self->address, timeval_of(self->answer_within_ms));
    if (!self->redis) {
        snprintf(self->trouble, sizeof self->trouble,
                 "%s is not an address (unix:/path or tcp:host:port)", self->address);
        return ERR_CONFIG;
    }
    if (self->redis->err) return store_lost(self, "connecting");
    redisSetTimeout(self->redis, timeval_of(self->answer_within_ms));
    if (!*self->password) return ERR_OK;
    reply_t *r;
    err_t e = ASK(self, &r, S("AUTH"), S(self->user), S(self->password));
    if (e) store_drop(self);
    return e;
}

void store_take_text(const redisReply *r, buffer_t *out) {
    if (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS)
        buffer_add(out, r->str, r->len);
    if (r->type == REDIS_REPLY_INTEGER) buffer_format(out, "%lld", r->integer);
}

static void render_reply(const redisReply *r, buffer_t *out) {
    if (r->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < r->elements; i++) render_reply(r->element[i], out);
        return;
    }
    store_take_text(r, out);
    buffer_text(out, "\n");
}

err_t store_command(store_t *self, unsigned argc, const struct span *argv, buffer_t *out) {
    buffer_clear(out);
    reply_t *r;
    err_t e = store_ask(self, argc, argv, &r);
    if (!e) render_reply(r, out);
    return e;
}

// --- committing

void store_format(buffer_t *out, unsigned argc, const char *const argv[]) {
    buffer_format(out, "*%u\r\n", argc);
    for (unsigned i = 0; i < argc; i++)
        buffer_format(out, "$%zu\r\n%s\r\n", strlen(argv[i]), argv[i]);
}

err_t store_pipeline(store_t *self, struct span commands, unsigned n, store_reply_fn *visit,
                     void *arg) {
    if (!self->redis) return store_lost(self, "not connected");
    redisAppendFormattedCommand(self->redis, commands.data, commands.length);
    err_t e = ERR_OK;
    for (unsigned i = 0; i < n; i++) {
        reply_t *r = store_next_reply(self);
        if (!r) return store_lost(self, "reading a pipeline");
        if (e) continue;
        if (r->type == REDIS_REPLY_ERROR)
            e = store_refusal(self, r);
        else if (visit)
            e = visit(arg, i, (struct span){r->str ? r->str : "", r->str ? r->len : 0}, r->integer);
    }
    return e;
}

// Every element of EXEC's answer: an error inside does not roll the rest back.
static err_t inspect_reply(store_t *self, const redisReply *r) {
    if (r->type == REDIS_REPLY_ERROR) return store_refusal(self, r);
    if (r->type != REDIS_REPLY_ARRAY) return ERR_REFUSED;
    for (size_t i = 0; i < r->elements; i++) {
        if (r->element[i]->type != REDIS_REPLY_ERROR) continue;
        err_t e = store_refusal(self, r->element[i]);
        return e == ERR_ACCESS ? e : ERR_OWNER;
    }
    return ERR_OK;
}

err_t store_transaction(store_t *self, struct span commands, unsigned n) {
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n", exec[] = "*1\r\n$4\r\nEXEC\r\n";
    if (!self->redis) return store_lost(self, "not connected");
    redisAppendFormattedCommand(self->redis, multi, sizeof multi - 1);
    redisAppendFormattedCommand(self->redis, commands.data, commands.length);
    redisAppendFormattedCommand(self->redis, exec, sizeof exec - 1);
    err_t queued = ERR_OK;
    for (unsigned i = 0; i < n + 1; i++) {
        reply_t *r = store_next_reply(self);
        if (!r) return store_lost(self, "committing");
        if (r->type == REDIS_REPLY_ERROR && !queued) queued = store_refusal(self, r);
    }
    reply_t *r = store_next_reply(self);
    if (!r) return store_lost(self, "committing");
    return queued ? queued : inspect_reply(self, r);
}
