// store_read - records, members, pairs and entries; what cannot be read is told of and passed over.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "common/base/own.h"
#include "common/redis/journal.h"
#include "common/redis/store_connection.h"

#define PIPELINE 256 // replies asked for at once

// --- what cannot be read

void store_on_unreadable(store_t *self, store_unreadable_fn *note, void *arg) {
    self->note = note;
    self->note_arg = arg;
}

static err_t pass_over_record(store_t *self, const struct unreadable *what) {
    if (!self->note) {
        snprintf(self->trouble, sizeof self->trouble, "%.100s cannot be read: %.80s", what->key,
                 what->reason);
        return ERR_INPUT;
    }
    self->note(self->note_arg, what);
    return ERR_OK;
}

// A key that holds another type than is asked for cannot be read: it will be no better when it is
// asked again.
static err_t pass_over_key(store_t *self, err_t e, const char *key) {
    if (e != ERR_REFUSED || strncmp(self->trouble, "WRONGTYPE", 9) != 0) return e;
    return pass_over_record(
        self, &(struct unreadable){.key = key,
                                   .reason = "Redis holds another type under this key",
                                   .other_type = true});
}

static int compare_field_names(const void *a, const void *b) {
    const struct record_pair *one = a, *other = b;
    size_t least = one->name.length < other->name.length ? one->name.length : other->name.length;
    int order = memcmp(one->name.data, other->name.data, least);
    return order
               ? order
               : (one->name.length > other->name.length) - (one->name.length < other->name.length);
}

// In the order of the names: Redis gives a hash in any.
static void pairs_json(struct record_pair *pairs, size_t n, buffer_t *out) {
    qsort(pairs, n, sizeof *pairs, compare_field_names);
    buffer_text(out, "{");
    for (size_t i = 0; i < n; i++) {
        if (i) buffer_text(out, ",");
        buffer_json_string(out, pairs[i].name.data, pairs[i].name.length);
        buffer_text(out, ":");
        buffer_json_string(out, pairs[i].value.data, pairs[i].value.length);
    }
    buffer_text(out, "}");
}

struct hash { // one as it was read
    const char *key;
    const ProtobufCMessageDescriptor *type;
    struct record_pair *pairs;
    size_t n;
    arena_t *arena;
};

static err_t pass_over_hash(store_t *self, const struct hash *h, const char *reason) {
    own(buffer) json = {0};
    const ProtobufCMessage *part = record_part_of_pairs(h->type, h->pairs, h->n, h->arena);
    pairs_json(h->pairs, h->n, &json);
    return pass_over_record(self, &(struct unreadable){.key = h->key,
                                                       .type = h->type,
                                                       .reason = reason,
                                                       .part = part,
                                                       .content = {json.data, json.length}});
}

static err_t read_hash(store_t *self, const struct hash *h, ProtobufCMessage **out) {
    struct fault fault;
    char reason[600];
    err_t e = record_from_pairs(h->type, h->pairs, h->n, h->arena, out, &fault);
    if (error_policy(e) != POLICY_REJECT) return e;
    snprintf(reason, sizeof reason, "%s %s%s%s%s", fault.path, fault.rule,
             fault.value[0] ? ", not \"" : "", fault.value, fault.value[0] ? "\"" : "");
    return pass_over_hash(self, h, reason);
}

// What a visitor returned of a member or a pair.
static err_t check_visited(store_t *self, err_t e, const char *key, struct span field,
                           struct span value) {
    if (error_policy(e) != POLICY_REJECT) return e;
    own(buffer) json = {0};
    buffer_json_string(&json, value.data, value.length);
    return pass_over_record(self, &(struct unreadable){.key = key,
                                                       .field = field,
                                                       .reason = error_words(e),
                                                       .content = {json.data, json.length}});
}

// --- reading

err_t store_get(store_t *self, const char *key, buffer_t *out) {
    buffer_clear(out);
    reply_t *r;
    err_t e = ASK(self, &r, S("GET"), S(key));
    if (e) return pass_over_key(self, e, key);
    store_take_text(r, out);
    return ERR_OK;
}

err_t store_field(store_t *self, const char *key, const char *field, buffer_t *out) {
    buffer_clear(out);
    reply_t *r;
    err_t e = ASK(self, &r, S("HGET"), S(key), S(field));
    if (e) return pass_over_key(self, e, key);
    store_take_text(r, out);
    return ERR_OK;
}

static err_t build_record(store_t *self, const char *key, const redisReply *r,
                          const ProtobufCMessageDescriptor *d, arena_t *arena,
                          ProtobufCMessage **out) {
    *out = NULL;
    if (r->type != REDIS_REPLY_ARRAY || r->elements < 2) return ERR_OK;
    size_t n = r->elements / 2;
    struct record_pair *pairs = arena_take(arena, n * sizeof *pairs);
    for (size_t i = 0; i < n; i++) {
        const redisReply *name = r->element[2 * i], *value = r->element[2 * i + 1];
        pairs[i] = (struct record_pair){{name->str, name->len}, {value->str, value->len}};
    }
    return read_hash(self, &(struct hash){key, d, pairs, n, arena}, out);
}

err_t store_record(store_t *self, const char *key, const ProtobufCMessageDescriptor *d,
                   arena_t *arena, ProtobufCMessage **out) {
    reply_t *r;
    *out = NULL;
    err_t e = ASK(self, &r, S("HGETALL"), S(key));
    return e ? pass_over_key(self, e, key) : build_record(self, key, r, d, arena, out);
}

struct visit { // of a key's members or pairs
    const char *key;
    store_member_fn *member;
    store_pair_fn *pair;
    void *arg;
};

static err_t visit_one(store_t *self, const struct visit *v, redisReply **r) {
    struct span name = {r[0]->str, r[0]->len};
    if (v->member) return check_visited(self, v->member(v->arg, name), v->key, name, name);
    struct span value = {r[1]->str, r[1]->len};
    return check_visited(self, v->pair(v->arg, name, value), v->key, name, value);
}

// SSCAN or HSCAN.
static err_t scan_members(store_t *self, const char *verb, const struct visit *v) {
    char cursor[24] = "0";
    size_t step = v->pair ? 2 : 1;
    do {
        reply_t *r;
        err_t e = ASK(self, &r, S(verb), S(v->key), S(cursor), S("COUNT"), S("512"));
        if (e) return pass_over_key(self, e, v->key);
        snprintf(cursor, sizeof cursor, "%s", r->element[0]->str);
        for (size_t i = 0; i + step <= r->element[1]->elements; i += step) {
            e = visit_one(self, v, &r->element[1]->element[i]);
            if (e) return e;
        }
    } while (strcmp(cursor, "0") != 0);
    return ERR_OK;
}

err_t store_members(store_t *self, const char *set_key, store_member_fn *visit, void *arg) {
    return scan_members(self, "SSCAN",
                        &(struct visit){.key = set_key, .member = visit, .arg = arg});
}

err_t store_pairs(store_t *self, const char *hash_key, store_pair_fn *visit, void *arg) {
    return scan_members(self, "HSCAN", &(struct visit){.key = hash_key, .pair = visit, .arg = arg});
}

// The members first (SSCAN may give one twice), then their hashes in pipelines.
struct keys {
    const char *prefix;
    buffer_t text; // zero-terminated, end to end
    size_t count;
};

static err_t each_key(void *arg, struct span member) {
    struct keys *k = arg;
    buffer_text(&k->text, k->prefix);
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

static err_t read_one_record(store_t *self, const char *key, const redisReply *r,
                             const struct record_visit *v) {
    ProtobufCMessage *m = NULL;
    err_t e = r->type == REDIS_REPLY_ERROR ? pass_over_key(self, store_refusal(self, r), key)
                                           : build_record(self, key, r, v->d, v->arena, &m);
    if (!e && m)
        e = check_visited(self, v->visit(v->arg, m), key, (struct span){0}, (struct span){0});
    arena_reset(v->arena);
    return e;
}

static err_t read_records(store_t *self, unsigned n, const char *keys,
                          const struct record_visit *v) {
    err_t e = ERR_OK;
    for (unsigned i = 0; i < n; i++, keys += strlen(keys) + 1) {
        reply_t *r = store_next_reply(self);
        if (!r) return store_lost(self, "reading records");
        // the rest must still be taken off the connection
        if (!e) e = read_one_record(self, keys, r, v);
    }
    return e;
}

err_t store_records(store_t *self, const char *set_key, const char *prefix,
                    const ProtobufCMessageDescriptor *d, store_record_fn *visit, void *arg) {
    struct keys keys = {.prefix = prefix};
    err_t e = store_members(self, set_key, each_key, &keys);
    struct record_visit v = {d, visit, arg, arena_new(0)};
    const char *at = (const char *)keys.text.data;
    for (size_t done = 0; !e && done < keys.count;) {
        const char *first = at;
        unsigned n = 0;
        for (; n < PIPELINE && done < keys.count; n++, done++, at += strlen(at) + 1)
            redisAppendCommand(self->redis, "HGETALL %s", at);
        e = read_records(self, n, first, &v);
    }
    arena_destroy(&v.arena);
    buffer_destroy(&keys.text);
    return e;
}

static err_t read_reply_entry(const redisReply *r, struct journal_entry *out) {
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[1]->elements < 2)
        return ERR_INPUT;
    const redisReply *body = r->element[1]->element[1];
    out->envelope = (struct span){body->str, body->len};
    return entry_id_parse(r->element[0]->str, r->element[0]->len, &out->id);
}

err_t store_journal(store_t *self, const char *topic, struct entry_id after, size_t limit,
                    store_entry_fn *visit, void *arg, size_t *count) {
    char key[JOURNAL_KEY_TEXT];
    journal_key(topic, key);
    return store_stream(self, key, after, limit, visit, arg, count);
}

err_t store_stream(store_t *self, const char *key, struct entry_id after, size_t limit,
                   store_entry_fn *visit, void *arg, size_t *count) {
    char from[ENTRY_ID_TEXT + 1] = "(", most[24];
    entry_id_print(after, from + 1);
    snprintf(most, sizeof most, "%zu", limit);
    *count = 0;
    reply_t *r;
    err_t e = ASK(self, &r, S("XRANGE"), S(key), S(from), S("+"), S("COUNT"), S(most));
    for (size_t i = 0; !e && i < r->elements; i++) {
        struct journal_entry entry;
        e = read_reply_entry(r->element[i], &entry);
        if (!e) e = visit(arg, &entry);
        *count += 1;
    }
    return e;
}
