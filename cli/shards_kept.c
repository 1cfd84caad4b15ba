// shards_kept - what each executor keeps of an account under a key of its own: found, and moved.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/shard.h"
#include "gateway.pb-c.h"
#include "shards.h"

#define ACCOUNT_TEXT 128
#define KEY_TEXT     96

// Whose it is. Nobody's in particular: every executor keeps it, and it stays.
enum whose { NOBODY, EVERYBODY, ACCOUNT };
typedef enum whose whose_fn(const struct shards *s, struct span name, struct span value, char account[static ACCOUNT_TEXT]);

struct kept_key {
    const char *prefix;
    bool hash; // else a set
    whose_fn *whose;
};

static void take(char out[static ACCOUNT_TEXT], const char *text, size_t length) {
    (void)snprintf(out, ACCOUNT_TEXT, "%.*s", (int)length, text);
}

static enum whose of_trade(const struct shards *s, struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    char key[KEY_TEXT];
    buffer_t text = {0};
    (void)value;
    (void)snprintf(key, sizeof key, "trade_state:%.*s", (int)name.length, (const char *)name.data);
    if (!store_field(s->store, key, "account_id", &text)) take(account, buffer_string(&text), text.length);
    buffer_destroy(&text);
    return ACCOUNT;
}

static enum whose of_report(const struct shards *s, struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    (void)s, (void)name;
    Report *r = report__unpack(NULL, value.length, value.data);
    if (r) take(account, r->account_id, strlen(r->account_id));
    report__free_unpacked(r, NULL);
    return ACCOUNT;
}

// "<account_id>\n<broker_symbol>"
static enum whose of_place(const struct shards *s, struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    (void)s, (void)value;
    const char *end = memchr(name.data, '\n', name.length);
    take(account, name.data, end ? (size_t)(end - (const char *)name.data) : name.length);
    return ACCOUNT;
}

// "lock:<account_id>" and "flatten:lock:<account_id>" were told to the account's executor alone.
static enum whose of_latch(const struct shards *s, struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    static const char *const prefixes[] = {"lock:", "flatten:lock:"};
    (void)s, (void)value;
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(prefixes[i]);
        if (name.length < length || memcmp(name.data, prefixes[i], length) != 0) continue;
        take(account, (const char *)name.data + length, name.length - length);
        return ACCOUNT;
    }
    return NOBODY;
}

// "<account_id>:<symbol>"; ":<symbol>" is over all accounts.
static enum whose of_view(const struct shards *s, struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    (void)s, (void)value;
    const char *text = name.data;
    size_t length = name.length;
    while (length && text[length - 1] != ':') length--;
    if (length <= 1) return EVERYBODY;
    take(account, text, length - 1);
    return ACCOUNT;
}

static const struct kept_key keys[] = {
    {"trade_state:open:", false, of_trade},       {"trade_state:watched:", false, of_trade}, {"execution_state:aside:", true, of_report},
    {"execution_state:surplus:", true, of_place}, {"execution_state:risk:", true, of_latch}, {"execution_state:views:", false, of_view},
};

struct finding {
    const struct shards *s;
    const struct kept_key *key;
    unsigned at;
    arena_t *arena;
    struct kept *list;
    size_t n, room;
};

static struct span keep(arena_t *arena, struct span bytes) {
    void *copy = arena_take(arena, bytes.length + 1);
    if (bytes.length) memcpy(copy, bytes.data, bytes.length);
    return (struct span){copy, bytes.length};
}

static err_t look_at(void *arg, struct span name, struct span value) {
    struct finding *f = arg;
    char account[ACCOUNT_TEXT] = "";
    enum whose whose = f->key->whose(f->s, name, value, account);
    unsigned to = whose == ACCOUNT ? shard_plan_of(&f->s->plan, account, f->at) : whose == EVERYBODY ? 0 : f->at;
    if (to == f->at) return ERR_OK;
    if (f->n == f->room) {
        struct kept *more = arena_take(f->arena, (f->room = f->room ? 2 * f->room : 256) * sizeof *more);
        if (f->n) memcpy(more, f->list, f->n * sizeof *more);
        f->list = more;
    }
    f->list[f->n++] = (struct kept){f->key, f->at, to, keep(f->arena, name), keep(f->arena, value)};
    return ERR_OK;
}

static err_t look_at_member(void *arg, struct span member) { return look_at(arg, member, (struct span){"", 0}); }

err_t shards_find(const struct shards *s, arena_t *arena, struct kept **out, size_t *n) {
    struct finding f = {.s = s, .arena = arena};
    err_t e = ERR_OK;
    for (f.at = 0; !e && f.at < SHARDS_MOST; f.at++) {
        for (size_t i = 0; !e && i < sizeof keys / sizeof *keys; i++) {
            char key[KEY_TEXT];
            f.key = &keys[i];
            (void)snprintf(key, sizeof key, "%s%u", keys[i].prefix, f.at);
            e = keys[i].hash ? store_pairs(s->store, key, look_at, &f) : store_members(s->store, key, look_at_member, &f);
        }
    }
    *out = f.list;
    *n = f.n;
    return e;
}

// --- moving

void shards_command(buffer_t *out, unsigned *commands, unsigned argc, const struct span *argv) {
    buffer_format(out, "*%u\r\n", argc);
    for (unsigned i = 0; i < argc; i++) {
        buffer_format(out, "$%zu\r\n", argv[i].length);
        buffer_add(out, argv[i].data, argv[i].length);
        buffer_text(out, "\r\n");
    }
    ++*commands;
}

void shards_move_kept(const struct kept *list, size_t n, buffer_t *out, unsigned *commands) {
    for (size_t i = 0; i < n; i++) {
        char from[KEY_TEXT], to[KEY_TEXT];
        const struct kept *k = &list[i];
        (void)snprintf(from, sizeof from, "%s%u", k->key->prefix, k->at);
        (void)snprintf(to, sizeof to, "%s%u", k->key->prefix, k->to);
        shards_command(out, commands, 3, (struct span[]){span_of(k->key->hash ? "HDEL" : "SREM"), span_of(from), k->name});
        if (k->key->hash)
            shards_command(out, commands, 4, (struct span[]){span_of("HSET"), span_of(to), k->name, k->value});
        else
            shards_command(out, commands, 3, (struct span[]){span_of("SADD"), span_of(to), k->name});
    }
}
