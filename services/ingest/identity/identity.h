// identity - what makes a signal this signal, so that a resend is known and the next bar's equal
// alert is not swallowed. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/domain/signal_id.h"
#include "services/ingest/identity/losses.h"

// A body as it reached the door.
struct arrival {
    const char *source;
    const char *signal_id;       // the sender's own; NULL: none
    bool plain;                  // the source's own ids are signal_ids as they are
    struct digest content;       // of source and body
    uint64_t now;                // ns of a time that never goes back (identity_time)
    uint64_t window_ns;          // how long equal content without an id is a resend; 0: never
    uint64_t old_ns[3];          // what that was before it was changed; 0: nothing
    const struct losses *losses; // what may have been forgotten
};

enum known {
    IDENTITY_NEW,
    IDENTITY_RESEND,   // answer it like the first
    IDENTITY_CONFLICT, // this id belongs to other content
    // equal content may have been forgotten, and nobody can tell for some seconds whether this is
    // it again, or the next signal
    IDENTITY_UNSURE,
};

struct identity {
    char id[SIGNAL_ID_TEXT];
    enum known known;
    bool refused;      // resend: the first one broke a rule
    bool derived;      // the id was made here
    struct digest key; // new: what to remember it by …
    uint64_t value;    // … and with
};

// The time that identities are made of: UTC, but a clock that is set back does not take it along,
// or a resend would find its first arrival in a bucket far ahead, and be another signal. Only what
// is said here is remembered; `at` 0: nothing yet.
struct identity_time {
    uint64_t at, mono; // UTC ns, and the monotonic time that belongs to it
    uint64_t stored;   // the last one that the store was given
};
#define IDENTITY_TIME_STEP UINT64_C(1000000000) // it is stored when it has moved by so much
uint64_t identity_time_now(struct identity_time *t, uint64_t utc_ns, uint64_t mono_ns);

// Looks a key up among those remembered.
typedef bool identity_find_fn(const void *arg, struct digest key, uint64_t *value);

// scratch: strlen(source) + 1 + length
struct digest content_digest(const char *source, const void *body, size_t length, void *scratch);
// Signal.content
uint64_t content_number(struct digest content);

void identity_of(const struct arrival *a, identity_find_fn *find, const void *arg,
                 struct identity *out);

// A signal as another cell has it: its identity was decided at its first door.
struct handed {
    const char *signal_id, *source;
    uint64_t content, created_at; // of the Signal
    // its content, when the id was derived; NULL: the sender's own id
    const struct digest *derived_from;
    uint64_t window_ns;          // of the source, here
    const struct losses *losses; // here
};
// The same body without an id, sent to the doors of two cells, may have got the ids of two buckets:
// either is known by the other.
void identity_of_handed(const struct handed *h, identity_find_fn *find, const void *arg,
                        struct identity *out);

// The value for a signal that is refused: so that its resend is answered 422 again.
uint64_t identity_refused(uint64_t value);

// What a signal that was lost here, and is met again downstream, is to be remembered by: either way
// it may have got its id.
struct restored {
    struct digest given_key, derived_key;
    uint64_t given_value, derived_value;
};
// the key of a signal whose outcome was here before it was known again
struct digest identity_over(const char *signal_id);
// The key of a signal that is not known here and was ordered all the same, as somebody downstream
// says; its value is when it first came. Without an id of its sender's it is known by that as what
// it was when it comes again, and taken like a new one: its orders are found by the ids that follow
// from its own.
struct digest identity_forgotten(const char *signal_id);
struct restored identity_restore(const char *signal_id, uint64_t content, uint64_t signal_at);
