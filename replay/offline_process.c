// offline_process - a process of a recording, run again as a process of ours.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/own.h"
#include "common/service/frames.h"
#include "common/service/rerun.h"
#include "replay/offline_process.h"
#include "rerun.pb-c.h"

// --- a process begins

void process_end(struct offline *o, struct process *p) {
    int status = p->child.pid ? child_end(&p->child) : 0;
    if (status) o->outcome = complain_of_call(NO_REACH, "%s ended with status %d", p->name, status);
    if (p->start) trace__free_unpacked(p->start, NULL);
    p->start = NULL;
}

void changes_add(struct changes *to, ConfigChange *change) {
    array_reserve(to->all, to->n, to->room);
    to->all[to->n++] = change;
}

// Recorded settings, but for where the archive goes and what would be written beside it.
static void set_archive(struct offline *o, TraceStart *start) {
    const char *const own[][2] = {
        {"database", o->archive}, {"audit_log", "off"}, {"retain_days", "0"}};
    size_t n = start->n_settings, more = sizeof own / sizeof *own;
    TraceSetting **all = arena_take(o->batch, (n + more) * sizeof *all);
    if (n) memcpy(all, start->settings, n * sizeof *all);
    for (size_t i = 0; i < more; i++) {
        TraceSetting *s = all[n++] = arena_take(o->batch, sizeof *s);
        trace_setting__init(s);
        s->name = (char *)(uintptr_t)own[i][0];
        s->value = (char *)(uintptr_t)own[i][1];
    }
    start->settings = all;
    start->n_settings = n;
}

static bool start_offline_process(struct offline *o, struct process *p, RerunInput *in) {
    Trace *begin = arena_take(o->batch, sizeof *begin);
    TraceStart *start = arena_take(o->batch, sizeof *start);
    *begin = *p->start;
    *start = *p->start->start;
    begin->start = start;
    begin->n_batches = 0;
    set_archive(o, start);
    in->begin = begin;
    in->config = arena_take(o->batch, (o->changes.n + p->changes.n + 1) * sizeof *in->config);
    for (size_t i = 0; i < o->changes.n; i++) in->config[in->n_config++] = o->changes.all[i];
    for (size_t i = 0; i < p->changes.n; i++) in->config[in->n_config++] = p->changes.all[i];
    if (child_start(&p->child, p->role, "--rerun")) return true;
    o->outcome = complain_of_call(
        NO_REACH, "tradecast-%s cannot be run; is it beside this program?", role_name(p->role));
    return false;
}

static void skip_kept_entries(struct offline *o, const struct process *p, const TraceHead *upto) {
    struct envelope e;
    while (kept_next(o->kept, upto->topic, p->reader, trace_head_id(upto), &e)) continue;
}

// What came before it begins.
static void pass_over(struct offline *o, struct process *p, const TraceBatch *b) {
    for (size_t i = 0; i < b->n_steps; i++) {
        if (b->steps[i]->entries) skip_kept_entries(o, p, b->steps[i]->entries);
    }
    for (size_t i = 0; i < b->n_outputs; i++) skip_kept_entries(o, p, b->outputs[i]);
}

// --- a batch

// The configuration that the recording begins with has what was changed before it; another one is
// not changed at all.
static bool is_news(struct offline *o, struct process *p, const struct envelope *e) {
    if (strcmp(e->type, config_change__descriptor.name) != 0) return true;
    if (o->options->config) return false;
    ConfigChange *c =
        config_change__unpack(arena_allocator(o->whole), e->body.length, e->body.data);
    if (!c || c->changed_at < o->configured_at) return false;
    changes_add(&p->changes, c);
    return true;
}

static RerunEntry *make_rerun_entry(arena_t *arena, char *topic, const struct envelope *e) {
    RerunEntry *entry = arena_take(arena, sizeof *entry);
    rerun_entry__init(entry);
    entry->at = arena_take(arena, sizeof *entry->at);
    trace_head__init(entry->at);
    entry->at->topic = topic;
    entry->at->incarnation = e->id.incarnation;
    entry->at->sequence = e->id.sequence;
    entry->type = arena_text(arena, e->type);
    entry->body = (ProtobufCBinaryData){e->body.length, (uint8_t *)(uintptr_t)e->body.data};
    return entry;
}

static void add_entries(struct offline *o, struct process *p, const TraceHead *upto, RerunInput *in,
                        size_t *room) {
    struct envelope e;
    while (kept_next(o->kept, upto->topic, p->reader, trace_head_id(upto), &e)) {
        if (!is_news(o, p, &e)) continue;
        if (in->n_entries == *room) {
            RerunEntry **more =
                arena_take(o->batch, (*room = *room ? 2 * *room : 64) * sizeof *more);
            if (in->n_entries) memcpy(more, in->entries, in->n_entries * sizeof *more);
            in->entries = more;
        }
        in->entries[in->n_entries++] = make_rerun_entry(o->batch, upto->topic, &e);
    }
}

static void said_add(struct said **all, size_t *n, size_t *room, struct said said) {
    array_reserve(*all, *n, *room);
    (*all)[(*n)++] = said;
}

// Valid longer than what it was read from: the names are those of descriptors.
static const char *type_name(const char *type) {
    const ProtobufCMessageDescriptor *d = message_type(type);
    return d ? d->name : "";
}

static void compare_topic(struct offline *o, struct process *p, const char *topic,
                          const TraceBatch *b, const RerunOutput *out) {
    struct both both = {.service = p->name};
    struct envelope e;
    for (size_t i = 0; i < b->n_outputs; i++) {
        const TraceHead *h = b->outputs[i];
        if (strcmp(h->topic, topic) != 0) continue;
        while (kept_next(o->kept, topic, p->reader, trace_head_id(h), &e))
            said_add(&o->was, &both.n_was, &o->room_was, (struct said){type_name(e.type), e.body});
    }
    for (size_t i = 0; i < out->n_messages; i++) {
        const RerunEntry *m = out->messages[i];
        if (strcmp(m->at->topic, topic) != 0) continue;
        said_add(&o->is, &both.n_is, &o->room_is,
                 (struct said){type_name(m->type), {m->body.data, m->body.len}});
    }
    both.was = o->was;
    both.is = o->is;
    if (both.n_was || both.n_is)
        compare_messages(&o->result->compared, &both, &p->result->messages);
}

static bool is_held(const struct process *p, const TraceBatch *b) {
    return b->number < p->held || (b->committed && b->number == p->held);
}

static void compare_batch(struct offline *o, struct process *p, const TraceBatch *b,
                          const RerunOutput *out) {
    p->result->batches++;
    for (size_t i = 0; i < p->n_outlets; i++) {
        if (p->outlets[i].topic != TOPIC_incidents) compare_topic(o, p, p->outlets[i].name, b, out);
    }
}

// NULL: nothing can go on.
static const RerunOutput *exchange_with_child(struct offline *o, struct process *p,
                                              const RerunInput *in) {
    bool sent = frame_write(p->child.to, &in->base);
    const RerunOutput *out =
        sent ? (const RerunOutput *)frame_read(p->child.from, &rerun_output__descriptor, o->batch)
             : NULL;
    if (out && !out->unfit) return out;
    o->outcome = out ? complain_of_call(NO_REACH, "%s", out->unfit)
                     : complain_of_call(NO_REACH, "%s ended while it was run again", p->name);
    return NULL;
}

// What Redis held of it when the recording began is in its memory only once more.
static bool exchange_batch(struct offline *o, struct process *p, TraceBatch *b) {
    RerunInput in = RERUN_INPUT__INIT;
    size_t room = 0;
    in.batch = b;
    in.has_held = in.held = is_held(p, b);
    in.has_again = in.again = p->again;
    p->again = false;
    if (!p->child.pid && !start_offline_process(o, p, &in)) return false;
    for (size_t i = 0; i < b->n_steps; i++) {
        if (b->steps[i]->entries) add_entries(o, p, b->steps[i]->entries, &in, &room);
    }
    const RerunOutput *out = exchange_with_child(o, p, &in);
    if (!out) return false;
    p->stopped = out->stopped != NULL;
    if (p->stopped)
        (void)complain_of_call(ANSWER_NO, "%s stops in batch %llu: %s", p->name,
                               (unsigned long long)b->number, out->stopped);
    else if (in.held)
        pass_over(o, p, b); // what it said
    else
        compare_batch(o, p, b, out);
    return true;
}

static bool handle_trace_batch(struct offline *o, struct process *p, TraceBatch *b) {
    arena_reset(o->batch);
    if (p->stopped) return true;
    if (!p->from) p->result->missing++; // nothing says where it began
    if (p->start) return exchange_batch(o, p, b);
    pass_over(o, p, b);
    return true;
}

// --- a trace

// The last batch of this incarnation that Redis held when the recording began; 0: none.
static uint64_t batch_held(struct offline *o, const struct process *p) {
    char key[NAME_TEXT + 8];
    own(buffer) text = {0};
    struct entry_id id;
    (void)snprintf(key, sizeof key, "%s:batch", p->name);
    if (store_get(o->store, key, &text) || entry_id_parse(buffer_string(&text), text.length, &id))
        return 0;
    return id.incarnation == p->incarnation ? id.sequence : 0;
}

// The last one from which Redis, as it was when the recording began, is reached; else, where Redis
// does not know it yet, the first.
static void find_beginning(struct offline *o, struct process *p) {
    uint64_t held = batch_held(o, p);
    p->from = p->held = 0;
    for (size_t i = 0; i < p->n_beginnings; i++) {
        const struct beginning *b = &p->beginnings[i];
        if (b->incarnation != p->incarnation || (p->from && b->batch > held) ||
            (b->batch && !o->stateful))
            continue;
        p->from = b->number;
        p->held = b->batch > held ? b->batch : held;
    }
}

static void take_incarnation(struct offline *o, struct process *p, const Trace *t) {
    if (t->incarnation == p->incarnation) return;
    process_end(o, p);
    p->incarnation = t->incarnation;
    p->number = 0;
    p->stopped = false;
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
    p->again |= t->start && p->child.pid;
    for (size_t i = 0; good && i < t->n_batches; i++)
        good = handle_trace_batch(o, p, t->batches[i]);
    if (t != p->start) trace__free_unpacked(t, NULL);
    kept_sweep(o->kept);
    return good;
}
