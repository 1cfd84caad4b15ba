// delivery - the rules of topics, pure: ids, accepting, catching up, trimming. No I/O in here; the
// simulator drives the same code.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

// Where an entry stands in its topic: the owner's incarnation, and a sequence counting within it.
// Written "L-S", as Redis does.
struct entry_id {
    uint64_t incarnation;
    uint64_t sequence;
};

#define ENTRY_ID_TEXT 42
#define ENTRY_ID_NONE ((struct entry_id){0, 0})

int entry_id_cmp(struct entry_id a, struct entry_id b);
size_t entry_id_print(struct entry_id id, char out[static ENTRY_ID_TEXT]);
err_t entry_id_parse(const char *text, size_t length, struct entry_id *out);

// What a consumer does with an entry that reaches it.
enum verdict {
    ACCEPT, // position = id
    HAVE,   // id <= position: drop
    // prev > position: something is missing. From the wire: read the journal. Inside the journal: a
    // hole, an incident
    GAP,
};
enum verdict delivery_accept(struct entry_id position, struct entry_id prev,
                             struct entry_id id); // of the journal, which its owner writes

// The wire is believed less: whoever reaches the inbox can say anything there, and an id far ahead,
// once believed, would make the consumer drop everything that comes. So it brings only what follows
// the position directly; all else (a gap, a new incarnation) the journal decides.
enum verdict delivery_follows(struct entry_id position, struct entry_id prev, struct entry_id id);

// Whether an incarnation lies more than an hour ahead of a clock: no owner's is, unless the clocks
// are wrong.
#define AHEAD_MOST_MS UINT64_C(3600000)
bool entry_id_is_ahead(struct entry_id id, uint64_t clock_ms);

// Entries between a position and a head. Over a change of incarnation at least what the newer one
// counts.
uint64_t lag_between(struct entry_id position, struct entry_id head);

// Whether a consumer's position lies beyond everything that the topic's owner (its head, its
// incarnation) ever wrote. What an earlier incarnation wrote and Redis forgot is not meant: this
// one starts above it.
bool position_is_beyond(struct entry_id position, struct entry_id head, uint64_t incarnation);

// The reading end of one topic.
struct inlet {
    // everything up to here has had its effect (in the open batch, or committed)
    struct entry_id position;
    bool behind;        // the journal has, or may have, more than reached us
    uint64_t looked_at; // monotonic ns of the last journal read
};

enum source { FROM_WIRE, FROM_JOURNAL };

// Offers an entry; ACCEPT moves the position. A gap from the wire sets behind, so that the journal
// is read.
enum verdict inlet_offer(struct inlet *in, struct entry_id prev, struct entry_id id,
                         enum source source);
// Tells that a journal read returned `count` entries of `limit` asked for: a full answer means that
// there may be more.
void inlet_read_done(struct inlet *in, size_t count, size_t limit, uint64_t mono_ns);
// Whether the journal is to be read now: behind, or nothing looked at for idle_ns.
bool inlet_wants_read(const struct inlet *in, uint64_t mono_ns, uint64_t idle_ns);

// The incarnation of a new process: above the clock, its own last one and every consumer's
// position, so that a clock set back cannot make new entries look old. A position more than an hour
// ahead of the clock and of its own last one counts for nothing: nobody wrote it, and who starts
// above it would have its consumer pass over what is in between.
uint64_t incarnation_next(uint64_t clock_ms, uint64_t stored, const struct entry_id *positions,
                          size_t n);

// Lazy trimming: an entry leaves at the earliest keep_ns after every consumer was seen to have it,
// over one unbroken connection.
#define TRIM_SAMPLES 32
struct trim {
    struct {
        struct entry_id acked; // least position over the consumers
        uint64_t mono_ns;
    } samples[TRIM_SAMPLES];
    unsigned count;
    struct entry_id done; // trimmed up to here
};

void trim_forget(struct trim *t); // the connection was lost: samples from before it say nothing
// Takes a sample; *upto is what may be trimmed now (everything <= it), NONE if nothing new. A
// consumer without a position holds everything.
void trim_sample(struct trim *t, const struct entry_id *positions, size_t n, uint64_t mono_ns,
                 uint64_t keep_ns, struct entry_id *upto);
