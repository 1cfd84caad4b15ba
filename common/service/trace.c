// trace - what a service did, batch by batch, published while somebody listens.
// SPDX-License-Identifier: MIT
#include "common/service/trace.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/service/loop.h"

#define LOOK_EVERY  (50 * NS_PER_MS)
#define HOLD_FOR    (3 * NS_PER_S) // longer than a listener takes to connect again
#define HELD_MOST   (8 << 20)
#define QUIET_MOST  64          // batches told at once, when nothing but timers was in them
#define BYTES_MOST  (384 << 10) // a frame may have 1 MiB
#define STEP_BYTES  48
#define FRAME_BYTES 64

// --- pieces, in the arena

static TraceHead *head_of(arena_t *arena, const char *topic, struct entry_id id) {
    TraceHead *head = arena_take(arena, sizeof *head);
    trace_head__init(head);
    head->topic = (char *)topic;
    head->incarnation = id.incarnation;
    head->sequence = id.sequence;
    return head;
}

static TraceStep *step_add(struct trace *t) {
    TraceBatch *b = t->batch;
    array_reserve_in(t->arena, b->steps, b->n_steps, t->room_steps);
    t->step = b->steps[b->n_steps++] = arena_take(t->arena, sizeof *t->step);
    trace_step__init(t->step);
    t->room_frames = 0;
    t->bytes += STEP_BYTES;
    return t->step;
}

static void frame_add(arena_t *arena, TraceStep *step, const struct parcel *p, size_t *room) {
    TraceFrame *f = arena_take(arena, sizeof *f);
    trace_frame__init(f);
    f->topic = arena_text(arena, p->topic);
    if (p->user) f->user = arena_text(arena, p->user);
    f->has_peer = p->peer.length != 0;
    f->peer = (ProtobufCBinaryData){p->peer.length, arena_take(arena, p->peer.length + 1)};
    f->frame = (ProtobufCBinaryData){p->frame.length, arena_take(arena, p->frame.length + 1)};
    if (f->has_peer) memcpy(f->peer.data, p->peer.data, p->peer.length);
    if (p->frame.length) memcpy(f->frame.data, p->frame.data, p->frame.length);
    array_reserve_in(arena, step->frames, step->n_frames, *room);
    step->frames[step->n_frames++] = f;
}

// --- telling

static void clear_trace(struct trace *t) {
    arena_reset(t->arena);
    t->told = NULL;
    t->batch = NULL;
    t->step = NULL;
    t->room_batches = t->room_steps = t->room_frames = t->bytes = 0;
}

static void hold_trace_frame(struct trace *t, struct span frame) {
    uint64_t length = frame.length;
    buffer_add(&t->held, &length, sizeof length);
    buffer_add(&t->held, frame.data, frame.length);
}

static void send_held(struct loop *l) {
    struct trace *t = &l->trace;
    for (size_t at = 0; at < t->held.length;) {
        uint64_t length;
        memcpy(&length, t->held.data + at, sizeof length);
        port_send(l->sockets.events, FEED_TRACE,
                  (struct span){t->held.data + at + sizeof length, length});
        at += sizeof length + length;
    }
    buffer_destroy(&t->held);
    t->holding = false;
}

static void publish_trace(struct loop *l) {
    struct trace *t = &l->trace;
    buffer_clear(&t->frame);
    envelope_write(&t->frame, FEED_TRACE, ENTRY_ID_NONE, ENTRY_ID_NONE, &t->told->base);
    const struct span whole = {t->frame.data, t->frame.length};
    if (t->holding)
        hold_trace_frame(t, whole);
    else
        port_send(l->sockets.events, FEED_TRACE, whole);
    clear_trace(t);
}

static void setting_add(struct loop *l, TraceStart *start, const struct option *o) {
    arena_t *arena = l->trace.arena;
    char text[OPTION_VALUE_TEXT];
    if (!option_value(o, l->own, text)) return;
    TraceSetting *s = start->settings[start->n_settings++] = arena_take(arena, sizeof *s);
    trace_setting__init(s);
    s->name = (char *)o->name;
    s->value = arena_text(arena, text);
}

struct retelling {
    struct trace *trace;
    TraceStart *start;
    size_t room;
};

static void say_again(void *arg, unsigned socket, const struct parcel *parcel) {
    struct retelling *r = arg;
    arena_t *arena = r->trace->arena;
    size_t room = 0;
    TraceStep *step = arena_take(arena, sizeof *step);
    trace_step__init(step);
    step->has_socket = true;
    step->socket = socket;
    frame_add(arena, step, parcel, &room);
    array_reserve_in(arena, r->start->again, r->start->n_again, r->room);
    r->start->again[r->start->n_again++] = step;
}

static void put_start(struct loop *l) {
    struct trace *t = &l->trace;
    TraceStart *s = t->told->start = arena_take(t->arena, sizeof *s);
    trace_start__init(s);
    s->started_at = l->context.started_at;
    s->shards = l->context.shards;
    s->has_shard = role_processes(l->me.role) == ONE_EACH_SHARD;
    s->shard = l->context.shard;
    s->batch = ledger_batch(l->redis.ledger);
    size_t n = 0;
    for (const struct option *o = l->service->options; o && o->name; o++) n++;
    s->settings = arena_take(t->arena, (n + 1) * sizeof *s->settings);
    for (size_t i = 0; i < n; i++) setting_add(l, s, &l->service->options[i]);
    s->heads = arena_take(t->arena, (l->outputs.n + 1) * sizeof *s->heads);
    for (size_t i = 0; i < l->outputs.n; i++)
        s->heads[s->n_heads++] =
            head_of(t->arena, l->outputs.outlets[i].name, l->outputs.outlets[i].head);
    s->positions = arena_take(t->arena, (l->inputs.n + 1) * sizeof *s->positions);
    for (size_t i = 0; i < l->inputs.n; i++)
        s->positions[s->n_positions++] =
            head_of(t->arena, l->inputs.slots[i].stream.name, l->inputs.slots[i].in.position);
    if (l->service->again)
        l->service->again(l->self, say_again, &(struct retelling){.trace = t, .start = s});
    t->rolled_back_at = t->consumed_until = 0;
}

static void told_begin(struct loop *l) {
    struct trace *t = &l->trace;
    t->told = arena_take(t->arena, sizeof *t->told);
    trace__init(t->told);
    t->told->service = l->me.name;
    t->told->incarnation = l->context.incarnation;
    t->told->number = ++t->number;
    if (t->starting) put_start(l);
    t->starting = false;
}

// --- who listens

static void listener_came(struct loop *l) {
    struct trace *t = &l->trace;
    if (t->told) publish_trace(l); // to those who were there before
    if (t->holding) send_held(l);  // all there was: it may know what came before this process
    t->on = t->starting = true;
}

static void stop_trace(struct trace *t) {
    t->on = t->holding = false;
    clear_trace(t);
    buffer_destroy(&t->held);
}

// Who listens to everything (`tradecast tail`) does not mean this.
static void check_trace_listeners(struct loop *l, uint64_t mono) {
    struct trace *t = &l->trace;
    struct listener who;
    t->looked_at = mono;
    while (port_listener(l->sockets.events, &who)) {
        if (who.came && l->service->listened) l->service->listened(l->self, who.prefix);
        if (strcmp(who.prefix, FEED_TRACE) != 0 || !l->service->traced) continue;
        if (who.came)
            listener_came(l);
        else
            stop_trace(t);
    }
    if (t->holding && (mono > t->hold_until || t->held.length > HELD_MOST)) stop_trace(t);
}

// --- a batch

static void add_received_frame(void *arg, const struct parcel *parcel) {
    struct loop *l = arg;
    struct trace *t = &l->trace;
    if (!t->batch || !t->step || !t->step->has_socket) return;
    frame_add(t->arena, t->step, parcel, &t->room_frames);
    t->bytes += FRAME_BYTES + parcel->frame.length;
}

static void record_sent_message(void *arg, bool left) {
    struct trace *t = &((struct loop *)arg)->trace;
    uint32_t which = t->sent++;
    if (left || !t->batch) return;
    TraceBatch *b = t->batch;
    uint32_t *more = arena_take(t->arena, (b->n_refused + 1) * sizeof *more); // seldom, and few
    if (b->n_refused) memcpy(more, b->refused, b->n_refused * sizeof *more);
    more[b->n_refused++] = which;
    b->refused = more;
}

void trace_open(struct loop *l) {
    struct trace *t = &l->trace;
    if (!l->service->traced) return;
    t->arena = arena_new(0);
    t->witness = (struct witness){add_received_frame, record_sent_message, l};
    for (size_t i = 0; i < l->sockets.reactor.n; i++) {
        if (l->sockets.reactor.taps[i].port)
            port_witness(l->sockets.reactor.taps[i].port, &t->witness);
    }
    t->on = t->holding = t->starting = true;
    t->hold_until = clock_mono_ns() + HOLD_FOR;
}

void trace_close(struct loop *l) {
    arena_destroy(&l->trace.arena);
    buffer_destroy(&l->trace.held);
    buffer_destroy(&l->trace.frame);
}

static void note_context(struct loop *l, TraceBatch *b) {
    struct trace *t = &l->trace;
    b->has_rolled_back_at = l->context.rolled_back_at != t->rolled_back_at;
    t->rolled_back_at = b->rolled_back_at = l->context.rolled_back_at;
    b->has_consumed_until = l->context.consumed_until != t->consumed_until;
    t->consumed_until = b->consumed_until = l->context.consumed_until;
}

void trace_begin(struct loop *l) {
    struct trace *t = &l->trace;
    uint64_t mono = batch_mono(l->batch);
    if (mono - t->looked_at >= LOOK_EVERY) check_trace_listeners(l, mono);
    if (!t->on) return;
    if (!t->told) told_begin(l);
    TraceBatch *b = t->batch = arena_take(t->arena, sizeof *b);
    trace_batch__init(b);
    b->now = batch_now(l->batch);
    b->mono = mono;
    note_context(l, b);
    t->step = NULL;
    t->room_steps = t->sent = 0;
    for (size_t i = 0; i < l->outputs.n; i++) t->heads[i] = l->outputs.outlets[i].head;
}

// Entries of a topic follow each other, so the last one's id says them all.
void trace_entry(struct loop *l, const char *topic, struct entry_id id, bool buried) {
    struct trace *t = &l->trace;
    if (!t->on || !t->batch) return;
    TraceStep *s = t->step;
    if (!s || !s->entries || buried || s->buried || strcmp(s->entries->topic, topic) != 0) {
        s = step_add(t);
        s->entries = head_of(t->arena, topic, id);
        s->has_buried = s->buried = buried;
    }
    s->entries->incarnation = id.incarnation;
    s->entries->sequence = id.sequence;
}

void trace_socket(struct loop *l, size_t which) {
    struct trace *t = &l->trace;
    if (!t->on || !t->batch) return;
    TraceStep *s = step_add(t);
    s->has_socket = true;
    s->socket = (uint32_t)which;
}

void trace_tick(struct loop *l) {
    struct trace *t = &l->trace;
    if (!t->on || !t->batch) return;
    TraceStep *s = step_add(t);
    s->has_tick = s->tick = true;
}

static bool is_batch_quiet(const TraceBatch *b) {
    return !b->n_outputs && !b->n_refused &&
           (b->n_steps == 0 || (b->n_steps == 1 && b->steps[0]->has_tick));
}

void trace_end(struct loop *l, bool committed) {
    struct trace *t = &l->trace;
    TraceBatch *b = t->batch;
    if (!t->on || !b) return;
    t->batch = NULL;
    if (!committed && !b->n_steps) return; // nothing was done
    b->has_committed = b->committed = committed;
    b->number = ledger_batch(l->redis.ledger);
    b->has_committed_at = b->has_committed_mono = committed || !is_batch_quiet(b);
    b->committed_at = l->context.committed_at;
    b->committed_mono = l->context.committed_mono;
    b->outputs = arena_take(t->arena, (l->outputs.n + 1) * sizeof *b->outputs);
    for (size_t i = 0; i < l->outputs.n; i++) {
        if (entry_id_cmp(t->heads[i], l->outputs.outlets[i].head) == 0) continue;
        b->outputs[b->n_outputs++] =
            head_of(t->arena, l->outputs.outlets[i].name, l->outputs.outlets[i].head);
    }
    Trace *m = t->told;
    array_reserve_in(t->arena, m->batches, m->n_batches, t->room_batches);
    m->batches[m->n_batches++] = b;
    if (!is_batch_quiet(b) || m->n_batches >= QUIET_MOST || m->start || t->bytes > BYTES_MOST)
        publish_trace(l);
}
