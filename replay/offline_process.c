// offline_process - a process of a recording: where it begins, its batches, and what it says against what it said.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/own.h"
#include "replay/offline_part.h"
#include "system.pb-c.h"

// --- a process begins

void process_end(struct process *p) {
    rerun_destroy(&p->rerun);
    if (p->start) trace__free_unpacked(p->start, NULL);
    p->start = NULL;
}

static bool begin(struct offline *o, struct process *p, const TraceBatch *first) {
    char why[256];
    const struct rerun_place place = {o->sandbox.directory, o->sandbox.redis, p->book, o->settings};
    p->rerun = rerun_new(&p->service, p->start, first, &place, why);
    if (!p->rerun) o->outcome = complain_of_call(NO_REACH, "%s", why);
    return p->rerun;
}

static void pass(struct offline *o, const struct process *p, const TraceHead *upto) {
    struct envelope e;
    while (kept_next(o->kept, upto->topic, p->reader, (struct entry_id){upto->incarnation, upto->sequence}, &e)) continue;
}

// What came before it begins.
static void pass_over(struct offline *o, struct process *p, const TraceBatch *b) {
    for (size_t i = 0; i < b->n_steps; i++) {
        if (b->steps[i]->entries) pass(o, p, b->steps[i]->entries);
    }
    for (size_t i = 0; i < b->n_outputs; i++) pass(o, p, b->outputs[i]);
}

// --- a batch

struct giving {
    struct offline *o;
    struct process *p;
};

// The configuration that the recording begins with has what was changed before it; another one is not changed at all.
static bool is_news(const struct offline *o, const struct envelope *e) {
    if (strcmp(e->type, config_change__descriptor.name) != 0) return true;
    ConfigChange *c = o->options->config ? NULL : config_change__unpack(NULL, e->body.length, e->body.data);
    bool news = c && c->changed_at >= o->configured_at;
    if (c) config_change__free_unpacked(c, NULL);
    return news;
}

static bool give(void *arg, const char *topic, struct entry_id upto, struct envelope *out) {
    struct giving *g = arg;
    while (kept_next(g->o->kept, topic, g->p->reader, upto, out)) {
        if (is_news(g->o, out)) return true;
    }
    return false;
}

static void said_add(struct said **all, size_t *n, size_t *room, struct said said) {
    array_reserve(*all, *n, *room);
    (*all)[(*n)++] = said;
}

// kept's types are valid until it is swept, a batch's envelopes until it is opened again: their names are those of descriptors.
static const char *type_name(const char *type) {
    const ProtobufCMessageDescriptor *d = message_type(type);
    return d ? d->name : "";
}

static void compare_topic(struct offline *o, struct process *p, const struct stream *topic, const TraceBatch *b) {
    const struct outgoing *out;
    struct both both = {.service = p->name};
    struct envelope e;
    for (size_t i = 0; i < b->n_outputs; i++) {
        const TraceHead *h = b->outputs[i];
        if (strcmp(h->topic, topic->name) != 0) continue;
        while (kept_next(o->kept, h->topic, p->reader, (struct entry_id){h->incarnation, h->sequence}, &e))
            said_add(&o->was, &both.n_was, &o->room_was, (struct said){type_name(e.type), e.body});
    }
    size_t n = rerun_outgoing(p->rerun, &out);
    for (size_t i = 0; i < n; i++) {
        if (!out[i].outlet || strcmp(out[i].outlet->name, topic->name) != 0) continue;
        if (envelope_read(topic->name, out[i].envelope, &e) == ERR_OK)
            said_add(&o->is, &both.n_is, &o->room_is, (struct said){type_name(e.type), e.body});
    }
    both.was = o->was;
    both.is = o->is;
    if (both.n_was || both.n_is) compare(&o->result->compared, &both, &p->result->messages);
}

static bool is_held(const struct process *p, const TraceBatch *b) { return b->number < p->held || (b->committed && b->number == p->held); }

static void compare_batch(struct offline *o, struct process *p, const TraceBatch *b) {
    p->result->batches++;
    for (size_t i = 0; i < p->n_outlets; i++) {
        if (p->outlets[i].topic != TOPIC_incidents) compare_topic(o, p, &p->outlets[i], b);
    }
}

// What Redis held of it when the recording began is in its memory only once more.
static void do_batch(struct offline *o, struct process *p, const TraceBatch *b) {
    struct giving giving = {o, p};
    bool held = is_held(p, b);
    err_t e = held ? rerun_batch_held(p->rerun, b, give, &giving) : rerun_batch(p->rerun, b, give, &giving);
    p->stopped = e != ERR_OK;
    if (e)
        (void)complain_of_call(ANSWER_NO, "%s stops in batch %llu: %s", p->name, (unsigned long long)b->number, error_words(e));
    else if (held)
        pass_over(o, p, b); // what it said
    else
        compare_batch(o, p, b);
}

static bool take_batch(struct offline *o, struct process *p, const TraceBatch *b) {
    if (p->stopped) return true;
    if (!p->from) p->result->missing++; // nothing says where it began
    if (!p->start) return pass_over(o, p, b), true;
    if (!p->rerun && !begin(o, p, b)) return false;
    do_batch(o, p, b);
    return true;
}

// --- a trace

// The last one from which Redis, as it was when the recording began, is reached; else, where Redis does not know it yet, the first.
static void find_beginning(struct offline *o, struct process *p) {
    uint64_t held = offline_batch_held(o, p, p->incarnation);
    p->from = p->held = 0;
    for (size_t i = 0; i < p->n_beginnings; i++) {
        const struct beginning *b = &p->beginnings[i];
        if (b->incarnation != p->incarnation || (p->from && b->batch > held) || (b->batch && !o->stateful)) continue;
        p->from = b->number;
        p->held = b->batch > held ? b->batch : held;
    }
}

static void take_incarnation(struct offline *o, struct process *p, const Trace *t) {
    if (t->incarnation == p->incarnation) return;
    process_end(p);
    p->incarnation = t->incarnation;
    p->number = 0;
    p->stopped = false;
    if (!p->book) p->book = offline_book(o);
    find_beginning(o, p);
}

bool process_trace(struct offline *o, Trace *t) {
    struct process *p = process_called(o, t->service);
    bool good = true;
    if (!p || t->incarnation < p->incarnation) return trace__free_unpacked(t, NULL), true;
    take_incarnation(o, p, t);
    if (t->number <= p->number) return trace__free_unpacked(t, NULL), true; // files merged
    if (p->number && t->number > p->number + 1) p->result->missing += t->number - p->number - 1;
    p->number = t->number;
    if (t->number == p->from) p->start = t; // kept
    if (t->start && p->rerun) rerun_again(p->rerun);
    for (size_t i = 0; good && i < t->n_batches; i++) good = take_batch(o, p, t->batches[i]);
    if (t != p->start) trace__free_unpacked(t, NULL);
    kept_sweep(o->kept);
    return good;
}
