// store - Redis behind one door (hiredis).
// SPDX-License-Identifier: MIT
#include "common/store.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/store_io.h"

#define PIPELINE 256 // replies asked for at once

struct store {
    char *address, *user, *password;
    int64_t answer_within_ms;
    redisContext *redis;
    char trouble[200];
};

static char *copy(const char *text) {
    char *out = strdup(text ? text : "");
    if (!out) abort();
    return out;
}

store_t *store_new(const struct store_options *options) {
    store_t *self = calloc(1, sizeof *self);
    if (!self) abort();
    self->address = copy(options->address);
    self->user = copy(options->user);
    self->password = copy(options->password);
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

bool store_connected(const store_t *self) { return self->redis != NULL; }
const char *store_trouble(const store_t *self) { return self->trouble; }

static struct timeval timeval_of(int64_t ms) { return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}; }

void store_patience(store_t *self, int64_t answer_within_ms) {
    self->answer_within_ms = answer_within_ms;
    if (self->redis) redisSetTimeout(self->redis, timeval_of(answer_within_ms));
}

static err_t lost(store_t *self, const char *doing) {
    const char *why = self->redis && self->redis->err ? self->redis->errstr : "no answer";
    if (self->redis && self->redis->err == REDIS_ERR_IO && strstr(why, "temporarily unavailable")) why = "no answer in time";
    snprintf(self->trouble, sizeof self->trouble, "%s: %s", doing, why);
    store_drop(self);
    return ERR_STORE;
}

// What an error reply means to the caller.
static err_t refusal(store_t *self, const redisReply *r) {
    static const char *const access[] = {"NOAUTH", "WRONGPASS", "NOPERM"};
    snprintf(self->trouble, sizeof self->trouble, "%.*s", (int)(r->len > 180 ? 180 : r->len), r->str);
    for (size_t i = 0; i < sizeof access / sizeof *access; i++) {
        if (strncmp(r->str, access[i], strlen(access[i])) == 0) return ERR_ACCESS;
    }
    return ERR_REFUSED;
}

static void release(redisReply **r) {
    if (*r) freeReplyObject(*r);
}
#define reply_t __attribute__((cleanup(release))) redisReply

static redisReply *next_reply(store_t *self) {
    void *r = NULL;
    if (!self->redis || redisGetReply(self->redis, &r) != REDIS_OK) return NULL;
    return r;
}

// One command and its reply; an error reply becomes an error.
static err_t ask(store_t *self, unsigned argc, const struct span *argv, redisReply **out) {
    const char *text[16];
    size_t length[16];
    if (argc > 16) return ERR_INPUT;
    for (unsigned i = 0; i < argc; i++) {
        text[i] = argv[i].data;
        length[i] = argv[i].length;
    }
    *out = NULL;
    if (!self->redis) return lost(self, "not connected");
    redisAppendCommandArgv(self->redis, (int)argc, text, length);
    *out = next_reply(self);
    if (!*out) return lost(self, "asking");
    return (*out)->type == REDIS_REPLY_ERROR ? refusal(self, *out) : ERR_OK;
}

#define S(text) ((struct span){(text), strlen(text)})
#define ASK(self, out, ...) \
    ask(self, sizeof((struct span[]){__VA_ARGS__}) / sizeof(struct span), (struct span[]){__VA_ARGS__}, out)

static redisContext *dial(const char *address, struct timeval within) {
    if (strncmp(address, "unix:", 5) == 0) return redisConnectUnixWithTimeout(address + 5, within);
    char host[128];
    const char *start = strncmp(address, "tcp:", 4) == 0 ? address + 4 : address, *colon = strrchr(start, ':');
    if (!colon || (size_t)(colon - start) >= sizeof host) return NULL;
    memcpy(host, start, (size_t)(colon - start));
    host[colon - start] = 0;
    return redisConnectWithTimeout(host, atoi(colon + 1), within);
}

err_t store_connect(store_t *self) {
    store_drop(self);
    self->redis = dial(self->address, timeval_of(self->answer_within_ms));
    if (!self->redis) {
        snprintf(self->trouble, sizeof self->trouble, "%s is not an address (unix:/path or tcp:host:port)", self->address);
        return ERR_CONFIG;
    }
    if (self->redis->err) return lost(self, "connecting");
    redisSetTimeout(self->redis, timeval_of(self->answer_within_ms));
    if (!*self->password) return ERR_OK;
    reply_t *r;
    err_t e = ASK(self, &r, S("AUTH"), S(self->user), S(self->password));
    if (e) store_drop(self);
    return e;
}

// --- reading

static void take_text(const redisReply *r, buffer_t *out) {
    if (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS) buffer_add(out, r->str, r->len);
    if (r->type == REDIS_REPLY_INTEGER) buffer_format(out, "%lld", r->integer);
}

err_t store_get(store_t *self, const char *key, buffer_t *out) {
    buffer_clear(out);
    reply_t *r;
    err_t e = ASK(self, &r, S("GET"), S(key));
    if (!e) take_text(r, out);
    return e;
}

err_t store_field(store_t *self, const char *key, const char *field, buffer_t *out) {
    buffer_clear(out);
    reply_t *r;
    err_t e = ASK(self, &r, S("HGET"), S(key), S(field));
    if (!e) take_text(r, out);
    return e;
}

static err_t record_of(const redisReply *r, const ProtobufCMessageDescriptor *d, arena_t *arena, ProtobufCMessage **out) {
    *out = NULL;
    if (r->type != REDIS_REPLY_ARRAY || r->elements < 2) return ERR_OK;
    size_t n = r->elements / 2;
    struct record_pair *pairs = arena_take(arena, n * sizeof *pairs);
    for (size_t i = 0; i < n; i++) {
        const redisReply *name = r->element[2 * i], *value = r->element[2 * i + 1];
        pairs[i] = (struct record_pair){{name->str, name->len}, {value->str, value->len}};
    }
    return record_from_pairs(d, pairs, n, arena, out);
}

err_t store_record(store_t *self, const char *key, const ProtobufCMessageDescriptor *d, arena_t *arena, ProtobufCMessage **out) {
    reply_t *r;
    err_t e = ASK(self, &r, S("HGETALL"), S(key));
    return e ? e : record_of(r, d, arena, out);
}

// SSCAN or HSCAN over a key, `step` elements at a time.
static err_t scan(store_t *self, const char *verb, const char *key, err_t (*each)(void *, redisReply **), unsigned step, void *arg) {
    char cursor[24] = "0";
    do {
        reply_t *r;
        err_t e = ASK(self, &r, S(verb), S(key), S(cursor), S("COUNT"), S("512"));
        if (e) return e;
        snprintf(cursor, sizeof cursor, "%s", r->element[0]->str);
        for (size_t i = 0; i + step <= r->element[1]->elements; i += step) {
            e = each(arg, &r->element[1]->element[i]);
            if (e) return e;
        }
    } while (strcmp(cursor, "0") != 0);
    return ERR_OK;
}

struct member_visit {
    store_member_fn *visit;
    void *arg;
};

static err_t each_member(void *arg, redisReply **r) {
    struct member_visit *v = arg;
    return v->visit(v->arg, (struct span){r[0]->str, r[0]->len});
}

err_t store_members(store_t *self, const char *set_key, store_member_fn *visit, void *arg) {
    return scan(self, "SSCAN", set_key, each_member, 1, &(struct member_visit){visit, arg});
}

struct pair_visit {
    store_pair_fn *visit;
    void *arg;
};

static err_t each_pair(void *arg, redisReply **r) {
    struct pair_visit *v = arg;
    return v->visit(v->arg, (struct span){r[0]->str, r[0]->len}, (struct span){r[1]->str, r[1]->len});
}

err_t store_pairs(store_t *self, const char *hash_key, store_pair_fn *visit, void *arg) {
    return scan(self, "HSCAN", hash_key, each_pair, 2, &(struct pair_visit){visit, arg});
}

// The members first (SSCAN may give one twice), then their hashes in pipelines.
struct keys {
    buffer_t text; // zero-terminated, end to end
    size_t count;
};

static err_t each_key(void *arg, struct span member) {
    struct keys *k = arg;
    buffer_add(&k->text, member.data, member.length);
    buffer_add(&k->text, "", 1);
    k->count++;
    return ERR_OK;
}

struct record_visit {
    const ProtobufCMessageDescriptor *d;
    store_record_fn *visit;
    void *arg;
    arena_t *arena;
};

static err_t read_records(store_t *self, unsigned n, const struct record_visit *v) {
    err_t e = ERR_OK;
    for (unsigned i = 0; i < n; i++) {
        reply_t *r = next_reply(self);
        if (!r) return lost(self, "reading records");
        if (e) continue; // the rest must still be taken off the connection
        ProtobufCMessage *m;
        e = r->type == REDIS_REPLY_ERROR ? refusal(self, r) : record_of(r, v->d, v->arena, &m);
        if (!e && m) e = v->visit(v->arg, m);
        arena_reset(v->arena);
    }
    return e;
}

err_t store_records(store_t *self, const char *set_key, const char *prefix, const ProtobufCMessageDescriptor *d, store_record_fn *visit,
                    void *arg) {
    struct keys keys = {0};
    err_t e = store_members(self, set_key, each_key, &keys);
    struct record_visit v = {d, visit, arg, arena_new(0)};
    const char *at = (const char *)keys.text.data;
    for (size_t done = 0; !e && done < keys.count;) {
        unsigned n = 0;
        for (; n < PIPELINE && done < keys.count; n++, done++, at += strlen(at) + 1) redisAppendCommand(self->redis, "HGETALL %s%s", prefix, at);
        e = read_records(self, n, &v);
    }
    arena_destroy(&v.arena);
    buffer_destroy(&keys.text);
    return e;
}

static err_t entry_of(const redisReply *r, struct journal_entry *out) {
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[1]->elements < 2) return ERR_INPUT;
    const redisReply *body = r->element[1]->element[1];
    out->envelope = (struct span){body->str, body->len};
    return entry_id_parse(r->element[0]->str, r->element[0]->len, &out->id);
}

err_t store_journal(store_t *self, const char *topic, struct entry_id after, size_t limit, store_entry_fn *visit, void *arg, size_t *count) {
    char key[96];
    snprintf(key, sizeof key, "journal:%s", topic);
    return store_stream(self, key, after, limit, visit, arg, count);
}

err_t store_stream(store_t *self, const char *key, struct entry_id after, size_t limit, store_entry_fn *visit, void *arg, size_t *count) {
    char from[ENTRY_ID_TEXT + 1] = "(", most[24];
    entry_id_print(after, from + 1);
    snprintf(most, sizeof most, "%zu", limit);
    *count = 0;
    reply_t *r;
    err_t e = ASK(self, &r, S("XRANGE"), S(key), S(from), S("+"), S("COUNT"), S(most));
    for (size_t i = 0; !e && i < r->elements; i++) {
        struct journal_entry entry;
        e = entry_of(r->element[i], &entry);
        if (!e) e = visit(arg, &entry);
        *count += 1;
    }
    return e;
}

static void render(const redisReply *r, buffer_t *out) {
    if (r->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < r->elements; i++) render(r->element[i], out);
        return;
    }
    take_text(r, out);
    buffer_text(out, "\n");
}

err_t store_command(store_t *self, unsigned argc, const struct span *argv, buffer_t *out) {
    buffer_clear(out);
    reply_t *r;
    err_t e = ask(self, argc, argv, &r);
    if (!e) render(r, out);
    return e;
}

// --- committing

void store_format(buffer_t *out, unsigned argc, const char *const argv[]) {
    buffer_format(out, "*%u\r\n", argc);
    for (unsigned i = 0; i < argc; i++) buffer_format(out, "$%zu\r\n%s\r\n", strlen(argv[i]), argv[i]);
}

err_t store_pipeline(store_t *self, struct span commands, unsigned n, store_reply_fn *visit, void *arg) {
    if (!self->redis) return lost(self, "not connected");
    redisAppendFormattedCommand(self->redis, commands.data, commands.length);
    err_t e = ERR_OK;
    for (unsigned i = 0; i < n; i++) {
        reply_t *r = next_reply(self);
        if (!r) return lost(self, "reading a pipeline");
        if (e) continue;
        if (r->type == REDIS_REPLY_ERROR) e = refusal(self, r);
        else if (visit) e = visit(arg, i, (struct span){r->str ? r->str : "", r->str ? r->len : 0}, r->integer);
    }
    return e;
}

// Every element of EXEC's answer: an error inside does not roll the rest back.
static err_t inspect(store_t *self, const redisReply *r) {
    if (r->type == REDIS_REPLY_ERROR) return refusal(self, r);
    if (r->type != REDIS_REPLY_ARRAY) return ERR_REFUSED;
    for (size_t i = 0; i < r->elements; i++) {
        if (r->element[i]->type != REDIS_REPLY_ERROR) continue;
        err_t e = refusal(self, r->element[i]);
        return e == ERR_ACCESS ? e : ERR_OWNER;
    }
    return ERR_OK;
}

err_t store_transaction(store_t *self, struct span commands, unsigned n) {
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n", exec[] = "*1\r\n$4\r\nEXEC\r\n";
    if (!self->redis) return lost(self, "not connected");
    redisAppendFormattedCommand(self->redis, multi, sizeof multi - 1);
    redisAppendFormattedCommand(self->redis, commands.data, commands.length);
    redisAppendFormattedCommand(self->redis, exec, sizeof exec - 1);
    err_t queued = ERR_OK;
    for (unsigned i = 0; i < n + 1; i++) {
        reply_t *r = next_reply(self);
        if (!r) return lost(self, "committing");
        if (r->type == REDIS_REPLY_ERROR && !queued) queued = refusal(self, r);
    }
    reply_t *r = next_reply(self);
    if (!r) return lost(self, "committing");
    return queued ? queued : inspect(self, r);
}
