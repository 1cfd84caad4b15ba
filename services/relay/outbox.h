// outbox - what is on its way to the other cell: in parts, each until it is answered; and what was
// answered of late. No I/O in here.
// SPDX-License-Identifier: MIT
#pragma once

#include "cell.pb-c.h"
#include "common/base/buffer.h"
#include "common/delivery/delivery.h"

#define PART_SIGNALS 512          // in one Handover
#define PART_BYTES   (256 * 1024) // a Handover is begun anew beyond

// Some signals of one batch, packed.
struct part {
    struct part *next;
    uint64_t number;
    struct entry_id before; // where the topic stood before its batch
    uint64_t answered_at;   // monotonic ns
    bool sent;
    buffer_t bytes;
    uint32_t *ends; // of each signal in bytes
    size_t count, room;
};

struct parts {
    struct part *first, *last;
};

// The other cell may lose what it acknowledged in its last seconds, when its ingest and its Redis
// are killed together. So what was answered is kept until the same process there has answered for
// KEEP_FOR after it, and offered again when another one answers: it is known there, or missed.
//
// Only the first part is ever on its way, and the next one goes when that is answered: so signals
// come there in the order they had here.
struct outbox {
    struct parts waiting; // for an answer, the oldest first
    uint64_t due_at;      // monotonic ns: when the first one is sent, or sent again …
    // … so many ns after the last time, when there was no answer, or it was "not now"
    uint64_t wait, pause;
    struct parts recent; // answered
    size_t recent_bytes;
    uint64_t numbers; // given so far
    uint64_t peer;    // incarnation of who answered last; 0: nobody yet
    // monotonic ns of the last answer that acknowledged something, or might have
    uint64_t heard_at;
    uint64_t signals, had, unwanted, refused; // as answered
};

void relay_outbox_destroy(struct outbox *self);
// Adds a packed signal behind all others. `before`: where the topic stood before its batch.
void outbox_add(struct outbox *self, struct span packed, struct entry_id before);
// The same for one that was answered by outbox.peer before this process was started.
void outbox_recall(struct outbox *self, struct span packed, struct entry_id before,
                   uint64_t mono_ns);

bool outbox_is_clear(const struct outbox *self); // everything is answered
// The part to send now, NULL: none. It is due again later, ever more so.
const struct part *outbox_due(struct outbox *self, uint64_t mono_ns);
struct span part_signal(const struct part *part, size_t i);
// as a Handover in its envelope
void part_write(const struct part *part, const char *cell, buffer_t *frame);

// A signal that the other cell will never take.
typedef void refused_fn(void *arg, struct span packed, const char *reason);
void outbox_answer(struct outbox *self, const HandoverAnswer *answer, uint64_t mono_ns,
                   refused_fn *refused, void *arg);
// From where on it would have to be read again if this process were killed: `now` unless something
// is kept.
struct entry_id outbox_since(const struct outbox *self, struct entry_id now);
