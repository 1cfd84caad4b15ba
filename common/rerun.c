// rerun - one process of a service made again from its traces.
// SPDX-License-Identifier: MIT
#include "common/rerun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/journal.h"
#include "common/loop.h"

extern char **environ;

#define PREFIX     "TRADECAST_"
#define TRIM_EVERY 1024 // batches

struct rerun {
    struct loop loop;
    void *own;
    uint64_t batches;
    uint64_t rolled_back_at, consumed_until; // as last told
    struct parcel *parcels;
    size_t room;
};

// --- the sandbox

static void clear_environment(void) {
    if (!environ) return;
    for (char **at = environ; *at;) {
        char name[160];
        size_t n = strcspn(*at, "=");
        if (strncmp(*at, PREFIX, sizeof PREFIX - 1) != 0 || n >= sizeof name) {
            at++;
            continue;
        }
        memcpy(name, *at, n);
        name[n] = 0;
        (void)unsetenv(name); // what comes after it moves up
    }
}

void rerun_enter(void) {
    ports_offline();
    clear_environment();
}

void rerun_leave(void) { clock_hold(0, 0); }

static void give_settings(const struct service *s, const Trace *t, const struct rerun_place *place) {
    char number[16];
    const char *name = role_name(s->role);
    clear_environment();
    for (size_t i = 0; i < t->start->n_settings; i++) option_give(name, t->start->settings[i]->name, t->start->settings[i]->value);
    for (const char *const *more = place->settings; more && *more; more += 2) option_give(name, more[0], more[1]);
    option_give(NULL, "run_dir", place->directory);
    option_give(NULL, "redis", place->redis);
    (void)snprintf(number, sizeof number, "%u", t->start->shards);
    option_give(NULL, "shards", number);
    (void)snprintf(number, sizeof number, "%u", t->start->shard);
    option_give(NULL, "shard", number);
}

// --- the process

static struct entry_id id_of(const TraceHead *h) { return (struct entry_id){h->incarnation, h->sequence}; }

static void take_heads(struct loop *l, TraceHead **heads, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < l->outputs.n; k++) {
            if (strcmp(l->outputs.outlets[k].name, heads[i]->topic) == 0) l->outputs.outlets[k].head = id_of(heads[i]);
        }
    }
}

static void take_place(struct loop *l, const Trace *t) {
    const TraceStart *s = t->start;
    l->careful.left = 0;
    l->trace.on = l->trace.holding = false;
    l->context.incarnation = t->incarnation;
    l->context.caught_up = true;
    ledger_begin(l->redis.ledger, t->incarnation);
    take_heads(l, s->heads, s->n_heads);
    for (size_t i = 0; i < s->n_positions; i++) {
        struct slot *slot = intake_slot(l, s->positions[i]->topic);
        if (slot) slot->in.position = id_of(s->positions[i]);
    }
}

static err_t step(rerun_t *self, const TraceStep *s, rerun_entry_fn *next, void *arg);

static void say_nothing(void *arg, unsigned socket, const struct parcel *parcel) { (void)arg, (void)socket, (void)parcel; }

void rerun_again(rerun_t *self) {
    const struct service *s = self->loop.service;
    if (s->again) s->again(self->loop.self, say_nothing, NULL);
}

// A process that had been there before its first trace: it has looked at what it loaded, and has heard what it keeps in no store. What it
// says to that is on record as it was said then.
static void settle(rerun_t *self, const TraceStart *s) {
    struct loop *l = &self->loop;
    loop_open(l);
    struct batch_mark mark = batch_mark_now(l->batch);
    loop_tick(l);
    for (size_t i = 0; i < s->n_again; i++) (void)step(self, s->again[i], NULL, NULL);
    loop_tick(l);
    batch_back_to(l->batch, mark);
    loop_commit(l);
}

rerun_t *rerun_new(const struct service *service, const Trace *trace, const TraceBatch *first, const struct rerun_place *place,
                   char why[static 256]) {
    rerun_t *self = calloc(1, sizeof *self);
    struct loop *l = &self->loop;
    self->own = alloc_zeroed(1, service->settings_size ? service->settings_size : 1);
    l->service = service;
    l->me.role = service->role;
    l->book = place->book;
    give_settings(service, trace, place);
    clock_hold(trace->start->started_at, first->mono);
    err_t e = loop_settings(l, self->own, why);
    if (!e) (void)snprintf(why, 256, "%.60s cannot be made again in %.100s", trace->service, place->directory);
    if (!e) e = loop_start(l, self->own);
    if (e) {
        rerun_destroy(&self);
        return NULL;
    }
    take_place(l, trace);
    clock_hold(first->now, first->mono);
    if (trace->start->batch) settle(self, trace->start);
    rerun_again(self);
    return self;
}

void rerun_destroy(rerun_t **self) {
    if (!*self) return;
    (*self)->loop.book = NULL; // the caller's
    loop_end(&(*self)->loop);
    free((*self)->parcels);
    free((*self)->own);
    free(*self);
    *self = NULL;
}

// --- a batch

static err_t read_socket(rerun_t *self, const TraceStep *s) {
    struct loop *l = &self->loop;
    if (s->socket >= l->sockets.reactor.n) return ERR_INPUT;
    if (s->n_frames > self->room) {
        self->parcels = alloc_resized(self->parcels, self->room = s->n_frames, sizeof *self->parcels);
    }
    for (size_t i = 0; i < s->n_frames; i++) {
        const TraceFrame *f = s->frames[i];
        self->parcels[i] = (struct parcel){{f->peer.data, f->peer.len}, f->user, f->topic, {f->frame.data, f->frame.len}};
    }
    port_give(l->sockets.reactor.taps[s->socket].port, self->parcels, s->n_frames);
    loop_call(l, s->socket, l->batch);
    port_give(l->sockets.reactor.taps[s->socket].port, NULL, 0);
    return l->stop;
}

static err_t read_entries(rerun_t *self, const TraceStep *s, rerun_entry_fn *next, void *arg) {
    struct loop *l = &self->loop;
    struct envelope e;
    const struct entry_id upto = id_of(s->entries);
    struct slot *slot = intake_slot(l, s->entries->topic);
    if (!slot) return ERR_INPUT;
    while (!l->stop && next(arg, s->entries->topic, upto, &e)) {
        slot->in.position = e.id;
        (void)intake_take(l, slot, &e, s->buried);
    }
    slot->in.position = upto;
    return l->stop;
}

static err_t step(rerun_t *self, const TraceStep *s, rerun_entry_fn *next, void *arg) {
    if (s->entries) return read_entries(self, s, next, arg);
    if (s->has_socket) return read_socket(self, s);
    if (s->tick) loop_tick(&self->loop);
    return self->loop.stop;
}

// Nobody reads them here; the last entry stays, for the process that comes after this one.
static void trim_journals(struct loop *l) {
    buffer_t answer = {0};
    for (size_t i = 0; i < l->outputs.n; i++) {
        char key[JOURNAL_KEY_TEXT];
        journal_key(l->outputs.outlets[i].name, key);
        (void)!store_command(ledger_store(l->redis.ledger), 4, (struct span[]){span_of("XTRIM"), span_of(key), span_of("MAXLEN"), span_of("1")},
                             &answer);
    }
    buffer_destroy(&answer);
}

static void take_context(rerun_t *self, const TraceBatch *b) {
    if (b->has_rolled_back_at) self->rolled_back_at = b->rolled_back_at;
    if (b->has_consumed_until) self->consumed_until = b->consumed_until;
    self->loop.context.rolled_back_at = self->rolled_back_at;
    self->loop.context.consumed_until = self->consumed_until;
}

static err_t do_steps(rerun_t *self, const TraceBatch *b, rerun_entry_fn *next, void *arg) {
    err_t e = ERR_OK;
    clock_hold(b->now, b->mono);
    loop_open(&self->loop);
    take_context(self, b);
    for (size_t i = 0; !e && i < b->n_steps; i++) e = step(self, b->steps[i], next, arg);
    return e;
}

static err_t end_batch(rerun_t *self, const TraceBatch *b) {
    struct loop *l = &self->loop;
    if (b->has_committed_at) clock_hold(b->committed_at, b->committed_mono);
    ports_refuse(b->refused, b->n_refused);
    loop_commit(l);
    return loop_is_sealed(l) && !l->stop ? ERR_STORE : l->stop;
}

err_t rerun_batch(rerun_t *self, const TraceBatch *b, rerun_entry_fn *next, void *arg) {
    err_t e = do_steps(self, b, next, arg);
    if (!e) e = end_batch(self, b);
    if (!e && ++self->batches % TRIM_EVERY == 0) trim_journals(&self->loop);
    return e;
}

err_t rerun_batch_held(rerun_t *self, const TraceBatch *b, rerun_entry_fn *next, void *arg) {
    struct loop *l = &self->loop;
    err_t e = do_steps(self, b, next, arg);
    batch_back_to(l->batch, (struct batch_mark){0});
    if (!e) e = end_batch(self, b);
    take_heads(l, b->outputs, b->n_outputs);
    return e;
}

size_t rerun_outgoing(rerun_t *self, const struct outgoing **out) { return batch_outgoing(self->loop.batch, out); }

void rerun_configured(rerun_t *self) {
    if (self->loop.service->configured) self->loop.service->configured(self->loop.self);
}
