// redecide - what the router decided in a recording that has no traces, decided again in order of time.
// SPDX-License-Identifier: MIT
#include "replay/redecide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/array.h"
#include "common/clock.h"
#include "common/envelope.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/own.h"
#include "execution.pb-c.h"
#include "cli/files.h"
#include "price.pb-c.h"
#include "replay/recording.h"
#include "cli/simulate.h"
#include "system.pb-c.h"

#define FILE_MOST    (16 * 1000 * 1000)
#define SHARDS       32
#define WINDOW       (5 * NS_PER_S) // a recording is in the order of reading, topic by topic; what happened is put in order within this
#define SIGNALS_MOST 200000         // that wait for their routing

// A message at its own time: in the heap until its time has come; a signal, in a table until its routing comes.
struct item {
    uint64_t at, order; // order: of reading, for those of one time
    enum topic topic;
    ProtobufCMessage *m; // owned
    UT_hash_handle hh;
};

// Items by time, the earliest first: a binary heap.
struct heap {
    struct item **items;
    size_t n, room;
};

struct deciding {
    const struct offline_options *options;
    struct offline_result *result;
    struct offline_service *router;
    book_t *book;
    simulated_router_t *decider;
    uint64_t configured_at; // UTC ns: of the configuration that the recording begins with
    uint64_t read;
    struct heap events;
    struct item *signals;
    arena_t *arena;
};

static void item_destroy(struct item *i) {
    protobuf_c_message_free_unpacked(i->m, NULL);
    free(i);
}

static const char *signal_id_of(const ProtobufCMessage *m) {
    return m->descriptor == &signal__descriptor ? ((const Signal *)m)->signal_id : ((const Routing *)m)->signal_id;
}

// --- the heap

static bool before(const struct item *a, const struct item *b) { return a->at != b->at ? a->at < b->at : a->order < b->order; }

static void heap_add(struct heap *h, struct item *new) {
    array_reserve(h->items, h->n, h->room);
    size_t at = h->n++;
    for (; at && before(new, h->items[(at - 1) / 2]); at = (at - 1) / 2) h->items[at] = h->items[(at - 1) / 2];
    h->items[at] = new;
}

static struct item *heap_take(struct heap *h) {
    struct item *first = h->items[0], *last = h->items[--h->n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < h->n; at = child) {
        if (child + 1 < h->n && before(h->items[child + 1], h->items[child])) child++;
        if (!before(h->items[child], last)) break;
        h->items[at] = h->items[child];
    }
    if (h->n) h->items[at] = last;
    return first;
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

static void put_signal(struct deciding *d, struct item *new) {
    const char *id = signal_id_of(new->m);
    struct item *old;
    HASH_FIND_STR(d->signals, id, old);
    if (old) return item_destroy(new);
    HASH_ADD_KEYPTR(hh, d->signals, id, strlen(id), new);
    if (HASH_COUNT(d->signals) <= SIGNALS_MOST) return;
    old = d->signals; // the one that waits longest: its routing is not in the recording
    HASH_DEL(d->signals, old);
    item_destroy(old);
}

static void free_all(struct deciding *d) {
    struct item *i, *next;
    while (d->events.n) item_destroy(heap_take(&d->events));
    free(d->events.items);
    HASH_ITER(hh, d->signals, i, next) {
        HASH_DEL(d->signals, i);
        item_destroy(i);
    }
}

// --- comparing

static struct said said_of(const ProtobufCMessage *m, arena_t *arena) {
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *packed = arena_take(arena, n + 1);
    (void)protobuf_c_message_pack(m, packed);
    return (struct said){m->descriptor->name, {packed, n}};
}

static void compare_routings(struct deciding *d, const Routing *recorded, const Routing *made) {
    arena_reset(d->arena);
    const struct said was = said_of(&recorded->base, d->arena), is = said_of(&made->base, d->arena);
    compare(&d->result->compared, &(struct both){"router", &was, &is, 1, 1}, &d->router->messages);
}

// --- what happens, in order

static void decide_again(struct deciding *d, const Routing *recorded) {
    struct item *signal;
    HASH_FIND_STR(d->signals, recorded->signal_id, signal);
    if (!signal) return; // it came before the recording began
    HASH_DEL(d->signals, signal);
    d->router->batches++;
    const struct routed r = simulated_route(d->decider, (const Signal *)signal->m, recorded->routed_at);
    if (r.routing) compare_routings(d, recorded, r.routing);
    item_destroy(signal);
}

static void happen(struct deciding *d, const struct item *i) {
    if (i->m->descriptor == &routing__descriptor) return decide_again(d, (const Routing *)i->m);
    if (i->m->descriptor != &config_change__descriptor) return simulated_hear(d->decider, i->topic, i->m, i->at);
    const ConfigChange *change = (const ConfigChange *)i->m;
    if (d->options->config || change->changed_at < d->configured_at) return;
    if (!book_apply(d->book, change)) simulated_configured(d->decider);
}

static void configure(struct deciding *d, const struct recorded *r) {
    own(buffer) why = {0};
    if (d->options->config) return;
    d->configured_at = r->at;
    if (!simulated_book(r->body, r->at, d->book, &why)) (void)complain_of_call(ANSWER_NO, "the recording's configuration: %s", buffer_string(&why));
    simulated_configured(d->decider);
}

static void go_on(struct deciding *d, uint64_t until) {
    while (d->events.n && d->events.items[0]->at <= until) {
        struct item *i = heap_take(&d->events);
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
    struct item *i = alloc_zeroed(1, sizeof *i);
    *i = (struct item){.at = time_of(m, r->at), .order = d->read++, .topic = topic_of(m), .m = m};
    if (m->descriptor == &signal__descriptor)
        put_signal(d, i);
    else
        heap_add(&d->events, i);
    if (r->at > WINDOW) go_on(d, r->at - WINDOW);
}

// --- the whole

static enum outcome read_configuration(struct deciding *d) {
    const char *path = d->options->config;
    own(buffer) json = {0}, why = {0};
    if (!path) return DONE;
    enum outcome outcome = file_read_document(path, FILE_MOST, &json);
    if (outcome != DONE) return outcome;
    if (simulated_book((struct span){json.data, json.length}, clock_utc_ns(), d->book, &why)) return DONE;
    return complain_of_call(WRONG_USE, "%s:\n%s", path, buffer_string(&why));
}

static enum outcome run(struct deciding *d) {
    char why[256];
    struct recorded r;
    enum outcome outcome = read_configuration(d);
    if (outcome != DONE) return outcome;
    own(recording) *file = recording_open(d->options->path, why);
    if (!file) return complain_of_call(WRONG_USE, "%s", why);
    d->decider = simulated_router_new(d->book, SHARDS, why);
    if (!d->decider) return complain_of_call(WRONG_USE, "%s", why);
    simulated_configured(d->decider);
    log_start("replay", LOG_LEVEL_NONE);
    while (recording_next(file, &r)) take(d, &r);
    go_on(d, UINT64_MAX);
    if (!d->router->batches) return complain_of_call(ANSWER_NO, "no signal and its routing are in %s", d->options->path);
    return DONE;
}

enum outcome redecide(const struct offline_options *options, struct offline_result *out) {
    struct deciding d = {.options = options, .result = out, .router = &out->services[0], .book = book_new(), .arena = arena_new(0)};
    (void)snprintf(d.router->service, sizeof d.router->service, "router");
    out->n = 1;
    enum outcome outcome = run(&d);
    free_all(&d);
    simulated_router_destroy(&d.decider);
    book_destroy(&d.book);
    arena_destroy(&d.arena);
    return outcome;
}
