// rerun - one process of a service run again from its traces.
// SPDX-License-Identifier: MIT
#include "common/service/rerun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/bus/port_memory.h"
#include "common/redis/journal.h"
#include "common/service/frames.h"
#include "common/service/loop.h"
#include "rerun.pb-c.h"

#define TRIM_EVERY 1024 // batches

struct rerun {
    struct loop loop;
    struct memory_transport ports;
    struct service service; // as it is, without what answers apart
    void *settings;
    const RerunInput *input;
    size_t n_read; // of the input's entries
    uint64_t batches;
    uint64_t rolled_back_at, consumed_until; // as last traced
    struct parcel *parcels;
    size_t room;
};

// --- the process begins

static void give_settings(const struct service *s, const TraceStart *start) {
    char number[16];
    for (size_t i = 0; i < start->n_settings; i++)
        option_give(role_name(s->role), start->settings[i]->name, start->settings[i]->value);
    (void)snprintf(number, sizeof number, "%u", start->shards);
    option_give(NULL, "shards", number);
    (void)snprintf(number, sizeof number, "%u", start->shard);
    option_give(NULL, "shard", number);
}

static void set_heads(struct loop *l, TraceHead **heads, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < l->outputs.n; k++) {
            if (strcmp(l->outputs.outlets[k].name, heads[i]->topic) == 0)
                l->outputs.outlets[k].head = trace_head_id(heads[i]);
        }
    }
}

static void set_beginning(struct loop *l, const Trace *t) {
    const TraceStart *s = t->start;
    l->careful.left = 0;
    l->trace.on = l->trace.holding = false;
    l->context.incarnation = t->incarnation;
    l->context.caught_up = true;
    ledger_begin(l->redis.ledger, t->incarnation);
    set_heads(l, s->heads, s->n_heads);
    for (size_t i = 0; i < s->n_positions; i++) {
        struct slot *slot = intake_slot(l, s->positions[i]->topic);
        if (slot) slot->in.position = trace_head_id(s->positions[i]);
    }
}

static err_t do_step(struct rerun *self, const TraceStep *s);

static void ignore_message(void *arg, unsigned socket, const struct parcel *parcel) {
    (void)arg, (void)socket, (void)parcel;
}

// Another recording began here: the service does at the next tick what it does every so often.
static void begin_again(struct rerun *self) {
    const struct service *s = self->loop.service;
    if (s->again) s->again(self->loop.self, ignore_message, NULL);
}

// A process that had been there before its first trace: it has looked at what it loaded, and has
// heard what it keeps in no store. What it says to that is on record as it was said then.
static void settle_rerun_loop(struct rerun *self, const TraceStart *s) {
    struct loop *l = &self->loop;
    loop_open(l);
    struct batch_mark mark = batch_mark_now(l->batch);
    loop_tick(l);
    for (size_t i = 0; i < s->n_again; i++) (void)do_step(self, s->again[i]);
    loop_tick(l);
    batch_back_to(l->batch, mark);
    loop_commit(l);
}

static bool start_rerun_loop(struct rerun *self, const RerunInput *in, char why[static 256]) {
    struct loop *l = &self->loop;
    const Trace *t = in->begin;
    l->book = book_new();
    for (size_t i = 0; i < in->n_config; i++) (void)!book_apply(l->book, in->config[i]);
    give_settings(&self->service, t->start);
    clock_hold(t->start->started_at, in->batch->mono);
    if (loop_settings(l, self->settings, why)) return false;
    (void)snprintf(why, 256, "%.60s cannot be run again in %.100s", t->service,
                   l->settings.run_dir);
    if (loop_start(l, self->settings)) return false;
    set_beginning(l, t);
    clock_hold(in->batch->now, in->batch->mono);
    if (t->start->batch) settle_rerun_loop(self, t->start);
    begin_again(self);
    return true;
}

// --- a batch

static err_t read_socket(struct rerun *self, const TraceStep *s) {
    struct loop *l = &self->loop;
    if (s->socket >= l->sockets.reactor.n) return ERR_INPUT;
    if (s->n_frames > self->room) {
        self->parcels =
            alloc_resized(self->parcels, self->room = s->n_frames, sizeof *self->parcels);
    }
    for (size_t i = 0; i < s->n_frames; i++) {
        const TraceFrame *f = s->frames[i];
        self->parcels[i] = (struct parcel){
            {f->peer.data, f->peer.len}, f->user, f->topic, {f->frame.data, f->frame.len}};
    }
    memory_port_give(l->sockets.reactor.taps[s->socket].port, self->parcels, s->n_frames);
    loop_call(l, s->socket, l->batch);
    memory_port_give(l->sockets.reactor.taps[s->socket].port, NULL, 0);
    return l->stop;
}

// The input's next entry, if it is of this topic and not behind `upto`.
static bool next_entry(struct rerun *self, const TraceHead *upto, struct envelope *out) {
    const RerunInput *in = self->input;
    if (self->n_read == in->n_entries) return false;
    const RerunEntry *e = in->entries[self->n_read];
    if (strcmp(e->at->topic, upto->topic) != 0 ||
        entry_id_cmp(trace_head_id(e->at), trace_head_id(upto)) > 0)
        return false;
    self->n_read++;
    *out = (struct envelope){.id = trace_head_id(e->at), .body = {e->body.data, e->body.len}};
    (void)snprintf(out->type, sizeof out->type, "%s", e->type);
    return true;
}

static err_t read_entries(struct rerun *self, const TraceStep *s) {
    struct loop *l = &self->loop;
    struct envelope e;
    struct slot *slot = intake_slot(l, s->entries->topic);
    if (!slot) return ERR_INPUT;
    while (!l->stop && next_entry(self, s->entries, &e)) {
        slot->in.position = e.id;
        (void)intake_take(l, slot, &e, s->buried);
    }
    slot->in.position = trace_head_id(s->entries);
    return l->stop;
}

static err_t do_step(struct rerun *self, const TraceStep *s) {
    if (s->entries) return read_entries(self, s);
    if (s->has_socket) return read_socket(self, s);
    if (s->tick) loop_tick(&self->loop);
    return self->loop.stop;
}

// Nobody reads them here; the last entry stays, for the process that comes after this one.
static void trim_journals(struct loop *l) {
    own(buffer) answer = {0};
    for (size_t i = 0; i < l->outputs.n; i++) {
        char key[JOURNAL_KEY_TEXT];
        journal_key(l->outputs.outlets[i].name, key);
        const struct span argv[] = {span_of("XTRIM"), span_of(key), span_of("MAXLEN"),
                                    span_of("1")};
        (void)!store_command(ledger_store(l->redis.ledger), 4, argv, &answer);
    }
}

static void set_context(struct rerun *self, const TraceBatch *b) {
    if (b->has_rolled_back_at) self->rolled_back_at = b->rolled_back_at;
    if (b->has_consumed_until) self->consumed_until = b->consumed_until;
    self->loop.context.rolled_back_at = self->rolled_back_at;
    self->loop.context.consumed_until = self->consumed_until;
}

static err_t commit_batch(struct rerun *self, const TraceBatch *b) {
    struct loop *l = &self->loop;
    if (b->has_committed_at) clock_hold(b->committed_at, b->committed_mono);
    memory_transport_refuse(&self->ports, b->refused, b->n_refused);
    loop_commit(l);
    return loop_is_sealed(l) && !l->stop ? ERR_STORE : l->stop;
}

static err_t rerun_batch(struct rerun *self, const RerunInput *in) {
    struct loop *l = &self->loop;
    const TraceBatch *b = in->batch;
    err_t e = ERR_OK;
    clock_hold(b->now, b->mono);
    loop_open(l);
    set_context(self, b);
    for (size_t i = 0; !e && i < b->n_steps; i++) e = do_step(self, b->steps[i]);
    if (in->held) batch_back_to(l->batch, (struct batch_mark){0});
    if (!e) e = commit_batch(self, b);
    if (in->held) set_heads(l, b->outputs, b->n_outputs);
    if (!e && ++self->batches % TRIM_EVERY == 0) trim_journals(l);
    return e;
}

// --- inputs and answers

static RerunEntry *make_outgoing_entry(const struct outgoing *o, arena_t *arena) {
    struct envelope e;
    if (!o->outlet || envelope_read(o->outlet->name, o->envelope, &e)) return NULL;
    RerunEntry *entry = arena_take(arena, sizeof *entry);
    rerun_entry__init(entry);
    entry->at = arena_take(arena, sizeof *entry->at);
    trace_head__init(entry->at);
    entry->at->topic = (char *)o->outlet->name;
    entry->at->incarnation = e.id.incarnation;
    entry->at->sequence = e.id.sequence;
    entry->type = arena_text(arena, e.type);
    entry->body = (ProtobufCBinaryData){e.body.length, (uint8_t *)(uintptr_t)e.body.data};
    return entry;
}

static void add_messages(struct rerun *self, RerunOutput *out, arena_t *arena) {
    const struct outgoing *all;
    size_t n = batch_outgoing(self->loop.batch, &all);
    out->messages = arena_take(arena, (n + 1) * sizeof *out->messages);
    for (size_t i = 0; i < n; i++) {
        RerunEntry *entry = make_outgoing_entry(&all[i], arena);
        if (entry) out->messages[out->n_messages++] = entry;
    }
}

static bool answer_input(struct rerun *self, const RerunInput *in, arena_t *arena) {
    RerunOutput out = RERUN_OUTPUT__INIT;
    char why[256];
    self->input = in;
    self->n_read = 0;
    if (in->begin && !start_rerun_loop(self, in, why)) {
        out.unfit = why;
        return frame_write(stdout, &out.base);
    }
    if (in->again) begin_again(self);
    err_t e = rerun_batch(self, in);
    if (e)
        out.stopped = (char *)(uintptr_t)error_words(e);
    else
        add_messages(self, &out, arena);
    return frame_write(stdout, &out.base);
}

int rerun_main(const struct service *service) {
    static struct rerun self; // one a process; large
    own(arena) *arena = arena_new(0);
    self.service = *service;
    if (service->answers_apart) self.service.open = NULL;
    self.loop.service = &self.service;
    self.loop.me.role = service->role;
    self.settings = alloc_zeroed(1, service->settings_size + 1);
    log_start(role_name(service->role), LOG_LEVEL_NONE);
    memory_transport_init(&self.ports);
    self.loop.context.transport = &self.ports.transport;
    for (const RerunInput *in;
         (in = (const RerunInput *)frame_read(stdin, &rerun_input__descriptor, arena)) != NULL;) {
        if (!answer_input(&self, in, arena)) break;
        arena_reset(arena);
    }
    loop_end(&self.loop);
    free(self.parcels);
    free(self.settings);
    return 0;
}
