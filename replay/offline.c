// offline - what services did in a recording, done again.
// SPDX-License-Identifier: MIT
#include "common/program/stop.h"
#include "replay/offline_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files.h"
#include "cli/simulate/simulate.h"
#include "common/base/alloc.h"
#include "common/base/own.h"
#include "common/schema/record.h"

#define FILE_MOST (16 * 1000 * 1000)
#define KEPT_MOST ((size_t)256 << 20)

// --- who there is

static bool role_of(const char *name, enum role *out) {
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < RERUN_ROLES; i++) {
        const char *role = role_name(*out = rerun_roles[i]);
        if (strlen(role) == n && strncmp(role, name, n) == 0) return true;
    }
    return false;
}

struct process *process_called(struct offline *o, const char *name) {
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->processes[i].name, name) == 0) return &o->processes[i];
    }
    return NULL;
}

static bool is_wanted_service(const struct offline *o, const char *name) {
    const char *wanted = o->options->service;
    return !wanted || strcmp(wanted, "all") == 0 || strcmp(wanted, name) == 0 ||
           strncmp(wanted, name, strcspn(name, ".")) == 0;
}

static void process_add(struct offline *o, const Trace *t) {
    struct stream inlets[2 * INSTANCES_MAX];
    struct instance me = {.shard = t->start ? t->start->shard : 0};
    if (!role_of(t->service, &me.role) || !is_wanted_service(o, t->service)) return;
    if (o->n == sizeof o->result->services / sizeof *o->result->services) return;
    struct process *p = &o->processes[o->n];
    p->reader = (unsigned)o->n;
    p->role = me.role;
    p->result = &o->result->services[o->n++];
    (void)snprintf(p->name, sizeof p->name, "%s", t->service);
    (void)snprintf(p->result->service, sizeof p->result->service, "%s", t->service);
    instance_name(me.role, me.shard, me.name);
    unsigned shards = t->start ? t->start->shards : 1;
    size_t n = topology_inlets(&me, shards, inlets);
    for (size_t i = 0; i < n; i++) kept_want(o->kept, inlets[i].name, p->reader);
    p->n_outlets = topology_outlets(&me, shards, p->outlets);
    for (size_t i = 0; i < p->n_outlets; i++) {
        if (p->outlets[i].topic != TOPIC_incidents)
            kept_want(o->kept, p->outlets[i].name, p->reader);
    }
}

static Trace *trace_of(const struct recorded *r) {
    return strcmp(r->type, trace__descriptor.name) == 0
               ? trace__unpack(NULL, r->body.length, r->body.data)
               : NULL;
}

typedef bool record_fn(struct offline *o, const struct recorded *r);

static bool visit_offline_records(struct offline *o, record_fn *visit) {
    char why[200];
    struct recorded r;
    own(recording) *file = recording_open(o->options->path, why);
    if (!file) return o->outcome = complain_of_call(WRONG_USE, "%s", why), false;
    while (!stop_asked && recording_next(file, &r)) {
        if (!visit(o, &r)) return false;
    }
    if (recording_torn(file))
        (void)complain_of_call(ANSWER_NO,
                               "%s: its last record is not whole; what stands before it was read",
                               o->options->path);
    return !stop_asked;
}

static void beginning_add(struct process *p, const Trace *t) {
    p->beginnings = alloc_resized(p->beginnings, p->n_beginnings + 1, sizeof *p->beginnings);
    p->beginnings[p->n_beginnings++] =
        (struct beginning){t->incarnation, t->number, t->start->batch};
}

static bool find_trace_process(struct offline *o, const struct recorded *r) {
    Trace *t = trace_of(r);
    if (!t) return true;
    if (!process_called(o, t->service)) process_add(o, t);
    struct process *p = process_called(o, t->service);
    if (p && t->start) beginning_add(p, t);
    trace__free_unpacked(t, NULL);
    return true;
}

// --- what there was before

static bool restore_kept_key(struct offline *o, const struct recorded *r) {
    own(buffer) answer = {0};
    KeptKey *k = kept_key__unpack(NULL, r->body.length, r->body.data);
    if (!k) return true;
    const struct span argv[] = {span_of("RESTORE"),
                                span_of(k->key),
                                span_of("0"),
                                {k->dump.data, k->dump.len},
                                span_of("REPLACE")};
    err_t e = store_command(o->store, 5, argv, &answer);
    o->stateful = true;
    if (e)
        o->outcome = complain_of_call(NO_REACH, "%s cannot be restored: %s", k->key,
                                      store_trouble(o->store));
    kept_key__free_unpacked(k, NULL);
    return !e;
}

static bool add_change(void *arg, const ConfigChange *change) {
    struct offline *o = arg;
    changes_add(&o->changes, (ConfigChange *)record_copy(&change->base, o->whole));
    return true;
}

// What was changed before it is in it.
static void apply_recorded_config(struct offline *o, const struct recorded *r) {
    own(buffer) why = {0};
    if (o->options->config) return;
    o->configured_at = r->at;
    o->changes.n = 0;
    for (size_t i = 0; i < o->n; i++) o->processes[i].changes.n = 0;
    if (!r->body.length || simulated_config(r->body, r->at, add_change, o, &why)) return;
    (void)complain_of_call(ANSWER_NO, "the recording's configuration: %s", buffer_string(&why));
}

static bool handle_offline_record(struct offline *o, const struct recorded *r) {
    if (strcmp(r->type, RECORDED_CONFIGURATION) == 0) return apply_recorded_config(o, r), true;
    if (strcmp(r->type, kept_key__descriptor.name) == 0) return restore_kept_key(o, r);
    Trace *t = trace_of(r);
    if (t) return process_trace(o, t);
    struct envelope e = {.id = r->id, .prev = r->prev, .body = r->body};
    (void)snprintf(e.type, sizeof e.type, "%s", r->type);
    if (r->id.incarnation) kept_add(o->kept, r->topic, &e);
    return true;
}

// --- the whole

static bool prepare_offline_replay(struct offline *o) {
    char why[256];
    if (!sandbox_begin(&o->sandbox, why))
        return o->outcome = complain_of_call(NO_REACH, "%s", why), false;
    o->store = store_new(&(struct store_options){o->sandbox.redis, "", "", 10000});
    if (store_connect(o->store))
        return o->outcome = complain_of_call(NO_REACH, "%s", store_trouble(o->store)), false;
    (void)snprintf(o->archive, sizeof o->archive, "%s%s",
                   o->options->archive ? o->options->archive : o->sandbox.directory,
                   o->options->archive ? "" : "/archive.db");
    stop_on_signals(SA_RESTART);
    sandbox_enter(&o->sandbox);
    return true;
}

static void end_offline_replay(struct offline *o) {
    for (size_t i = 0; i < o->n; i++) {
        process_end(o, &o->processes[i]);
        free(o->processes[i].beginnings);
        free(o->processes[i].changes.all);
    }
    o->result->lost = kept_lost(o->kept);
    store_destroy(&o->store);
    sandbox_end(&o->sandbox);
    kept_destroy(&o->kept);
    arena_destroy(&o->batch);
    arena_destroy(&o->whole);
    free(o->changes.all);
    free(o->was);
    free(o->is);
}

static bool read_configuration(struct offline *o) {
    own(buffer) json = {0}, why = {0};
    if (!o->options->config) return true;
    o->outcome = file_read_document(o->options->config, FILE_MOST, &json);
    if (o->outcome != DONE) return false;
    if (simulated_config(buffer_span(&json), 1, add_change, o, &why)) return true;
    o->outcome = complain_of_call(WRONG_USE, "%s:\n%s", o->options->config, buffer_string(&why));
    return false;
}

enum outcome offline_run(const struct offline_options *options, struct offline_result *out) {
    struct offline *o = alloc_zeroed(1, sizeof *o);
    o->options = options;
    o->result = out;
    o->kept = kept_new(KEPT_MOST);
    o->batch = arena_new(0);
    o->whole = arena_new(0);
    comparing_begin(&out->compared);
    if (read_configuration(o) && visit_offline_records(o, find_trace_process)) {
        if (!o->n)
            o->outcome = ANSWER_NO;
        else if (prepare_offline_replay(o))
            (void)visit_offline_records(o, handle_offline_record);
    }
    if (stop_asked) o->outcome = complain_of_call(ANSWER_NO, "interrupted");
    end_offline_replay(o);
    enum outcome outcome = o->outcome;
    out->n = o->n;
    free(o);
    return outcome;
}

void offline_result_end(struct offline_result *out) { comparing_end(&out->compared); }
