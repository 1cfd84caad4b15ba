// redecide - what the router decided in a recording, decided again: by the same configuration to the byte, by another to see the
// difference. SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(why) abort()
#include <uthash.h>
#include <utlist.h>

#include "common/clock.h"
#include "common/envelope.h"
#include "common/own.h"
#include "common/record.h"
#include "common/topology.h"
#include "execution.pb-c.h"
#include "files.h"
#include "place.h"
#include "price.pb-c.h"
#include "recording.h"
#include "simulate.h"
#include "system.pb-c.h"
#include "text.h"
#include "words.h"

#define FILE_MOST (16 * 1000 * 1000)
#define SHARDS    32
#define WINDOW    (5 * NS_PER_S) // a recording is in the order of reading, topic by topic; what happened is put in order within this

// A message at its own time: in a list in order of time; a signal, in a table until its routing comes.
struct item {
    uint64_t at;
    enum topic topic;
    ProtobufCMessage *m; // owned
    struct item *prev, *next;
    UT_hash_handle hh;
};

struct deciding {
    const struct call *call;
    book_t *book;
    simulated_router_t *router;
    bool other;             // by another configuration: the recording's is not looked at
    uint64_t configured_at; // UTC ns: of the configuration that the recording begins with
    struct item *events, *signals;
    const Routing *routing; // of the signal that is being decided again, as recorded
    unsigned long decided, same;
    struct sheet sheet;
};

static void item_destroy(struct item *i) {
    protobuf_c_message_free_unpacked(i->m, NULL);
    free(i);
}

static const char *signal_id_of(const ProtobufCMessage *m) {
    return m->descriptor == &signal__descriptor ? ((const Signal *)m)->signal_id : ((const Routing *)m)->signal_id;
}

// --- when something happened

static uint64_t time_of(const ProtobufCMessage *m, uint64_t heard) {
    if (m->descriptor == &routing__descriptor) return ((const Routing *)m)->routed_at;
    if (m->descriptor == &execution__descriptor) return ((const Execution *)m)->trade->updated_at;
    if (m->descriptor == &account_state__descriptor) return ((const AccountState *)m)->updated_at;
    if (m->descriptor == &command__descriptor) return ((const Command *)m)->created_at;
    if (m->descriptor == &config_change__descriptor) return ((const ConfigChange *)m)->changed_at;
    if (m->descriptor == &signal__descriptor) return ((const Signal *)m)->created_at;
    return heard;
}

static void put_in_order(struct deciding *d, struct item *new) {
    struct item *before = d->events ? d->events->prev : NULL; // the last one
    while (before && before->at > new->at) before = before == d->events ? NULL : before->prev;
    if (before)
        DL_APPEND_ELEM(d->events, before, new);
    else
        DL_PREPEND(d->events, new);
}

static void put_signal(struct deciding *d, struct item *new) {
    const char *id = signal_id_of(new->m);
    struct item *old;
    HASH_FIND_STR(d->signals, id, old);
    if (old) return item_destroy(new);
    HASH_ADD_KEYPTR(hh, d->signals, id, strlen(id), new);
}

static void free_all(struct deciding *d) {
    struct item *i, *next;
    DL_FOREACH_SAFE(d->events, i, next) item_destroy(i);
    HASH_ITER(hh, d->signals, i, next) {
        HASH_DEL(d->signals, i);
        item_destroy(i);
    }
}

// --- comparing

static bool same_bytes(const ProtobufCMessage *a, const ProtobufCMessage *b, arena_t *arena) {
    size_t n = protobuf_c_message_get_packed_size(a);
    if (n != protobuf_c_message_get_packed_size(b)) return false;
    uint8_t *one = arena_take(arena, n), *other = arena_take(arena, n);
    (void)protobuf_c_message_pack(a, one);
    (void)protobuf_c_message_pack(b, other);
    return memcmp(one, other, n) == 0;
}

static const Decision *decision_for(const Routing *r, const Decision *like, size_t at) {
    if (at < r->n_decisions && strcmp(r->decisions[at]->account_id, like->account_id) == 0) return r->decisions[at];
    for (size_t i = 0; i < r->n_decisions; i++) {
        if (strcmp(r->decisions[i]->account_id, like->account_id) == 0) return r->decisions[i];
    }
    return NULL;
}

static void add_decision(struct sheet *sheet, const Decision *d) {
    own(buffer) words = {0};
    sheet_add(sheet, d ? record_enum_name(&reason__code__descriptor, (int)d->reason) : NULL);
    if (d) decision_words(d, &words);
    sheet_add(sheet, buffer_string(&words));
}

static void add_row(struct deciding *d, const Decision *was, const Decision *is) {
    sheet_add(&d->sheet, d->routing->signal_id);
    sheet_add(&d->sheet, was ? was->account_id : is->account_id);
    add_decision(&d->sheet, was);
    add_decision(&d->sheet, is);
}

static void compare(struct deciding *d, const Routing *is) {
    own(arena) *arena = arena_new(0);
    const Routing *was = d->routing;
    if (same_bytes(&was->base, &is->base, arena)) {
        d->same++;
        return;
    }
    for (size_t i = 0; i < was->n_decisions; i++) {
        const Decision *now = decision_for(is, was->decisions[i], i);
        if (!now || !same_bytes(&was->decisions[i]->base, &now->base, arena)) add_row(d, was->decisions[i], now);
    }
    for (size_t i = 0; i < is->n_decisions; i++) {
        if (!decision_for(was, is->decisions[i], i)) add_row(d, NULL, is->decisions[i]);
    }
}

// --- what happens, in order

static void decide_again(struct deciding *d, const Routing *recorded) {
    struct item *signal;
    HASH_FIND_STR(d->signals, recorded->signal_id, signal);
    if (!signal) return; // it came before the recording began
    HASH_DEL(d->signals, signal);
    d->routing = recorded;
    d->decided++;
    const struct routed r = simulated_route(d->router, (const Signal *)signal->m, recorded->routed_at);
    if (r.routing) compare(d, r.routing);
    item_destroy(signal);
}

static void happen(struct deciding *d, const struct item *i) {
    if (i->m->descriptor == &routing__descriptor) return decide_again(d, (const Routing *)i->m);
    if (i->m->descriptor != &config_change__descriptor) return simulated_hear(d->router, i->topic, i->m, i->at);
    const ConfigChange *change = (const ConfigChange *)i->m;
    if (d->other || change->changed_at < d->configured_at) return;
    if (!book_apply(d->book, change)) simulated_configured(d->router);
}

static void configure(struct deciding *d, const struct recorded *r) {
    own(buffer) why = {0};
    if (d->other) return;
    d->configured_at = r->at;
    if (!simulated_book(r->body, r->at, d->book, &why)) (void)complain(ANSWER_NO, "the recording's configuration: %s", buffer_string(&why));
    simulated_configured(d->router);
}

static void go_on(struct deciding *d, uint64_t until) {
    while (d->events && d->events->at <= until) {
        struct item *i = d->events;
        DL_DELETE(d->events, i);
        happen(d, i);
        item_destroy(i);
    }
}

// What the router hears, and what it said.
static bool is_needed(const ProtobufCMessage *m) {
    const ProtobufCMessageDescriptor *const types[] = {&signal__descriptor,        &routing__descriptor, &execution__descriptor,
                                                       &account_state__descriptor, &command__descriptor, &price__descriptor,
                                                       &config_change__descriptor};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (m->descriptor == types[i]) return true;
    }
    return false;
}

static enum topic topic_of(const ProtobufCMessage *m) {
    if (m->descriptor == &command__descriptor) return TOPIC_commands;
    return m->descriptor == &signal__descriptor ? TOPIC_signals : TOPIC_executions;
}

static void take(struct deciding *d, const struct recorded *r) {
    struct envelope e = {.body = r->body};
    (void)snprintf(e.type, sizeof e.type, "%s", r->type);
    if (strcmp(r->type, RECORDED_CONFIGURATION) == 0) return configure(d, r);
    ProtobufCMessage *m = envelope_open(&e, NULL);
    if (!m) return;
    if (!is_needed(m)) return protobuf_c_message_free_unpacked(m, NULL);
    struct item *i = calloc(1, sizeof *i);
    if (!i) abort();
    *i = (struct item){.at = time_of(m, r->at), .topic = topic_of(m), .m = m};
    if (m->descriptor == &signal__descriptor)
        put_signal(d, i);
    else
        put_in_order(d, i);
    if (r->at > WINDOW) go_on(d, r->at - WINDOW);
}

// --- the command

static enum outcome say(struct deciding *d) {
    own(buffer) out = {0};
    if (d->call->json) {
        buffer_format(&out, "{\"signals\":%lu,\"same\":%lu,\"different\":", d->decided, d->same);
        sheet_json(&d->sheet, &out);
        buffer_text(&out, "}\n");
    } else {
        if (d->same < d->decided) sheet_print(&d->sheet, &out);
        buffer_format(&out, "%lu signals decided again, %lu as recorded\n", d->decided, d->same);
    }
    print_out(&out);
    return d->same == d->decided ? DONE : ANSWER_NO;
}

static enum outcome read_configuration(struct deciding *d) {
    const char *path = call_flag(d->call, "config");
    own(buffer) json = {0}, why = {0};
    if (!path) return DONE;
    d->other = true;
    enum outcome outcome = file_read_document(path, FILE_MOST, &json);
    if (outcome != DONE) return outcome;
    if (simulated_book((struct span){json.data, json.length}, clock_utc_ns(), d->book, &why)) return DONE;
    return complain(WRONG_USE, "%s:\n%s", path, buffer_string(&why));
}

static enum outcome run(struct deciding *d) {
    char why[256];
    struct recorded r;
    enum outcome outcome = read_configuration(d);
    if (outcome != DONE) return outcome;
    own(recording) *file = recording_open(d->call->args[0], why);
    if (!file) return complain(WRONG_USE, "%s", why);
    d->router = simulated_router_new(d->book, SHARDS, why);
    if (!d->router) return complain(WRONG_USE, "%s", why);
    simulated_configured(d->router);
    while (recording_next(file, &r)) take(d, &r);
    go_on(d, UINT64_MAX);
    if (!d->decided) return complain(ANSWER_NO, "no signal and its routing are in %s", d->call->args[0]);
    return say(d);
}

enum outcome run_redecide(struct call *call) {
    struct deciding d = {.call = call, .book = book_new()};
    sheet_start(&d.sheet, "SIGNAL|ACCOUNT|WAS|WHY|IS|WHY NOW");
    enum outcome outcome = run(&d);
    free_all(&d);
    simulated_router_destroy(&d.router);
    sheet_destroy(&d.sheet);
    book_destroy(&d.book);
    return outcome;
}
