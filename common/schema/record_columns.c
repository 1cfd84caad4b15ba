// record_columns - the fields of a message as they stand outside: those of its terms and amendments
// among its own.
// SPDX-License-Identifier: MIT
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/schema/record_value.h"
#include "proto/moved.h"

// Messages whose fields stand among those of the message that has them, under their own names, or
// with something behind. The messages are required, so that they are always there.
static const struct inlining {
    const char *holder, *suffix;
} inlinings[] = {{"terms", ""}, {"amendment", ""}, {"trailing", ""}, {"wanted", "_wanted"}};

// NULL: it stands outside as what it is.
static const char *suffix_of(const ProtobufCFieldDescriptor *f) {
    if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label != PROTOBUF_C_LABEL_REQUIRED) return NULL;
    for (size_t i = 0; i < sizeof inlinings / sizeof *inlinings; i++) {
        if (strcmp(f->name, inlinings[i].holder) == 0) return inlinings[i].suffix;
    }
    return NULL;
}

// --- one type

// A place in the order of columns: where it was while the message spelled it itself, or behind all
// that the message has.
static uint64_t rank_of(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
                        unsigned within) {
    uint32_t moved = moved_number(d, f->name);
    return moved ? moved : ((uint64_t)within << 32) + f->id;
}

struct column {
    const ProtobufCFieldDescriptor *field;
    unsigned within, slot;
    uint64_t rank;
};

static int by_rank(const void *a, const void *b) {
    uint64_t one = ((const struct column *)a)->rank, other = ((const struct column *)b)->rank;
    return (one > other) - (one < other);
}

static const char *join_names(const char *name, const char *suffix) {
    size_t length = strlen(name), more = strlen(suffix) + 1;
    char *text = record_take(NULL, length + more);
    memcpy(text, name, length);
    memcpy(text + length, suffix, more);
    return text;
}

// The fields with the names that they have outside; they live as long as the process.
static const ProtobufCFieldDescriptor *rename_fields(const ProtobufCMessageDescriptor *d,
                                                     const char *suffix) {
    if (!*suffix) return d->fields;
    ProtobufCFieldDescriptor *fields = record_take(NULL, d->n_fields * sizeof *fields);
    memcpy(fields, d->fields, d->n_fields * sizeof *fields);
    for (unsigned i = 0; i < d->n_fields; i++) fields[i].name = join_names(fields[i].name, suffix);
    return fields;
}

static_assert(RECORD_COLUMNS_MAX <= RECORD_SLOTS, "every column has a bit");

static void find_inlined(const ProtobufCMessageDescriptor *d, struct record_columns *c) {
    unsigned slot = d->n_fields;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const char *suffix = suffix_of(&d->fields[i]);
        if (!suffix) continue;
        const ProtobufCMessageDescriptor *inner = d->fields[i].descriptor;
        assert(c->n_inlined < RECORD_INLINED_MAX);
        c->inlined[c->n_inlined++] = (struct record_inlined){
            &d->fields[i], rename_fields(inner, suffix), inner->n_fields, slot};
        slot += inner->n_fields;
    }
    assert(slot <= RECORD_COLUMNS_MAX);
}

static unsigned add_columns(const ProtobufCMessageDescriptor *d, const struct record_inlined *of,
                            unsigned within, struct column *out) {
    unsigned n = 0;
    for (unsigned i = 0; i < of->n; i++) {
        const ProtobufCFieldDescriptor *f = &of->fields[i];
        if (within || !suffix_of(f))
            out[n++] = (struct column){f, within, of->first_slot + i, rank_of(d, f, within)};
    }
    return n;
}

static struct record_columns *columns_of(const ProtobufCMessageDescriptor *d) {
    struct column all[RECORD_COLUMNS_MAX];
    struct record_columns *c = record_take(NULL, sizeof *c);
    const struct record_inlined own = {NULL, d->fields, d->n_fields, 0};
    find_inlined(d, c);
    c->n = add_columns(d, &own, 0, all);
    for (unsigned i = 0; i < c->n_inlined; i++)
        c->n += add_columns(d, &c->inlined[i], i + 1, all + c->n);
    qsort(all, c->n, sizeof *all, by_rank);
    for (unsigned i = 0; i < c->n; i++) {
        c->fields[i] = all[i].field;
        c->within[i] = (uint8_t)all[i].within;
        c->slots[i] = (uint8_t)all[i].slot;
    }
    return c;
}

// --- all types: made when first asked for, kept while the process lives, read by any thread
// without a lock

#define TYPES_MAX 512 // places in the table; there are some hundred types

struct known {
    _Atomic(const ProtobufCMessageDescriptor *) type;
    struct record_columns *columns;
};
static struct known known[TYPES_MAX];
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

// Its place, or the free one where it belongs.
static struct known *find_columns_slot(const ProtobufCMessageDescriptor *d) {
    size_t at = ((uintptr_t)d >> 4) % TYPES_MAX;
    const ProtobufCMessageDescriptor *there;
    while ((there = atomic_load_explicit(&known[at].type, memory_order_acquire)) != NULL &&
           there != d)
        at = (at + 1) % TYPES_MAX;
    return &known[at];
}

static const struct record_columns *add_type(const ProtobufCMessageDescriptor *d) {
    static size_t n;
    pthread_mutex_lock(&adding);
    struct known *k = find_columns_slot(d);
    if (!k->columns) {
        if (++n > TYPES_MAX / 2) abort(); // it must not be filled
        k->columns = columns_of(d);
        atomic_store_explicit(&k->type, d, memory_order_release);
    }
    pthread_mutex_unlock(&adding);
    return k->columns;
}

const struct record_columns *record_columns(const ProtobufCMessageDescriptor *d) {
    struct known *k = find_columns_slot(d);
    return atomic_load_explicit(&k->type, memory_order_acquire) ? k->columns : add_type(d);
}

// --- where a column's value is

static bool field_is_among(const ProtobufCFieldDescriptor *f,
                           const ProtobufCFieldDescriptor *fields, unsigned n) {
    return (uintptr_t)f - (uintptr_t)fields < n * sizeof *f;
}

static bool field_is_own(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f) {
    return field_is_among(f, d->fields, d->n_fields);
}

const struct record_inlined *record_inlined_of(const ProtobufCMessageDescriptor *d,
                                               const ProtobufCFieldDescriptor *f) {
    if (field_is_own(d, f)) return NULL;
    const struct record_columns *c = record_columns(d);
    for (unsigned i = 0; i < c->n_inlined; i++) {
        if (field_is_among(f, c->inlined[i].fields, c->inlined[i].n)) return &c->inlined[i];
    }
    return NULL;
}

const ProtobufCMessage *record_owner(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    if (field_is_own(m->descriptor, f)) return m; // most are
    const struct record_inlined *of = record_inlined_of(m->descriptor, f);
    return of ? *(const ProtobufCMessage *const *)record_at(m, of->holder->offset) : m;
}

void *record_place(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    return record_at(record_owner(m, f), f->offset);
}

unsigned record_slot(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f) {
    const struct record_inlined *of = record_inlined_of(d, f);
    return of ? of->first_slot + (unsigned)(f - of->fields) : (unsigned)(f - d->fields);
}

static const ProtobufCFieldDescriptor *field_named(const ProtobufCMessageDescriptor *d,
                                                   struct span name) {
    unsigned low = 0, high = d->n_fields;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const ProtobufCFieldDescriptor *f = &d->fields[d->fields_sorted_by_name[middle]];
        int order = strncmp(f->name, name.data, name.length);
        if (order == 0)
            order = (strlen(f->name) > name.length) -
                    (strlen(f->name) < name.length); // a zero in `name` ends the comparison
        if (order == 0) return f;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

// Its name there is the one outside without what is behind it.
static const ProtobufCFieldDescriptor *inlined_named(const struct record_inlined *of,
                                                     struct span name) {
    const char *suffix = suffix_of(of->holder);
    size_t behind = strlen(suffix), length = name.length - behind;
    const ProtobufCMessageDescriptor *d = of->holder->descriptor;
    if (name.length < behind) return NULL;
    if (memcmp((const char *)name.data + length, suffix, behind) != 0) return NULL;
    const ProtobufCFieldDescriptor *f = field_named(d, (struct span){name.data, length});
    return f ? &of->fields[f - d->fields] : NULL;
}

const ProtobufCFieldDescriptor *record_field(const ProtobufCMessageDescriptor *d,
                                             struct span name) {
    const struct record_columns *c = record_columns(d);
    const ProtobufCFieldDescriptor *f = field_named(d, name);
    if (f && !suffix_of(f)) return f;
    for (unsigned i = 0; i < c->n_inlined; i++) {
        const ProtobufCFieldDescriptor *inner = inlined_named(&c->inlined[i], name);
        if (inner) return inner;
    }
    return NULL;
}

struct record_mask record_mask(const ProtobufCMessageDescriptor *d, const char *const names[]) {
    struct record_mask mask = {0};
    for (; *names; names++) {
        const ProtobufCFieldDescriptor *f = record_field(d, span_of(*names));
        if (!f) abort();
        record_mask_add(&mask, record_slot(d, f));
    }
    return mask;
}
