// identity - a given id is remembered with its content; a derived one, which says its content, with
// its first arrival.
// SPDX-License-Identifier: MIT
#include "services/ingest/identity/identity.h"

#include <stdio.h>
#include <string.h>

// lowest bit of a value; a content loses one bit of 64 to it, a time one nanosecond
#define REFUSED UINT64_C(1)

static struct digest key_of(char kind, const char *id) {
    char text[1 + SIGNAL_ID_TEXT];
    (void)snprintf(text, sizeof text, "%c%s", kind, id);
    return digest_text(text);
}

static struct digest given_key(const char *id) { return key_of('g', id); }
static struct digest derived_key(const char *id) { return key_of('d', id); }

struct digest content_digest(const char *source, const void *body, size_t length, void *scratch) {
    size_t head = strlen(source) + 1;
    memcpy(scratch, source, head);
    if (length) memcpy((char *)scratch + head, body, length);
    return digest_of(scratch, head + length);
}

uint64_t content_number(struct digest content) {
    uint64_t n = 0;
    for (int i = 0; i < 8; i++) n = n << 8 | content.bytes[i];
    return n;
}

uint64_t identity_refused(uint64_t value) { return value | REFUSED; }

uint64_t identity_time_now(struct identity_time *t, uint64_t utc_ns, uint64_t mono_ns) {
    if (t->at && t->mono && mono_ns > t->mono) t->at += mono_ns - t->mono;
    if (utc_ns > t->at) t->at = utc_ns;
    t->mono = mono_ns;
    return t->at;
}

// The id that equal content has within one aligned bucket of time.
static void derive_signal_id(const struct arrival *a, uint64_t width, uint64_t bucket,
                             char out[static ID_TEXT]) {
    static const char hex[] = "0123456789abcdef";
    char content[2 * sizeof a->content + 1], number[24];
    for (size_t i = 0; i < sizeof a->content.bytes; i++) {
        content[2 * i] = hex[a->content.bytes[i] >> 4];
        content[2 * i + 1] = hex[a->content.bytes[i] & 15];
    }
    content[2 * sizeof a->content] = 0;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)bucket);
    const char *const parts[] = {"signal", a->source, content, number};
    id_derive_at(out, bucket * width / 1000000, 4, parts);
}

static void mark_resend(struct identity *out, uint64_t value) {
    out->known = IDENTITY_RESEND;
    out->refused = value & REFUSED;
}

// Under the other form of its id a signal may have come before: plain_ids was changed, or a version
// wrote it that scoped none. A plain id may then be any source's, so only the same content, which
// names its source, makes it this one's.
static bool is_known_otherwise(const struct arrival *a, uint64_t content, identity_find_fn *find,
                               const void *arg, struct identity *out) {
    char other[SIGNAL_ID_TEXT];
    uint64_t value;
    bool is_plain = strcmp(out->id, a->signal_id) == 0;
    (void)snprintf(other, sizeof other, "%s", a->signal_id);
    if (is_plain) signal_id_scoped(a->source, a->signal_id, other);
    if (!find(arg, given_key(other), &value)) return false;
    bool same = (value & ~REFUSED) == content;
    if (!same && !is_plain) return false;
    memcpy(out->id, other, sizeof other);
    if (same)
        mark_resend(out, value);
    else
        out->known = IDENTITY_CONFLICT;
    return true;
}

static void identify_by_given_id(const struct arrival *a, identity_find_fn *find, const void *arg,
                                 struct identity *out) {
    uint64_t value, content = content_number(a->content) & ~REFUSED;
    if (a->plain && !signal_id_looks_made_here(a->signal_id))
        (void)snprintf(out->id, sizeof out->id, "%s", a->signal_id);
    else
        signal_id_scoped(a->source, a->signal_id, out->id);
    out->key = given_key(out->id);
    out->value = content;
    if (find(arg, out->key, &value)) {
        out->known = IDENTITY_CONFLICT;
        if ((value & ~REFUSED) == content) mark_resend(out, value);
    } else if (!is_known_otherwise(a, content, find, arg, out) &&
               find(arg, derived_key(a->signal_id), &value)) {
        out->known =
            IDENTITY_CONFLICT; // the id that a signal got here: a recording of it is played again
    }
}

static uint64_t compute_time_gap(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

static bool has_lost(const struct arrival *a) { return a->losses && a->losses->n; }

static void be_new(struct identity *out, uint64_t first_at) {
    out->key = derived_key(out->id);
    out->value = first_at & ~REFUSED;
}

// For content without an id.
struct search {
    const struct arrival *a;
    identity_find_fn *find;
    const void *arg;
    bool told; // equal content was forgotten, and is told to have come outside of the window
};

// Whether equal content has the id of that bucket, and came less than the window away: it is
// remembered, or was forgotten and is told to have come.
static bool has_come_in(struct search *s, uint64_t width, uint64_t bucket, struct identity *out) {
    uint64_t first;
    derive_signal_id(s->a, width, bucket, out->id);
    bool remembered = s->find(s->arg, derived_key(out->id), &first);
    bool told =
        !remembered && has_lost(s->a) && s->find(s->arg, identity_forgotten(out->id), &first);
    if (!remembered && !told) return false;
    bool within = compute_time_gap(s->a->now, first & ~REFUSED) < width;
    s->told |= told && !within;
    if (within && remembered) mark_resend(out, first);
    if (within && told) be_new(out, first);
    return within;
}

// In whichever bucket that was: also in the one after, should a time that was not stored have been
// ahead; and after a loss in the one where what was lost had come.
static bool has_come(struct search *s, uint64_t width, struct identity *out) {
    uint64_t bucket = s->a->now / width;
    for (uint64_t b = bucket ? bucket - 1 : 0; b <= bucket + 1; b++) {
        if (has_come_in(s, width, b, out)) return true;
    }
    for (size_t i = 0; has_lost(s->a) && i < s->a->losses->n; i++) {
        uint64_t b = losses_middle(s->a->losses, i) / width;
        // Given until the end of the bucket after it, and known again until that of the next.
        if (b + 2 == bucket && has_come_in(s, width, b, out)) return true;
    }
    return false;
}

// Not known here. After a loss it gets the id of the bucket in which it would have come before
// that, unless one that is remembered has it, or was told: then it is not what was lost there.
static void place(const struct search *s, uint64_t width, struct identity *out) {
    const struct arrival *a = s->a;
    uint64_t at = a->now;
    bool lost = has_lost(a) && !s->told;
    if (lost && !losses_place(a->losses, a->now, a->window_ns, &at)) {
        out->known = IDENTITY_UNSURE;
        return;
    }
    derive_signal_id(a, width, at / width, out->id);
    if (at != a->now && s->find(s->arg, derived_key(out->id), NULL))
        derive_signal_id(a, width, a->now / width, out->id);
    be_new(out, a->now);
}

static void identify_by_content(const struct arrival *a, identity_find_fn *find, const void *arg,
                                struct identity *out) {
    struct search s = {.a = a, .find = find, .arg = arg};
    uint64_t width = a->window_ns ? a->window_ns : 2; // a value has lost its last bit
    out->derived = true;
    if (has_come(&s, width, out)) return;
    for (size_t i = 0; i < sizeof a->old_ns / sizeof *a->old_ns; i++) {
        if (a->old_ns[i] && a->old_ns[i] != width && has_come(&s, a->old_ns[i], out)) return;
    }
    place(&s, width, out);
}

void identity_of(const struct arrival *a, identity_find_fn *find, const void *arg,
                 struct identity *out) {
    *out = (struct identity){.known = IDENTITY_NEW};
    if (a->signal_id)
        identify_by_given_id(a, find, arg, out);
    else
        identify_by_content(a, find, arg, out);
    // Its outcome is on record, and no other follows.
    if (out->known == IDENTITY_NEW && has_lost(a) && find(arg, identity_over(out->id), NULL))
        mark_resend(out, 0);
}

// Whether equal content came here, not longer before or after than it counts as a resend.
static bool has_come_here(const struct handed *h, identity_find_fn *find, const void *arg) {
    const struct arrival a = {.source = h->source,
                              .content = *h->derived_from,
                              .now = h->created_at,
                              .window_ns = h->window_ns,
                              .losses = h->losses};
    struct search s = {.a = &a, .find = find, .arg = arg};
    struct identity found = {.known = IDENTITY_NEW};
    return has_come(&s, h->window_ns, &found) && found.known == IDENTITY_RESEND;
}

void identity_of_handed(const struct handed *h, identity_find_fn *find, const void *arg,
                        struct identity *out) {
    uint64_t value, content = h->content & ~REFUSED;
    *out = (struct identity){.known = IDENTITY_NEW, .derived = h->derived_from != NULL};
    (void)snprintf(out->id, sizeof out->id, "%s", h->signal_id);
    out->key = out->derived ? derived_key(out->id) : given_key(out->id);
    out->value = out->derived ? h->created_at & ~REFUSED : content;
    if (find(arg, given_key(out->id), &value)) {
        out->known = IDENTITY_CONFLICT;
        if ((value & ~REFUSED) == content) mark_resend(out, value);
    } else if (find(arg, derived_key(out->id), &value)) {
        out->known = IDENTITY_CONFLICT;
        if (out->derived) mark_resend(out, value);
    } else if (h->derived_from && h->window_ns && has_come_here(h, find, arg)) {
        mark_resend(out, 0);
    }
}

struct digest identity_over(const char *signal_id) {
    return key_of('o', signal_id);
}

struct digest identity_forgotten(const char *signal_id) {
    return key_of('f', signal_id);
}

struct restored identity_restore(const char *signal_id, uint64_t content, uint64_t signal_at) {
    return (struct restored){given_key(signal_id), derived_key(signal_id), content & ~REFUSED,
                             signal_at & ~REFUSED};
}
