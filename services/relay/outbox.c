// outbox - what is on its way to the other cell, and what was answered of late.
// SPDX-License-Identifier: MIT
#include "services/relay/outbox.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/testing.h"
#include "common/delivery/envelope.h"

#define WAIT_FIRST  NS_PER_S // an answer takes milliseconds
#define WAIT_MOST   (4 * NS_PER_S)
#define PAUSE_FIRST (100 * NS_PER_MS) // after "not now"
#define PAUSE_MOST  (2 * NS_PER_S)
#define KEEP_FOR    (10 * NS_PER_S) // Redis forgets at most about two
#define KEEP_BYTES  ((size_t)64 << 20)

static void append_part(struct parts *list, struct part *part) {
    part->next = NULL;
    if (list->last)
        list->last->next = part;
    else
        list->first = part;
    list->last = part;
}

static struct part *take_first_part(struct parts *list) {
    struct part *part = list->first;
    if (!part) return NULL;
    list->first = part->next;
    if (!list->first) list->last = NULL;
    return part;
}

static void part_free(struct part *part) {
    buffer_destroy(&part->bytes);
    free(part->ends);
    free(part);
}

static void parts_free(struct parts *list) {
    for (struct part *part; (part = take_first_part(list));) part_free(part);
}

void relay_outbox_destroy(struct outbox *self) {
    parts_free(&self->waiting);
    parts_free(&self->recent);
}

// --- filling

static bool takes_more(const struct part *part, struct span packed, struct entry_id before) {
    return part && part->count < PART_SIGNALS && part->bytes.length + packed.length <= PART_BYTES &&
           !part->sent && entry_id_cmp(part->before, before) == 0;
}

static struct part *part_for(struct outbox *self, struct parts *list, struct span packed,
                             struct entry_id before) {
    if (takes_more(list->last, packed, before)) return list->last;
    struct part *part = alloc_zeroed(1, sizeof *part);
    part->number = ++self->numbers;
    part->before = before;
    append_part(list, part);
    return part;
}

static void part_append(struct part *part, struct span packed) {
    buffer_add(&part->bytes, packed.data, packed.length);
    array_reserve(part->ends, part->count, part->room);
    part->ends[part->count++] = (uint32_t)part->bytes.length;
}

void outbox_add(struct outbox *self, struct span packed, struct entry_id before) {
    part_append(part_for(self, &self->waiting, packed, before), packed);
}

void outbox_recall(struct outbox *self, struct span packed, struct entry_id before,
                   uint64_t mono_ns) {
    struct part *part = part_for(self, &self->recent, packed, before);
    part->answered_at = mono_ns;
    part_append(part, packed);
    self->recent_bytes += packed.length;
}

// --- sending

bool outbox_is_clear(const struct outbox *self) { return !self->waiting.first; }

const struct part *outbox_due(struct outbox *self, uint64_t mono_ns) {
    struct part *part = self->waiting.first;
    if (!part || mono_ns < self->due_at) return NULL;
    self->wait = !self->wait ? WAIT_FIRST : self->wait < WAIT_MOST ? 2 * self->wait : WAIT_MOST;
    self->due_at = mono_ns + self->wait;
    part->sent = true;
    return part;
}

struct span part_signal(const struct part *part, size_t i) {
    size_t from = i ? part->ends[i - 1] : 0;
    return (struct span){part->bytes.data + from, part->ends[i] - from};
}

void part_write(const struct part *part, const char *cell, buffer_t *frame) {
    ProtobufCBinaryData signals[PART_SIGNALS];
    Handover h = HANDOVER__INIT;
    h.cell = (char *)cell;
    h.number = part->number;
    h.signals = signals;
    for (; h.n_signals < part->count; h.n_signals++) {
        struct span s = part_signal(part, h.n_signals);
        signals[h.n_signals] = (ProtobufCBinaryData){s.length, (uint8_t *)s.data};
    }
    envelope_write(frame, "handover", ENTRY_ID_NONE, ENTRY_ID_NONE, &h.base);
}

// --- answers

static void forget_old(struct outbox *self) {
    const struct part *oldest;
    while ((oldest = self->recent.first)) {
        if (self->heard_at < oldest->answered_at + KEEP_FOR && self->recent_bytes <= KEEP_BYTES)
            return;
        self->recent_bytes -= oldest->bytes.length;
        part_free(take_first_part(&self->recent));
    }
}

static void send_next_part(struct outbox *self) { self->due_at = self->wait = self->pause = 0; }

// Another process answers: what the last one acknowledged in its last seconds is offered first,
// then what waited for an answer.
static void offer_again(struct outbox *self) {
    if (self->recent.last) {
        self->recent.last->next = self->waiting.first;
        if (self->waiting.first) self->recent.last = self->waiting.last;
        self->waiting = self->recent;
    }
    self->recent = (struct parts){NULL, NULL};
    self->recent_bytes = 0;
    send_next_part(self);
}

static void pause_sending(struct outbox *self, uint64_t mono_ns) {
    self->pause = !self->pause               ? PAUSE_FIRST
                  : self->pause < PAUSE_MOST ? 2 * self->pause
                                             : PAUSE_MOST;
    self->due_at = mono_ns + self->pause;
}

static void settle_answer(struct outbox *self, const HandoverAnswer *answer, uint64_t mono_ns) {
    struct part *part = take_first_part(&self->waiting);
    self->signals += answer->taken;
    self->had += answer->had;
    self->unwanted += answer->unwanted;
    self->refused += answer->n_refused;
    part->answered_at = mono_ns;
    append_part(&self->recent, part);
    self->recent_bytes += part->bytes.length;
    send_next_part(self);
}

void outbox_answer(struct outbox *self, const HandoverAnswer *answer, uint64_t mono_ns,
                   refused_fn *refused, void *arg) {
    bool other = self->peer && answer->incarnation != self->peer;
    self->peer = answer->incarnation;
    if (other && !MUTATED("offered_once")) offer_again(self);
    const struct part *first = self->waiting.first;
    // else it is late, or was a question only
    bool asked = first && first->number == answer->number;
    if (answer->held) {
        if (asked) pause_sending(self, mono_ns);
        return;
    }
    self->heard_at = mono_ns;
    for (size_t i = 0; asked && i < answer->n_refused; i++) {
        const HandoverRefusal *r = answer->refused[i];
        if (r->place < first->count) refused(arg, part_signal(first, r->place), r->reason);
    }
    if (asked) settle_answer(self, answer, mono_ns);
    forget_old(self);
}

struct entry_id outbox_since(const struct outbox *self, struct entry_id now) {
    const struct part *oldest = self->recent.first ? self->recent.first : self->waiting.first;
    return oldest ? oldest->before : now;
}
