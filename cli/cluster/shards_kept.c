// shards_kept - what each executor keeps of an account under a key of its own: found, and moved.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cluster/shards.h"
#include "common/base/alloc.h"
#include "common/base/own.h"
#include "common/domain/shard.h"
#include "common/redis/store_transaction.h"
#include "gateway.pb-c.h"

#define ACCOUNT_TEXT 128
#define KEY_TEXT     96
#define ROW          1000

// Whose it is. Nobody's in particular: every executor keeps it, and it stays.
enum whose { NOBODY, EVERYBODY, ACCOUNT };
typedef enum whose whose_fn(struct span name, struct span value, char account[static ACCOUNT_TEXT]);

struct kept_key {
    const char *prefix;
    bool hash;       // else a set
    whose_fn *whose; // NULL: a trade's, whose hash says it
};

static void copy_account_id(char out[static ACCOUNT_TEXT], const char *text, size_t length) {
    (void)snprintf(out, ACCOUNT_TEXT, "%.*s", (int)length, text);
}

static enum whose of_report(struct span name, struct span value,
                            char account[static ACCOUNT_TEXT]) {
    (void)name;
    Report *r = report__unpack(NULL, value.length, value.data);
    if (r) copy_account_id(account, r->account_id, strlen(r->account_id));
    report__free_unpacked(r, NULL);
    return ACCOUNT;
}

static enum whose of_value(struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    (void)name;
    copy_account_id(account, value.data, value.length);
    return ACCOUNT;
}

// "lock:<account_id>" and "flatten:lock:<account_id>" were told to the account's executor alone.
static enum whose of_latch(struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    static const char *const prefixes[] = {"lock:", "flatten:lock:"};
    (void)value;
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(prefixes[i]);
        if (name.length < length || memcmp(name.data, prefixes[i], length) != 0) continue;
        copy_account_id(account, (const char *)name.data + length, name.length - length);
        return ACCOUNT;
    }
    return NOBODY;
}

// "<account_id>:<symbol>"; ":<symbol>" is over all accounts.
static enum whose of_view(struct span name, struct span value, char account[static ACCOUNT_TEXT]) {
    (void)value;
    const char *text = name.data;
    size_t length = name.length;
    while (length && text[length - 1] != ':') length--;
    if (length <= 1) return EVERYBODY;
    copy_account_id(account, text, length - 1);
    return ACCOUNT;
}

static const struct kept_key keys[] = {
    {"trade_state:open:", false, NULL},
    {"trade_state:watched:", false, NULL},
    {"execution_state:orphans:", true, of_value},
    // of versions before, when no executor has started since
    {"execution_state:aside:", true, of_report},
    {"execution_state:risk:", true, of_latch},
    {"execution_state:views:", false, of_view},
};

struct finding {
    const struct shards *s;
    const struct kept_key *key;
    unsigned at;
    arena_t *arena;
    struct kept *list;
    size_t n, room;
    struct span row[ROW]; // trades whose hashes are asked for at once
    unsigned n_row;
    arena_t *row_arena;
};

static struct span keep_span(arena_t *arena, struct span bytes) {
    void *copy = arena_take(arena, bytes.length + 1);
    if (bytes.length) memcpy(copy, bytes.data, bytes.length);
    return (struct span){copy, bytes.length};
}

static void decide_keeping(struct finding *f, unsigned to, struct span name, struct span value) {
    if (to == f->at) return;
    if (f->n == f->room) {
        struct kept *more =
            arena_take(f->arena, (f->room = f->room ? 2 * f->room : 256) * sizeof *more);
        if (f->n) memcpy(more, f->list, f->n * sizeof *more);
        f->list = more;
    }
    f->list[f->n++] =
        (struct kept){f->key, f->at, to, keep_span(f->arena, name), keep_span(f->arena, value)};
}

static err_t look_at_kept(void *arg, struct span name, struct span value) {
    struct finding *f = arg;
    char account[ACCOUNT_TEXT] = "";
    enum whose whose = f->key->whose(name, value, account);
    decide_keeping(f,
                   whose == ACCOUNT     ? shard_plan_of(&f->s->plan, account, f->at)
                   : whose == EVERYBODY ? 0
                                        : f->at,
                   name, value);
    return ERR_OK;
}

static err_t look_at_member(void *arg, struct span member) {
    return look_at_kept(arg, member, (struct span){"", 0});
}

// --- trades: many, and each one's hash says whose it is; they are asked for in rows

static err_t take_account(void *arg, unsigned i, struct span text, int64_t number) {
    struct finding *f = arg;
    char account[ACCOUNT_TEXT];
    (void)number;
    copy_account_id(account, text.data, text.length);
    decide_keeping(f, shard_plan_of(&f->s->plan, account, f->at), f->row[i], (struct span){"", 0});
    return ERR_OK;
}

static err_t ask_row(struct finding *f) {
    buffer_t commands = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < f->n_row; i++) {
        char key[KEY_TEXT];
        (void)snprintf(key, sizeof key, "trade_state:%.*s", (int)f->row[i].length,
                       (const char *)f->row[i].data);
        shards_command(&commands, &n, 3,
                       (struct span[]){span_of("HGET"), span_of(key), span_of("account_id")});
    }
    err_t e = store_pipeline(f->s->store, buffer_span(&commands), n, take_account, f);
    buffer_destroy(&commands);
    f->n_row = 0;
    arena_reset(f->row_arena);
    return e;
}

static err_t look_at_trade(void *arg, struct span member) {
    struct finding *f = arg;
    f->row[f->n_row++] = keep_span(f->row_arena, member);
    return f->n_row < ROW ? ERR_OK : ask_row(f);
}

static err_t look_at_key(struct finding *f, const char *key) {
    if (f->key->hash) return store_pairs(f->s->store, key, look_at_kept, f);
    if (f->key->whose) return store_members(f->s->store, key, look_at_member, f);
    err_t e = store_members(f->s->store, key, look_at_trade, f);
    return !e && f->n_row ? ask_row(f) : e;
}

err_t shards_find(const struct shards *s, arena_t *arena, struct kept **out, size_t *n) {
    own(arena) *row_arena = arena_new(0);
    struct finding *f = alloc_zeroed(1, sizeof *f);
    err_t e = ERR_OK;
    *f = (struct finding){.s = s, .arena = arena, .row_arena = row_arena};
    for (f->at = 0; !e && f->at < SHARDS_MOST; f->at++) {
        for (size_t i = 0; !e && i < sizeof keys / sizeof *keys; i++) {
            char key[KEY_TEXT];
            f->key = &keys[i];
            (void)snprintf(key, sizeof key, "%s%u", keys[i].prefix, f->at);
            e = look_at_key(f, key);
        }
    }
    *out = f->list;
    *n = f->n;
    free(f);
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
        shards_command(
            out, commands, 3,
            (struct span[]){span_of(k->key->hash ? "HDEL" : "SREM"), span_of(from), k->name});
        if (k->key->hash)
            shards_command(out, commands, 4,
                           (struct span[]){span_of("HSET"), span_of(to), k->name, k->value});
        else
            shards_command(out, commands, 3,
                           (struct span[]){span_of("SADD"), span_of(to), k->name});
    }
}
