// record_pairs - a message from name/value pairs, as Redis holds it: whole, or what can be read of
// it.
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "common/schema/record_value.h"

void record_fill_text(const ProtobufCFieldDescriptor *f, void *place, arena_t *arena) {
    char **text = place;
    if (f->type == PROTOBUF_C_TYPE_STRING && (!*text || *text == f->default_value))
        *text = record_take(arena, 1);
}

void record_fill_texts(ProtobufCMessage *m, arena_t *arena) {
    const struct record_columns *columns = record_columns(m->descriptor);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (f->label != PROTOBUF_C_LABEL_REQUIRED) continue;
        record_fill_text(f, record_place(m, f), arena);
        ProtobufCMessage **nested = record_place(m, f);
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || *nested) continue;
        *nested = record_new(f->descriptor, arena);
        record_fill_texts(*nested, arena);
    }
}

err_t record_set_told(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct span text,
                      arena_t *arena, const char **rule) {
    *rule = "cannot be read";
    if (record_is_nested(f)) return record_read_nested(m, f, text, arena);
    err_t e = record_read_value(f, text, arena, record_place(m, f), rule);
    if (e) return e == ERR_RULE ? ERR_INPUT : e;
    record_mark_set(m, f);
    return ERR_OK;
}

err_t record_set(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct span text,
                 arena_t *arena) {
    const char *rule;
    return record_set_told(m, f, text, arena, &rule);
}

static void tell_pair(struct fault *fault, const ProtobufCFieldDescriptor *f, const char *rule,
                      struct span value) {
    if (!fault || fault->rule[0]) return;
    snprintf(fault->path, sizeof fault->path, "%s", f->name);
    snprintf(fault->rule, sizeof fault->rule, "%s", rule);
    int length =
        value.length < sizeof fault->value ? (int)value.length : (int)sizeof fault->value - 1;
    snprintf(fault->value, sizeof fault->value, "%.*s", length,
             value.length ? (const char *)value.data : "");
}

// All that can be read; the first thing that cannot is the fault.
static err_t read_pairs(ProtobufCMessage *m, const struct record_pair *pairs, size_t n,
                        arena_t *arena, struct fault *fault) {
    const ProtobufCMessageDescriptor *d = m->descriptor;
    const struct record_columns *columns = record_columns(d);
    struct record_mask seen = {0};
    err_t e = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        const ProtobufCFieldDescriptor *f = record_field(d, pairs[i].name);
        const char *rule;
        if (!f) continue;
        err_t one = record_set_told(m, f, pairs[i].value, arena, &rule);
        if (one) tell_pair(fault, f, rule, pairs[i].value);
        if (!e) e = one;
        if (!one) record_mask_add(&seen, record_slot(d, f));
    }
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (f->label != PROTOBUF_C_LABEL_REQUIRED || record_mask_has(&seen, record_slot(d, f)))
            continue;
        tell_pair(fault, f, "is required", (struct span){0});
        if (!e) e = ERR_INPUT;
    }
    return e;
}

err_t record_from_pairs(const ProtobufCMessageDescriptor *d, const struct record_pair *pairs,
                        size_t n, arena_t *arena, ProtobufCMessage **out, struct fault *fault) {
    *out = NULL;
    if (fault) *fault = (struct fault){0};
    ProtobufCMessage *m = record_new(d, arena);
    err_t e = read_pairs(m, pairs, n, arena, fault);
    if (e && !arena) protobuf_c_message_free_unpacked(m, NULL);
    if (!e) *out = m;
    return e;
}

ProtobufCMessage *record_part_of_pairs(const ProtobufCMessageDescriptor *d,
                                       const struct record_pair *pairs, size_t n, arena_t *arena) {
    ProtobufCMessage *m = record_new(d, arena);
    if (read_pairs(m, pairs, n, arena, NULL)) record_fill_texts(m, arena);
    return m;
}
