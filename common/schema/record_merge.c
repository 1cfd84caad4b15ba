// record_merge - what fields of the same name say in another message.
// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/schema/record_value.h"

// Two types and the fields whose names both have. Each is made when it is first asked for, and
// lives as long as the process. Any thread may ask: who is late makes one that is not used.
struct pairing {
    const ProtobufCMessageDescriptor *from, *to;
    struct pairing *next;
    unsigned n;
    const ProtobufCFieldDescriptor *pairs[][2];
};
static _Atomic(struct pairing *) pairings;

// The field of `to` with the name, which must mean the same.
static const ProtobufCFieldDescriptor *find_partner(const ProtobufCMessageDescriptor *to,
                                                    const ProtobufCFieldDescriptor *f) {
    const ProtobufCFieldDescriptor *t =
        protobuf_c_message_descriptor_get_field_by_name(to, f->name);
    if (!t) return NULL;
    bool plain = f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_BYTES &&
                 !record_is_nested(f) && !record_is_nested(t);
    if (!plain || t->type != f->type || t->descriptor != f->descriptor) abort();
    return t;
}

static const struct pairing *pair_fields(const ProtobufCMessageDescriptor *from,
                                         const ProtobufCMessageDescriptor *to) {
    struct pairing *known =
        record_take(NULL, sizeof *known + from->n_fields * sizeof *known->pairs);
    *known = (struct pairing){.from = from, .to = to, .next = atomic_load(&pairings)};
    for (unsigned i = 0; i < from->n_fields; i++) {
        const ProtobufCFieldDescriptor *t = find_partner(to, &from->fields[i]);
        if (!t) continue;
        known->pairs[known->n][0] = &from->fields[i];
        known->pairs[known->n++][1] = t;
    }
    while (!atomic_compare_exchange_weak(&pairings, &known->next, known)) continue;
    return known;
}

static const struct pairing *find_pairing(const ProtobufCMessageDescriptor *from,
                                          const ProtobufCMessageDescriptor *to) {
    const struct pairing *known = atomic_load_explicit(&pairings, memory_order_acquire);
    while (known && (known->from != from || known->to != to)) known = known->next;
    return known ? known : pair_fields(from, to);
}

bool record_merge(const ProtobufCMessage *from, ProtobufCMessage *to) {
    const struct pairing *known = find_pairing(from->descriptor, to->descriptor);
    bool any = false;
    for (unsigned i = 0; i < known->n; i++) {
        const ProtobufCFieldDescriptor *f = known->pairs[i][0], *t = known->pairs[i][1];
        if (f->label == PROTOBUF_C_LABEL_OPTIONAL &&
            !*(const protobuf_c_boolean *)record_at(from, f->quantifier_offset))
            continue;
        memcpy(record_at(to, t->offset), record_at(from, f->offset), record_item_size(f));
        record_mark_set(to, t);
        any = true;
    }
    return any;
}
