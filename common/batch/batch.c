// batch - what a handler writes into, as RESP commands ready for MULTI/EXEC and packed envelopes
// ready to send.
// SPDX-License-Identifier: MIT
#include "common/batch/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/batch/batch_commit.h"
#include "common/delivery/envelope.h"
#include "common/redis/journal.h"
#include "common/redis/resp.h"
#include "common/redis/runs.h"
#include "common/schema/record.h"
#include "system.pb-c.h"

#define SLICE_MAX 64

// The fields of a message, counted first and then written behind the head.
struct fields {
    buffer_t bytes;
    unsigned count;
};

struct batch {
    char service[64];
    const char *slice[SLICE_MAX];
    size_t slice_length[SLICE_MAX];
    size_t slices;
    char own[3][96]; // <name>:, position:<name>, deadletter:<name>
    struct outlet *outlets;
    size_t n_outlets;

    uint64_t incarnation, now, mono, look_ns;
    arena_t *arena;
    buffer_t bytes; // RESP commands
    // envelopes, end to end; outgoing entries hold offsets until they are asked for
    buffer_t frames;
    unsigned commands;
    // what many messages write to: goes behind the commands when the batch is asked for
    struct runs runs;
    struct outgoing *outgoing;
    size_t n_outgoing, outgoing_room;
    struct fields fields; // of the message that is kept
    buffer_t scratch;     // of whoever writes
    struct lately lately; // alerts
    uint64_t buried;      // counts up
    err_t fault;
    char why[160];
};

static void allow_prefix(batch_t *self, const char *prefix) {
    if (self->slices == SLICE_MAX) abort();
    self->slice[self->slices] = prefix;
    self->slice_length[self->slices++] = strlen(prefix);
}

batch_t *batch_new(const char *service, const char *const *slice, struct outlet *outlets,
                   size_t n_outlets) {
    batch_t *self = alloc_zeroed(1, sizeof *self);
    snprintf(self->service, sizeof self->service, "%s", service);
    snprintf(self->own[0], sizeof self->own[0], "%s:", service);
    snprintf(self->own[1], sizeof self->own[1], "position:%s", service);
    snprintf(self->own[2], sizeof self->own[2], "deadletter:%s", service);
    for (size_t i = 0; i < sizeof self->own / sizeof self->own[0]; i++)
        allow_prefix(self, self->own[i]);
    for (; slice && *slice; slice++) allow_prefix(self, *slice);
    self->outlets = outlets;
    self->n_outlets = n_outlets;
    self->arena = arena_new(0);
    return self;
}

void batch_destroy(batch_t **self) {
    if (!*self) return;
    arena_destroy(&(*self)->arena);
    buffer_destroy(&(*self)->bytes);
    buffer_destroy(&(*self)->frames);
    buffer_destroy(&(*self)->fields.bytes);
    buffer_destroy(&(*self)->scratch);
    runs_destroy(&(*self)->runs);
    free((*self)->outgoing);
    free(*self);
    *self = NULL;
}

void batch_begin(batch_t *self, uint64_t incarnation, uint64_t utc_ns, uint64_t mono_ns) {
    self->incarnation = incarnation;
    self->now = utc_ns;
    self->mono = mono_ns;
    arena_reset(self->arena);
    buffer_clear(&self->bytes);
    buffer_clear(&self->frames);
    runs_clear(&self->runs);
    self->commands = 0;
    self->n_outgoing = 0;
    self->fault = ERR_OK;
}

const char *batch_service(const batch_t *self) { return self->service; }
void batch_look_for(batch_t *self, uint64_t ns) { self->look_ns = ns; }

uint64_t batch_now(const batch_t *self) { return self->now; }
uint64_t batch_mono(const batch_t *self) { return self->mono; }
arena_t *batch_arena(batch_t *self) { return self->arena; }
struct lately *batch_lately(batch_t *self) {
    return &self->lately;
}

buffer_t *batch_scratch(batch_t *self) {
    buffer_clear(&self->scratch);
    return &self->scratch;
}

uint64_t batch_look_until(const batch_t *self) { return self->now + self->look_ns; }

struct batch_mark batch_mark_now(const batch_t *self) {
    return (struct batch_mark){self->bytes.length, self->frames.length, self->n_outgoing,
                               runs_mark(&self->runs), self->commands};
}

void batch_back_to(batch_t *self, struct batch_mark mark) {
    while (self->n_outgoing > mark.outgoing) {
        struct outgoing *o = &self->outgoing[--self->n_outgoing];
        if (o->outlet) ((struct outlet *)o->outlet)->head = o->prev;
    }
    self->bytes.length = mark.bytes;
    self->frames.length = mark.frames;
    self->commands = mark.commands;
    runs_back_to(&self->runs, mark.gathered);
}

err_t batch_fault(const batch_t *self, char why[static 160]) {
    if (self->fault) memcpy(why, self->why, sizeof self->why);
    return self->fault;
}

bool batch_is_empty(const batch_t *self) { return !batch_commands(self) && !self->n_outgoing; }
unsigned batch_commands(const batch_t *self) {
    return self->commands + (unsigned)runs_count(&self->runs);
}

void batch_gather(batch_t *self) {
    runs_write(&self->runs, &self->bytes);
    self->commands += (unsigned)runs_count(&self->runs);
    runs_clear(&self->runs);
}

struct span batch_bytes(batch_t *self) {
    batch_gather(self);
    return buffer_span(&self->bytes);
}

size_t batch_outgoing(batch_t *self, const struct outgoing **out) {
    const uint8_t *at = self->frames.data;
    for (size_t i = 0; i < self->n_outgoing; i++) {
        self->outgoing[i].envelope.data = at;
        at += self->outgoing[i].envelope.length;
    }
    *out = self->outgoing;
    return self->n_outgoing;
}

const ProtobufCMessage *batch_opened(batch_t *self, const struct outgoing *o) {
    struct envelope e;
    if (envelope_read(o->outlet ? o->outlet->name : o->feed, o->envelope, &e)) return NULL;
    return envelope_open(&e, self->arena);
}

// --- commands

static void refuse_key(batch_t *self, const char *what, const struct span *key) {
    self->fault = ERR_OWNER;
    snprintf(self->why, sizeof self->why, "%s: %.*s", what,
             (int)(key->length > 100 ? 100 : key->length), (const char *)key->data);
}

static bool is_journal_of(const batch_t *self, const struct span *key) {
    size_t skip = sizeof JOURNAL - 1;
    if (key->length <= skip || memcmp(key->data, JOURNAL, skip) != 0) return false;
    for (size_t i = 0; i < self->n_outlets; i++) {
        const char *name = self->outlets[i].name;
        if (strlen(name) == key->length - skip &&
            memcmp((const char *)key->data + skip, name, key->length - skip) == 0)
            return true;
    }
    return false;
}

static bool is_own_key(const batch_t *self, const struct span *key) {
    for (size_t i = 0; i < self->slices; i++) {
        if (key->length >= self->slice_length[i] &&
            memcmp(key->data, self->slice[i], self->slice_length[i]) == 0)
            return true;
    }
    return is_journal_of(self, key);
}

bool batch_may_write(const batch_t *self, const char *key) {
    return is_own_key(self, &(struct span){key, strlen(key)});
}

static void write_command(batch_t *self, unsigned argc, const struct span *argv) {
    resp_count(&self->bytes, '*', argc);
    for (unsigned i = 0; i < argc; i++) resp_bulk(&self->bytes, argv[i]);
    self->commands++;
}

void batch_raw(batch_t *self, unsigned argc, const struct span *argv) {
    if (is_own_key(self, &argv[1]))
        write_command(self, argc, argv);
    else
        refuse_key(self, "a key outside the slice", &argv[1]);
}

#define SPAN(text) ((struct span){(text), strlen(text)})

static void write_command3(batch_t *self, const char *verb, const char *key, struct span value) {
    batch_raw(self, 3, (struct span[]){SPAN(verb), SPAN(key), value});
}

static void keep_field(void *arg, const ProtobufCFieldDescriptor *f, struct span value) {
    struct fields *k = arg;
    resp_bulk(&k->bytes, SPAN(f->name));
    resp_bulk(&k->bytes, value);
    k->count++;
}

void batch_keep(batch_t *self, const char *key, const ProtobufCMessage *m) {
    batch_keep_but(self, key, m, NULL);
}

void batch_keep_but(batch_t *self, const char *key, const ProtobufCMessage *m,
                    const struct record_mask *but) {
    struct fields *k = &self->fields;
    struct span at = SPAN(key);
    if (!is_own_key(self, &at)) return refuse_key(self, "a key outside the slice", &at);
    buffer_clear(&k->bytes);
    k->count = 0;
    record_each_but(m, but, keep_field, k);
    if (!k->count) return;
    resp_count(&self->bytes, '*', 2 + 2 * k->count);
    resp_bulk(&self->bytes, SPAN("HSET"));
    resp_bulk(&self->bytes, at);
    buffer_add(&self->bytes, k->bytes.data, k->bytes.length);
    self->commands++;
}

void batch_field_bytes(batch_t *self, const char *key, struct span field, struct span value) {
    batch_raw(self, 4, (struct span[]){SPAN("HSET"), SPAN(key), field, value});
}

void batch_field(batch_t *self, const char *key, const char *field, const char *value) {
    batch_field_bytes(self, key, SPAN(field), SPAN(value));
}

void batch_field_drop(batch_t *self, const char *key, const char *field) {
    write_command3(self, "HDEL", key, SPAN(field));
}
void batch_set(batch_t *self, const char *key, struct span value) {
    write_command3(self, "SET", key, value);
}

void batch_set_until(batch_t *self, const char *key, struct span value, uint64_t utc_ns) {
    char ms[24];
    snprintf(ms, sizeof ms, "%llu", (unsigned long long)(utc_ns / NS_PER_MS));
    batch_raw(self, 5, (struct span[]){SPAN("SET"), SPAN(key), value, SPAN("PXAT"), SPAN(ms)});
}

void batch_drop(batch_t *self, const char *key) {
    // after what it takes away
    if (runs_has(&self->runs, key)) return runs_add(&self->runs, "UNLINK", key, 0, NULL);
    batch_raw(self, 2, (struct span[]){SPAN("UNLINK"), SPAN(key)});
}

void batch_expire_at(batch_t *self, const char *key, uint64_t utc_ns) {
    char ms[24];
    snprintf(ms, sizeof ms, "%llu", (unsigned long long)(utc_ns / NS_PER_MS));
    write_command3(self, "PEXPIREAT", key, SPAN(ms));
}

static void gather_into_run(batch_t *self, const char *verb, const char *key, size_t n,
                            const struct span *values) {
    if (is_own_key(self, &SPAN(key)))
        runs_add(&self->runs, verb, key, n, values);
    else
        refuse_key(self, "a key outside the slice", &SPAN(key));
}

void batch_member(batch_t *self, const char *key, const char *member) {
    gather_into_run(self, "SADD", key, 1, &SPAN(member));
}
void batch_member_drop(batch_t *self, const char *key, const char *member) {
    gather_into_run(self, "SREM", key, 1, &SPAN(member));
}
void batch_entry(batch_t *self, const char *key, struct span field, struct span value) {
    gather_into_run(self, "HSET", key, 2, (struct span[]){field, value});
}
void batch_entry_drop(batch_t *self, const char *key, struct span field) {
    gather_into_run(self, "HDEL", key, 1, &field);
}

// --- dead letters

void batch_buried_before(batch_t *self, uint64_t n) { self->buried = n; }
uint64_t batch_buried(const batch_t *self) { return self->buried; }

void batch_last_letter(const batch_t *self, char id[static ENTRY_ID_TEXT]) {
    entry_id_print((struct entry_id){self->incarnation, self->buried}, id);
}

void batch_unbury(batch_t *self, const char *id) {
    batch_raw(self, 3, (struct span[]){SPAN("XDEL"), SPAN(self->own[2]), SPAN(id)});
}

void batch_bury(batch_t *self, const struct dead *dead) {
    DeadLetter letter = DEAD_LETTER__INIT;
    letter.topic = (char *)dead->topic;
    letter.id = (char *)dead->id;
    letter.type = (char *)dead->type;
    letter.reason = (char *)dead->reason;
    letter.body.data = (uint8_t *)dead->body.data;
    letter.body.len = dead->body.length;
    letter.created_at = self->now;
    size_t size = dead_letter__get_packed_size(&letter);
    uint8_t *packed = arena_take(self->arena, size);
    dead_letter__pack(&letter, packed);
    char id[ENTRY_ID_TEXT];
    self->buried++;
    batch_last_letter(self, id);
    batch_raw(
        self, 5,
        (struct span[]){SPAN("XADD"), SPAN(self->own[2]), SPAN(id), SPAN("e"), {packed, size}});
    batch_alert(self, ALERT__SEVERITY__critical, "deadletter", self->service, "%s %s of %s: %s",
                dead->type, dead->id, dead->topic, dead->reason);
}

// --- messages

static struct outgoing *outgoing_add(batch_t *self) {
    array_reserve(self->outgoing, self->n_outgoing, self->outgoing_room);
    struct outgoing *o = &self->outgoing[self->n_outgoing++];
    *o = (struct outgoing){0};
    return o;
}

static struct outlet *outlet_of(batch_t *self, enum topic topic, unsigned shard) {
    for (size_t i = 0; i < self->n_outlets; i++) {
        if (self->outlets[i].topic == topic && self->outlets[i].shard == shard)
            return &self->outlets[i];
    }
    return NULL;
}

static struct entry_id position_after(struct entry_id head, uint64_t incarnation) {
    if (head.incarnation == incarnation) return (struct entry_id){incarnation, head.sequence + 1};
    return (struct entry_id){incarnation, 1};
}

void batch_emit(batch_t *self, enum topic topic, unsigned shard, const ProtobufCMessage *body) {
    struct outlet *outlet = outlet_of(self, topic, shard);
    if (!outlet)
        return refuse_key(self, "a topic of another service", &SPAN(body->descriptor->name));
    struct outgoing *o = outgoing_add(self);
    o->outlet = outlet;
    o->type = body->descriptor->name;
    o->prev = outlet->head;
    o->id = outlet->head = position_after(outlet->head, self->incarnation);
    size_t start = self->frames.length;
    envelope_write(&self->frames, outlet->name, o->id, o->prev, body);
    o->envelope.length = self->frames.length - start;

    char key[JOURNAL_KEY_TEXT], id[ENTRY_ID_TEXT];
    journal_key(outlet->name, key);
    entry_id_print(o->id, id);
    struct span frame = {self->frames.data + start, o->envelope.length};
    write_command(self, 5, (struct span[]){SPAN("XADD"), SPAN(key), SPAN(id), SPAN("e"), frame});
}

void batch_publish(batch_t *self, const char *feed, const ProtobufCMessage *body) {
    struct outgoing *o = outgoing_add(self);
    o->feed = feed;
    o->type = body->descriptor->name;
    size_t start = self->frames.length;
    envelope_write(&self->frames, feed, ENTRY_ID_NONE, ENTRY_ID_NONE, body);
    o->envelope.length = self->frames.length - start;
}
