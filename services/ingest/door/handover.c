// handover - signals that another cell's door has taken: known again, not wanted here, or accepted
// in the batch's transaction.
// SPDX-License-Identifier: MIT
#include "services/ingest/door/handover.h"

#include <stdio.h>
#include <string.h>

#include "common/base/testing.h"
#include "common/delivery/envelope.h"
#include "services/ingest/accept.h"
#include "services/ingest/rules/rules.h"
#include "services/ingest/slice.h"

#define PEERS "handover"
// Within what is remembered for sure, also where clocks differ: an older signal may be one that was
// here and is forgotten.
#define KNOWN_FOR (GUARD_FOR - UINT64_C(3600) * NS_PER_S)
#define OLD                                                                                        \
    "is older than what is remembered here (47 h): nobody can tell whether it was taken before"

static bool find_handed_guard(const void *guard, struct digest key, uint64_t *value) {
    return guard_find(guard, key, value);
}

// --- one signal

// Somebody here has to do with it: an account subscribes, or a consensus counts it.
static bool is_source_wanted(struct ingest *self, const char *source) {
    const struct subscriber *subscribers;
    const SignalConfig *row = book_source(self->context->book, source);
    if (row && !row->enabled) return false;
    return book_subscribers(self->context->book, source, &subscribers) > 0 ||
           votes_rows(self->votes, source) > 0;
}

// What this version cannot read or would not have taken, whoever says it; NULL: it is well.
static const char *wrong_with(const Signal *s) {
    if (!id_is_valid(s->signal_id)) return "its signal_id cannot be one";
    if (!protobuf_c_enum_descriptor_get_value(&signal__direction__descriptor, (int)s->direction))
        return "a direction that is not known here";
    if (!protobuf_c_enum_descriptor_get_value(&signal__order_type__descriptor, (int)s->order_type))
        return "an order type that is not known here";
    if (!record_is_sound(&s->base)) return "a field with a value that is not known here";
    if (s->has_content_digest && s->content_digest.len != sizeof(struct digest))
        return "a content_digest of another length";
    return NULL;
}

static void identify_handed_signal(struct ingest *self, const Signal *s, struct identity *out) {
    const SignalConfig *row = book_source(self->context->book, s->source);
    struct digest content;
    if (s->has_content_digest) memcpy(&content, s->content_digest.data, sizeof content);
    const struct handed handed = {
        .signal_id = s->signal_id,
        .source = s->source,
        .content = s->content,
        .created_at = s->created_at,
        .derived_from = s->has_content_digest ? &content : NULL,
        .window_ns = row ? row->window_s * NS_PER_S : 0,
        .losses = &self->losses,
    };
    identity_of_handed(&handed, find_handed_guard, self->guard, out);
}

// As its first door stamped it, but for what is this cell's own to say.
static bool accept_handed_signal(struct ingest *self, batch_t *batch, Signal *s, const char *cell,
                                 const struct identity *identity) {
    s->status = SIGNAL__STATUS__pending;
    if (!s->cell) s->cell = (char *)cell;
    s->has_part_only = s->part_only = votes_are_all(self->votes, s->source);
    s->has_content_digest = false; // it goes no further
    approval_stamp(book_source(self->context->book, s->source), s, batch_now(batch));
    return accept_new(self, batch, s, identity);
}

static void add_handover_refusal(batch_t *batch, HandoverAnswer *answer, size_t place,
                                 const char *reason) {
    HandoverRefusal *refusal = arena_take(batch_arena(batch), sizeof *refusal);
    handover_refusal__init(refusal);
    refusal->place = (uint32_t)place;
    refusal->reason = (char *)reason;
    answer->refused[answer->n_refused++] = refusal;
}

// False: there is no room for it now.
static bool take_one(struct ingest *self, batch_t *batch, const Handover *h, size_t place,
                     HandoverAnswer *answer) {
    const ProtobufCBinaryData *packed = &h->signals[place];
    Signal *s = signal__unpack(arena_allocator(batch_arena(batch)), packed->len, packed->data);
    struct identity identity;
    if (!s)
        return add_handover_refusal(batch, answer, place,
                                    "cannot be decoded here (a newer version wrote it?)"),
               true;
    if (!is_source_wanted(self, s->source)) return answer->unwanted++, true;
    const char *wrong = wrong_with(s);
    if (wrong) return add_handover_refusal(batch, answer, place, wrong), true;
    identify_handed_signal(self, s, &identity);
    switch (identity.known) {
    case IDENTITY_RESEND:
        return answer->had++, true;
    case IDENTITY_CONFLICT:
        return add_handover_refusal(batch, answer, place,
                                    "this signal_id was used here for other content"),
               true;
    case IDENTITY_UNSURE: // not so: its first door was sure
    case IDENTITY_NEW:
        break;
    }
    if (s->created_at + KNOWN_FOR < batch_now(batch))
        return add_handover_refusal(batch, answer, place, OLD), true;
    if (!accept_handed_signal(self, batch, s, h->cell, &identity)) return false;
    return answer->taken++, true;
}

// --- all of a handover

static void count_handover(struct ingest *self, const char *cell, const HandoverAnswer *answer) {
    size_t i = 0;
    while (i < self->n_from && strcmp(self->from[i].cell, cell) != 0) i++;
    if (i == CELLS_MAX || strlen(cell) >= CELL_TEXT) return;
    if (i == self->n_from) (void)snprintf(self->from[self->n_from++].cell, CELL_TEXT, "%s", cell);
    self->from[i].taken += answer->taken;
    self->from[i].had += answer->had;
    self->from[i].unwanted += answer->unwanted;
    self->from[i].refused += answer->n_refused;
}

static void answer_to(const struct ingest *self, const Handover *h, HandoverAnswer *out) {
    handover_answer__init(out);
    out->cell = (char *)self->context->name;
    if (self->context->cell) out->cell = (char *)self->context->cell;
    out->number = h->number;
    out->incarnation = self->context->incarnation;
}

void handover_take(struct ingest *self, batch_t *batch, const Handover *h, HandoverAnswer *answer) {
    answer_to(self, h, answer);
    answer->refused = arena_take(batch_arena(batch), (h->n_signals + 1) * sizeof *answer->refused);
    for (size_t i = 0; i < h->n_signals && !answer->held; i++) {
        if (!take_one(self, batch, h, i, answer))
            answer->held = (char *)"as many signals are open or remembered as may be";
    }
    answer->has_taken = answer->has_had = answer->has_unwanted = true;
    count_handover(self, h->cell, answer);
}

// --- the door

static void send_handover_answer(struct ingest *self, struct span peer,
                                 const HandoverAnswer *answer) {
    static buffer_t frame; // one thread; its memory is kept from call to call
    buffer_clear(&frame);
    envelope_write(&frame, PEERS, ENTRY_ID_NONE, ENTRY_ID_NONE, &answer->base);
    // gone: it asks again
    (void)port_send_to(self->handover, peer, PEERS, (struct span){frame.data, frame.length});
}

static void hold_handover(struct ingest *self, struct span peer, const Handover *h,
                          const char *why) {
    HandoverAnswer answer;
    answer_to(self, h, &answer);
    answer.held = (char *)why;
    send_handover_answer(self, peer, &answer);
}

static const char *why_held(const struct ingest *self) {
    if (!self->context->caught_up) return "has just been started";
    return self->context->held ? self->context->held : "nothing can be committed at the moment";
}

static void handle_handover_parcel(struct ingest *self, batch_t *batch, const struct parcel *p) {
    struct envelope e;
    // damaged: it comes again
    if (envelope_read(p->topic, p->frame, &e) || strcmp(e.type, handover__descriptor.name) != 0)
        return;
    Handover *h = handover__unpack(batch ? arena_allocator(batch_arena(batch)) : NULL,
                                   e.body.length, e.body.data);
    if (!h) return;
    if (!batch || !self->context->caught_up) {
        hold_handover(self, p->peer, h, why_held(self));
        return batch ? (void)0 : handover__free_unpacked(h, NULL);
    }
    struct handed_over *waiting = &self->handed[self->n_handed++];
    waiting->peer_length =
        p->peer.length < sizeof waiting->peer ? p->peer.length : sizeof waiting->peer;
    memcpy(waiting->peer, p->peer.data, waiting->peer_length);
    handover_take(self, batch, h, &waiting->answer);
}

err_t handover_parcels(struct ingest *self, batch_t *batch) {
    struct parcel p;
    while (self->n_handed < HANDOVERS_MAX && port_receive(self->handover, &p))
        handle_handover_parcel(self, batch, &p);
    return ERR_OK;
}

void handover_answer(struct ingest *self) {
    if (self->n_handed) FAILPOINT("ingest.before_handover_answer");
    for (size_t i = 0; i < self->n_handed; i++) {
        const struct handed_over *waiting = &self->handed[i];
        send_handover_answer(self, (struct span){waiting->peer, waiting->peer_length},
                             &waiting->answer);
    }
    self->n_handed = 0;
}

void handover_turn_away(struct ingest *self, const char *why) {
    for (size_t i = 0; i < self->n_handed; i++) {
        struct handed_over *waiting = &self->handed[i];
        waiting->answer.held = (char *)why;
        waiting->answer.n_refused = 0;
        send_handover_answer(self, (struct span){waiting->peer, waiting->peer_length},
                             &waiting->answer);
    }
    self->n_handed = 0;
}

void handover_beat(const struct ingest *self, Heartbeat *out, arena_t *arena) {
    out->links = arena_take(arena, (self->n_from + 1) * sizeof *out->links);
    for (size_t i = 0; i < self->n_from; i++) {
        const struct from_cell *from = &self->from[i];
        CellLink *link = out->links[out->n_links++] = arena_take(arena, sizeof *link);
        cell_link__init(link);
        link->cell = (char *)from->cell;
        link->signals = from->taken;
        link->had = from->had;
        link->unwanted = from->unwanted;
        link->refused = from->refused;
    }
}
