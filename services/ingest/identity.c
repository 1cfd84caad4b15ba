// identity - a given id is remembered with its content; a derived one, which says its content, with its first arrival.
// SPDX-License-Identifier: MIT
#include "services/ingest/identity.h"

#include <stdio.h>
#include <string.h>

#define REFUSED UINT64_C(1) // lowest bit of a value; a content loses one bit of 64 to it, a time one nanosecond

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

// The id that equal content has within one aligned bucket of time.
static void derive(const struct arrival *a, uint64_t width, uint64_t bucket, char out[static ID_TEXT]) {
    char content[2 * sizeof a->content + 1], number[24];
    for (size_t i = 0; i < sizeof a->content.bytes; i++) (void)snprintf(content + 2 * i, 3, "%02x", a->content.bytes[i]);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)bucket);
    const char *const parts[] = {"signal", a->source, content, number};
    id_derive_at(out, bucket * width / 1000000, 4, parts);
}

static void resend(struct identity *out, uint64_t value) {
    out->known = IDENTITY_RESEND;
    out->refused = value & REFUSED;
}

static void given(const struct arrival *a, identity_find_fn *find, const void *arg, struct identity *out) {
    uint64_t value, content = content_number(a->content) & ~REFUSED;
    (void)snprintf(out->id, sizeof out->id, "%s", a->signal_id);
    out->key = given_key(out->id);
    out->value = content;
    if (find(arg, out->key, &value)) {
        out->known = IDENTITY_CONFLICT;
        if ((value & ~REFUSED) == content) resend(out, value);
    } else if (find(arg, derived_key(out->id), &value)) {
        out->known = IDENTITY_CONFLICT; // somebody gives as an id what we made for other content
    }
}

// Equal content in the bucket before is a resend only while the first arrival is younger than the window.
static bool came_just_before(const struct arrival *a, uint64_t first) { return a->now < first || a->now - first < a->window_ns; }

static void derived(const struct arrival *a, identity_find_fn *find, const void *arg, struct identity *out) {
    uint64_t width = a->window_ns ? a->window_ns : 1, bucket = a->now / width, value;
    out->derived = true;
    if (bucket) {
        derive(a, width, bucket - 1, out->id);
        if (find(arg, derived_key(out->id), &value) && came_just_before(a, value)) return resend(out, value);
    }
    derive(a, width, bucket, out->id);
    out->key = derived_key(out->id);
    out->value = a->now & ~REFUSED;
    if (find(arg, out->key, &value)) resend(out, value);
}

void identity_of(const struct arrival *a, identity_find_fn *find, const void *arg, struct identity *out) {
    *out = (struct identity){.known = IDENTITY_NEW};
    if (a->signal_id)
        given(a, find, arg, out);
    else
        derived(a, find, arg, out);
}

// Whether equal content got the id of that bucket, not longer before or after than it counts as a resend.
static bool is_beside(const struct handed *h, uint64_t bucket, identity_find_fn *find, const void *arg) {
    const struct arrival a = {.source = h->source, .content = *h->derived_from};
    char id[ID_TEXT];
    uint64_t first;
    derive(&a, h->window_ns, bucket, id);
    if (!find(arg, derived_key(id), &first)) return false;
    return (first > h->created_at ? first - h->created_at : h->created_at - first) < h->window_ns;
}

void identity_of_handed(const struct handed *h, identity_find_fn *find, const void *arg, struct identity *out) {
    uint64_t value, content = h->content & ~REFUSED;
    *out = (struct identity){.known = IDENTITY_NEW, .derived = h->derived_from != NULL};
    (void)snprintf(out->id, sizeof out->id, "%s", h->signal_id);
    out->key = out->derived ? derived_key(out->id) : given_key(out->id);
    out->value = out->derived ? h->created_at & ~REFUSED : content;
    if (find(arg, given_key(out->id), &value)) {
        out->known = IDENTITY_CONFLICT;
        if ((value & ~REFUSED) == content) resend(out, value);
    } else if (find(arg, derived_key(out->id), &value)) {
        out->known = IDENTITY_CONFLICT;
        if (out->derived) resend(out, value);
    } else if (h->derived_from && h->window_ns) {
        uint64_t bucket = h->created_at / h->window_ns;
        if ((bucket && is_beside(h, bucket - 1, find, arg)) || is_beside(h, bucket + 1, find, arg)) resend(out, 0);
    }
}

struct digest identity_over(const char *signal_id) {
    return key_of('o', signal_id);
}

struct restored identity_restore(const char *signal_id, uint64_t content, uint64_t signal_at) {
    return (struct restored){given_key(signal_id), derived_key(signal_id), content & ~REFUSED, signal_at & ~REFUSED};
}
