// relay - hands the signals that this cell's door has taken to one other cell, and is done with
// them when that one has committed them.
// SPDX-License-Identifier: MIT
#include "services/relay/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/testing.h"
#include "common/delivery/cells.h"
#include "common/delivery/envelope.h"
#include "services/relay/handed.h"
#include "services/relay/slice.h"

// persist comes back so often, for heartbeats, control and SIGTERM
#define SLICE_NS  (100 * NS_PER_MS)
#define ASK_EVERY NS_PER_S // whether the other cell is there, and still the same
// then the connection is made anew: nothing old is left in its queue
#define SILENT_FOR (5 * NS_PER_S)
#define SAID_FOR   (3 * NS_PER_S) // a silence that is told

struct relay_settings {
    const char *to; // the process has its name from it
};

static const struct option options[] = {
    {"to", OPTION_TEXT, offsetof(struct relay_settings, to), NULL,
     "The cell that this relay hands signals to, one of TRADECAST_CELLS; or --to CELL", 0, 0, NULL},
    {0},
};

struct relay {
    const struct context *context;
    const char *to;
    port_t *port;
    struct outbox outbox;
    arena_t *arena;           // of an answer
    struct entry_id position; // of what is done with
    const Signal **signals;   // of the open batch, in its arena
    size_t n, room;
    bool packed; // they are in the outbox
    // monotonic ns: a batch waits for the other cell; 0: none
    uint64_t waiting_since;
    uint64_t began_at, asked_at, connected_at, answered_at; // monotonic ns
    buffer_t frame;                                         // bytes of a part or a signal
    // why the other cell takes nothing, as it said; empty: it said nothing of that kind
    char held[120];
};

static bool relay_which(const void *settings, unsigned *number, char wrong[static 256]) {
    const char *to = ((const struct relay_settings *)settings)->to;
    size_t cell = 0;
    if (!to || !cell_find(to, &cell))
        return snprintf(wrong, 256,
                        "TRADECAST_RELAY_TO must name one of TRADECAST_CELLS, not \"%.60s\"",
                        to ? to : ""),
               false;
    *number = (unsigned)cell;
    return true;
}

static void *relay_new(const struct context *context, const void *settings) {
    struct relay *self = calloc(1, sizeof *self);
    (void)settings;
    if (!self) return NULL;
    self->context = context;
    self->to = cell_at(context->shard);
    self->arena = arena_new(0);
    self->began_at = clock_mono_ns();
    return self;
}

static void relay_destroy(void **arg) {
    struct relay *self = *arg;
    if (!self) return;
    port_destroy(&self->port);
    relay_outbox_destroy(&self->outbox);
    arena_destroy(&self->arena);
    buffer_destroy(&self->frame);
    free(self->signals);
    free(self);
    *arg = NULL;
}

static err_t relay_load(void *arg, store_t *store) {
    struct relay *self = arg;
    return relay_slice_load(store, self->context->name, &self->outbox, &self->position,
                            clock_mono_ns());
}

// A relay that is new here begins where the journal does, which need not be the beginning of
// everything.
static void relay_positions(void *arg, struct inlet_position *inlets, size_t n) {
    const struct relay *self = arg;
    for (size_t i = 0; i < n; i++) {
        if (entry_id_cmp(inlets[i].position, ENTRY_ID_NONE) == 0)
            inlets[i].position = self->position;
    }
}

// --- the connection

static err_t connect_anew(struct relay *self) {
    struct endpoint at = endpoint_of_cell(self->to, "ingest", "handover");
    port_destroy(&self->port);
    self->connected_at = clock_mono_ns();
    if (*at.address) self->port = transport_connect(self->context->transport, PORT_DEALER, &at, 0);
    if (self->port) return ERR_OK;
    log_event(LOG_LEVEL_ERROR, "cannot_connect", "cell=%s why=%s", self->to,
              log_quote(*at.address ? port_why()
                                    : "nothing says where it is: TRADECAST_CELL_<NAME>_HOST, or "
                                      "_RUN_DIR on this host"));
    return ERR_CONFIG;
}

static err_t relay_open(void *self, reactor_t *reactor) {
    (void)reactor; // asked in persist and in the tick
    return connect_anew(self);
}

// --- to and fro

static void send_part(struct relay *self, const struct part *part) {
    buffer_clear(&self->frame);
    part_write(part, self->context->cell, &self->frame);
    // not taken: it is sent again
    (void)port_send(self->port, "handover", (struct span){self->frame.data, self->frame.length});
    self->asked_at = clock_mono_ns();
}

struct burying {
    struct relay *relay;
    batch_t *batch;
};

static void bury_handover(void *arg, struct span packed, const char *reason) {
    const struct burying *b = arg;
    char why[200];
    Signal *s = signal__unpack(arena_allocator(batch_arena(b->batch)), packed.length, packed.data);
    snprintf(why, sizeof why, "cell %s refuses it: %.150s", b->relay->to, reason);
    batch_bury(b->batch, &(struct dead){"signals", s ? s->signal_id : "unknown",
                                        signal__descriptor.name, why, packed});
}

static void take_answer(struct relay *self, batch_t *batch, const struct parcel *p) {
    struct envelope e;
    arena_reset(self->arena);
    ProtobufCMessage *m =
        envelope_read(p->topic, p->frame, &e) ? NULL : envelope_open(&e, self->arena);
    if (!m || m->descriptor != &handover_answer__descriptor) return;
    const HandoverAnswer *answer = (const HandoverAnswer *)m;
    self->answered_at = clock_mono_ns();
    snprintf(self->held, sizeof self->held, "%s", answer->held ? answer->held : "");
    outbox_answer(&self->outbox, answer, self->answered_at, bury_handover,
                  &(struct burying){self, batch});
}

// Takes what answers there are, sends what is due; asks, now and then, when nothing is.
static void pump_outbox(struct relay *self, batch_t *batch) {
    static const struct part question = {.number = 0}; // no part has it
    struct parcel p;
    while (self->port && port_receive(self->port, &p)) take_answer(self, batch, &p);
    uint64_t mono = clock_mono_ns(),
             last = self->answered_at > self->connected_at ? self->answered_at : self->connected_at;
    if (mono - last > SILENT_FOR) (void)connect_anew(self); // it says why it cannot be; tried again
    if (!self->port) return;
    const struct part *due = outbox_due(&self->outbox, mono);
    if (due) return send_part(self, due);
    if (mono - self->asked_at > ASK_EVERY) send_part(self, &question);
}

static err_t relay_tick(void *self, batch_t *batch) {
    pump_outbox(self, batch);
    return ERR_OK;
}

// --- batches

static err_t relay_handle_signal(void *arg, batch_t *batch, const ProtobufCMessage *body) {
    struct relay *self = arg;
    const Signal *s = (const Signal *)body;
    (void)batch;
    if (!is_handed_on(s)) return ERR_OK;
    array_reserve(self->signals, self->n, self->room);
    self->signals[self->n++] = s;
    return ERR_OK;
}

static void pack_handover(struct relay *self) {
    for (size_t i = 0; i < self->n; i++) {
        size_t length = signal__get_packed_size(self->signals[i]);
        buffer_clear(&self->frame);
        signal__pack(self->signals[i], buffer_reserve(&self->frame, length));
        outbox_add(&self->outbox, (struct span){self->frame.data, length}, self->position);
    }
    self->packed = true;
}

static bool is_answered(struct relay *self, batch_t *batch) {
    uint64_t until = clock_mono_ns() + SLICE_NS, mono;
    struct waiter waiter = {.port = self->port};
    pump_outbox(self, batch);
    while (!outbox_is_clear(&self->outbox) && self->port && (mono = clock_mono_ns()) < until) {
        waiter.port = self->port;
        (void)ports_wait(&waiter, 1, (int64_t)((until - mono) / NS_PER_MS) + 1);
        pump_outbox(self, batch);
    }
    return outbox_is_clear(&self->outbox);
}

// The other cell's commit, in the place of a store: a signal is acknowledged to this cell's journal
// after it, in the same transaction as what is needed to offer it again.
static err_t relay_persist(void *arg, batch_t *batch, const struct inlet_position *inlets,
                           size_t n) {
    struct relay *self = arg;
    if (!self->packed) pack_handover(self);
    if (!outbox_is_clear(&self->outbox)) FAILPOINT("relay.before_handover");
    if (!is_answered(self, batch)) {
        if (!self->waiting_since) self->waiting_since = clock_mono_ns();
        return ERR_PEER;
    }
    if (self->n) FAILPOINT("relay.after_answer");
    self->waiting_since = 0;
    if (n) self->position = inlets[0].position;
    if (self->n)
        slice_peer(batch, self->context->name, self->outbox.peer,
                   outbox_since(&self->outbox, self->position));
    return ERR_OK;
}

static void relay_committed(void *arg) {
    struct relay *self = arg;
    self->n = 0;
    self->packed = false;
}

// --- how it is

static const char *relay_trouble_of(const struct relay *self, uint64_t mono, arena_t *arena) {
    uint64_t last = self->answered_at ? self->answered_at : self->began_at,
             silent = mono > last ? mono - last : 0;
    if (*self->held && silent < SAID_FOR)
        return arena_format(arena, "cell %s takes nothing: %s", self->to, self->held);
    if (silent >= SAID_FOR)
        return arena_format(arena, "cell %s has not answered for %llu s", self->to,
                            (unsigned long long)(silent / NS_PER_S));
    return NULL;
}

// While it waits for the other cell it is not stalled: nothing of this cell is wrong.
static void relay_beat(void *arg, Heartbeat *out, arena_t *arena) {
    const struct relay *self = arg;
    uint64_t mono = clock_mono_ns();
    CellLink *link = arena_take(arena, sizeof *link);
    cell_link__init(link);
    link->cell = (char *)self->to;
    link->sends = true;
    link->signals = self->outbox.signals;
    link->had = self->outbox.had;
    link->unwanted = self->outbox.unwanted;
    link->refused = self->outbox.refused;
    link->trouble = (char *)relay_trouble_of(self, mono, arena);
    link->has_waiting_since = self->waiting_since != 0;
    if (self->waiting_since) {
        link->waiting_since = clock_utc_ns() - (mono - self->waiting_since);
        out->stalled = false;
        out->trouble = link->trouble ? link->trouble : NULL;
    }
    out->links = arena_take(arena, sizeof *out->links);
    out->links[out->n_links++] = link;
}

static const struct route routes[] = {
    {TOPIC_signals, &signal__descriptor, relay_handle_signal, true},
    {0},
};

const struct service relay_service = {
    .role = RELAY,
    .purpose = "Hands the signals that this cell's door has taken to one other cell.",
    .options = options,
    .settings_size = sizeof(struct relay_settings),
    .routes = routes,
    .slice = relay_slice,
    .new = relay_new,
    .destroy = relay_destroy,
    .load = relay_load,
    .positions = relay_positions,
    .open = relay_open,
    .tick = relay_tick,
    .committed = relay_committed,
    .persist = relay_persist,
    .waits_for_others = true,
    .which = relay_which,
    .which_option = "to",
    .beat = relay_beat,
    .batch_max = PART_SIGNALS,
};
