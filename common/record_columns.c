// record_columns - the fields of a message as they stand outside: those of its terms among its own.
// SPDX-License-Identifier: MIT
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/record_part.h"
#include "proto/moved.h"

// Fields of messages that stand among those of the message that has them, under their own names.
static const char *const inlined[] = {"terms", NULL};

static bool is_inlined(const ProtobufCFieldDescriptor *f) {
    if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED) return false;
    for (const char *const *name = inlined; *name; name++) {
        if (strcmp(f->name, *name) == 0) return true;
    }
    return false;
}

// --- one type

// A place in the order of columns: where it was while the message spelled it itself, or behind all
// that the message has.
static uint64_t rank_of(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f,
                        bool within) {
    uint32_t moved = within ? moved_number(d, f->name) : f->id;
    return moved ? moved : (UINT64_C(1) << 32) + f->id;
}

struct column {
    const ProtobufCFieldDescriptor *field;
    bool within;
    unsigned slot;
    uint64_t rank;
};

static int by_rank(const void *a, const void *b) {
    uint64_t one = ((const struct column *)a)->rank, other = ((const struct column *)b)->rank;
    return (one > other) - (one < other);
}

static struct column column_of(const ProtobufCMessageDescriptor *d,
                               const ProtobufCFieldDescriptor *f, unsigned slot) {
    bool within = slot >= d->n_fields;
    return (struct column){f, within, slot, rank_of(d, f, within)};
}

static_assert(RECORD_COLUMNS_MAX <= RECORD_SLOTS, "every column has a bit");

static struct record_columns *columns_of(const ProtobufCMessageDescriptor *d) {
    struct column all[RECORD_COLUMNS_MAX];
    struct record_columns *c = record_take(NULL, sizeof *c);
    for (unsigned i = 0; i < d->n_fields; i++) {
        if (is_inlined(&d->fields[i])) c->terms = &d->fields[i];
    }
    const ProtobufCMessageDescriptor *inner = c->terms ? c->terms->descriptor : NULL;
    unsigned n_inner = inner ? inner->n_fields : 0;
    assert(d->n_fields + n_inner <= RECORD_COLUMNS_MAX);
    for (unsigned i = 0; i < d->n_fields; i++) {
        if (&d->fields[i] != c->terms) all[c->n++] = column_of(d, &d->fields[i], i);
    }
    for (unsigned i = 0; i < n_inner; i++)
        all[c->n++] = column_of(d, &inner->fields[i], d->n_fields + i);
    qsort(all, c->n, sizeof *all, by_rank);
    for (unsigned i = 0; i < c->n; i++)
        c->fields[i] = all[i].field, c->within[i] = all[i].within,
        c->slots[i] = (uint8_t)all[i].slot;
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
static struct known *place_of(const ProtobufCMessageDescriptor *d) {
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
    struct known *k = place_of(d);
    if (!k->columns) {
        if (++n > TYPES_MAX / 2) abort(); // it must not be filled
        k->columns = columns_of(d);
        atomic_store_explicit(&k->type, d, memory_order_release);
    }
    pthread_mutex_unlock(&adding);
    return k->columns;
}

const struct record_columns *record_columns(const ProtobufCMessageDescriptor *d) {
    struct known *k = place_of(d);
    return atomic_load_explicit(&k->type, memory_order_acquire) ? k->columns : add_type(d);
}

// --- where a column's value is

static bool is_own(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f) {
    return (uintptr_t)f - (uintptr_t)d->fields < d->n_fields * sizeof *f;
}

const ProtobufCMessage *record_owner(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    if (is_own(m->descriptor, f)) return m;
    return *(const ProtobufCMessage *const *)record_at(
        m, record_columns(m->descriptor)->terms->offset);
}

void *record_place(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    return record_at(record_owner(m, f), f->offset);
}

unsigned record_slot(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f) {
    if (is_own(d, f)) return (unsigned)(f - d->fields);
    const ProtobufCMessageDescriptor *inner = record_columns(d)->terms->descriptor;
    return d->n_fields + (unsigned)(f - inner->fields);
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

const ProtobufCFieldDescriptor *record_field(const ProtobufCMessageDescriptor *d,
                                             struct span name) {
    const ProtobufCFieldDescriptor *terms = record_columns(d)->terms, *f = field_named(d, name);
    if (!terms || (f && f != terms)) return f;
    return field_named(terms->descriptor, name);
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
