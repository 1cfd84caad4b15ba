// offline - what services did in a recording, done again.
// SPDX-License-Identifier: MIT
#include "replay/offline_part.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/own.h"
#include "common/sql.h"
#include "cli/files.h"
#include "services/archiver/archiver.h"
#include "services/executor/executor.h"
#include "services/reconciler/reconciler.h"
#include "services/router/router.h"
#include "cli/simulate.h"

#define FILE_MOST (16 * 1000 * 1000)
#define KEPT_MOST ((size_t)256 << 20)

static volatile sig_atomic_t asked_to_stop;
static void on_signal(int number) {
    (void)number;
    asked_to_stop = 1;
}

// --- who there is

static const struct service *service_called(const char *name) {
    static const struct service *const all[] = {&router_service, &executor_service, &reconciler_service, &archiver_service};
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *role = role_name(all[i]->role);
        if (strlen(role) == n && strncmp(role, name, n) == 0) return all[i];
    }
    return NULL;
}

struct process *process_called(struct offline *o, const char *name) {
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->processes[i].name, name) == 0) return &o->processes[i];
    }
    return NULL;
}

static bool is_wanted(const struct offline *o, const char *name) {
    const char *wanted = o->options->service;
    return !wanted || strcmp(wanted, "all") == 0 || strcmp(wanted, name) == 0 || strncmp(wanted, name, strcspn(name, ".")) == 0;
}

static void process_add(struct offline *o, const Trace *t) {
    const struct service *service = service_called(t->service);
    struct stream inlets[2 * INSTANCES_MAX];
    struct instance me = {.shard = t->start ? t->start->shard : 0};
    if (!service || !is_wanted(o, t->service) || o->n == sizeof o->result->services / sizeof *o->result->services) return;
    struct process *p = &o->processes[o->n];
    p->reader = (unsigned)o->n;
    p->service = *service;
    if (service->role == ARCHIVER) p->service.open = NULL; // nobody asks it anything
    p->result = &o->result->services[o->n++];
    (void)snprintf(p->name, sizeof p->name, "%s", t->service);
    (void)snprintf(p->result->service, sizeof p->result->service, "%s", t->service);
    me.role = service->role;
    instance_name(me.role, me.shard, me.name);
    unsigned shards = t->start ? t->start->shards : 1;
    size_t n = topology_inlets(&me, shards, inlets);
    for (size_t i = 0; i < n; i++) kept_want(o->kept, inlets[i].name, p->reader);
    p->n_outlets = topology_outlets(&me, shards, p->outlets);
    for (size_t i = 0; i < p->n_outlets; i++) {
        if (p->outlets[i].topic != TOPIC_incidents) kept_want(o->kept, p->outlets[i].name, p->reader);
    }
}

static Trace *trace_of(const struct recorded *r) {
    return strcmp(r->type, trace__descriptor.name) == 0 ? trace__unpack(NULL, r->body.length, r->body.data) : NULL;
}

typedef bool record_fn(struct offline *o, const struct recorded *r);

static bool each(struct offline *o, record_fn *visit) {
    char why[200];
    struct recorded r;
    own(recording) *file = recording_open(o->options->path, why);
    if (!file) return o->outcome = complain_of_call(WRONG_USE, "%s", why), false;
    while (!asked_to_stop && recording_next(file, &r)) {
        if (!visit(o, &r)) return false;
    }
    if (recording_torn(file))
        (void)complain_of_call(ANSWER_NO, "%s: its last record is not whole; what stands before it was read", o->options->path);
    return !asked_to_stop;
}

static void beginning_add(struct process *p, const Trace *t) {
    p->beginnings = alloc_resized(p->beginnings, p->n_beginnings + 1, sizeof *p->beginnings);
    p->beginnings[p->n_beginnings++] = (struct beginning){t->incarnation, t->number, t->start->batch};
}

static bool look(struct offline *o, const struct recorded *r) {
    Trace *t = trace_of(r);
    if (!t) return true;
    if (!process_called(o, t->service)) process_add(o, t);
    struct process *p = process_called(o, t->service);
    if (p && t->start) beginning_add(p, t);
    trace__free_unpacked(t, NULL);
    return true;
}

// --- what there was before

static bool restore(struct offline *o, const struct recorded *r) {
    own(buffer) answer = {0};
    KeptKey *k = kept_key__unpack(NULL, r->body.length, r->body.data);
    if (!k) return true;
    const struct span argv[] = {span_of("RESTORE"), span_of(k->key), span_of("0"), {k->dump.data, k->dump.len}, span_of("REPLACE")};
    err_t e = store_command(o->store, 5, argv, &answer);
    o->stateful = true;
    if (e) o->outcome = complain_of_call(NO_REACH, "%s cannot be restored: %s", k->key, store_trouble(o->store));
    kept_key__free_unpacked(k, NULL);
    return !e;
}

uint64_t offline_batch_held(struct offline *o, const struct process *p, uint64_t incarnation) {
    char key[NAME_TEXT + 8];
    own(buffer) text = {0};
    struct entry_id id;
    (void)snprintf(key, sizeof key, "%s:batch", p->name);
    if (store_get(o->store, key, &text) || entry_id_parse(buffer_string(&text), text.length, &id)) return 0;
    return id.incarnation == incarnation ? id.sequence : 0;
}

static void configure(struct offline *o, const struct recorded *r) {
    if (o->options->config) return;
    buffer_clear(&o->document);
    buffer_add(&o->document, r->body.data, r->body.length);
    o->configured_at = r->at;
}

book_t *offline_book(struct offline *o) {
    own(buffer) why = {0};
    book_t *book = book_new();
    const struct span document = {o->document.data, o->document.length};
    if (document.length && !simulated_book(document, o->configured_at, book, &why))
        (void)complain_of_call(ANSWER_NO, "the recording's configuration: %s", buffer_string(&why));
    return book;
}

static bool take(struct offline *o, const struct recorded *r) {
    if (strcmp(r->type, RECORDED_CONFIGURATION) == 0) return configure(o, r), true;
    if (strcmp(r->type, kept_key__descriptor.name) == 0) return restore(o, r);
    Trace *t = trace_of(r);
    if (t) return process_trace(o, t);
    struct envelope e = {.id = r->id, .prev = r->prev, .body = r->body};
    (void)snprintf(e.type, sizeof e.type, "%s", r->type);
    if (r->id.incarnation) kept_add(o->kept, r->topic, &e);
    return true;
}

// --- the whole

static bool prepare(struct offline *o) {
    char why[256];
    if (!sandbox_begin(&o->sandbox, why)) return o->outcome = complain_of_call(NO_REACH, "%s", why), false;
    o->store = store_new(&(struct store_options){o->sandbox.redis, "", "", 10000});
    if (store_connect(o->store)) return o->outcome = complain_of_call(NO_REACH, "%s", store_trouble(o->store)), false;
    (void)snprintf(o->archive, sizeof o->archive, "%s%s", o->options->archive ? o->options->archive : o->sandbox.directory,
                   o->options->archive ? "" : "/archive.db");
    const char *const settings[] = {"database", o->archive, "audit_log", "off", "retain_days", "0"};
    memcpy(o->settings, settings, sizeof settings);
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    log_start("replay", LOG_LEVEL_NONE);
    rerun_enter();
    return true;
}

static void end(struct offline *o) {
    for (size_t i = 0; i < o->n; i++) {
        process_end(&o->processes[i]);
        book_destroy(&o->processes[i].book);
        free(o->processes[i].beginnings);
    }
    rerun_leave();
    o->result->lost = kept_lost(o->kept);
    store_destroy(&o->store);
    sandbox_end(&o->sandbox);
    kept_destroy(&o->kept);
    buffer_destroy(&o->document);
    free(o->was);
    free(o->is);
}

static bool read_configuration(struct offline *o) {
    if (!o->options->config) return true;
    own(buffer) why = {0};
    o->outcome = file_read_document(o->options->config, FILE_MOST, &o->document);
    if (o->outcome != DONE) return false;
    book_t *book = book_new();
    bool good = simulated_book((struct span){o->document.data, o->document.length}, 1, book, &why);
    book_destroy(&book);
    if (!good) o->outcome = complain_of_call(WRONG_USE, "%s:\n%s", o->options->config, buffer_string(&why));
    return good;
}

enum outcome offline_run(const struct offline_options *options, struct offline_result *out) {
    struct offline *o = alloc_zeroed(1, sizeof *o);
    o->options = options;
    o->result = out;
    o->kept = kept_new(KEPT_MOST);
    comparing_begin(&out->compared);
    if (read_configuration(o) && each(o, look)) {
        if (!o->n)
            o->outcome = ANSWER_NO;
        else if (prepare(o))
            (void)each(o, take);
    }
    if (asked_to_stop) o->outcome = complain_of_call(ANSWER_NO, "interrupted");
    enum outcome outcome = o->outcome;
    end(o);
    out->n = o->n;
    free(o);
    return outcome;
}

void offline_result_end(struct offline_result *out) { comparing_end(&out->compared); }
