// record_json - messages as JSON and back; says of every fault where it is and which rule it
// breaks.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schema/json_tree.h"
#include "common/schema/record_value.h"

// Out.

static bool is_quoted(const ProtobufCFieldDescriptor *f) {
    return f->type == PROTOBUF_C_TYPE_FIXED64 || f->type == PROTOBUF_C_TYPE_ENUM ||
           f->type == PROTOBUF_C_TYPE_BYTES;
}

static void print_item(const ProtobufCFieldDescriptor *f, const void *place, buffer_t *out) {
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        record_to_json(*(const ProtobufCMessage *const *)place, out);
    } else if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)place;
        buffer_json_string(out, text, strlen(text));
    } else if (f->type == PROTOBUF_C_TYPE_BOOL) {
        buffer_text(out, *(const protobuf_c_boolean *)place ? "true" : "false");
    } else if (is_quoted(f)) {
        buffer_add(out, "\"", 1);
        record_print_value(f, place, out);
        buffer_add(out, "\"", 1);
    } else {
        record_print_value(f, place, out);
    }
}

// Messages of just a key and a value, side by side, are an object outside: its names are data.
static bool is_object_of_names(const ProtobufCFieldDescriptor *f) {
    const ProtobufCMessageDescriptor *d =
        f->type == PROTOBUF_C_TYPE_MESSAGE && f->label == PROTOBUF_C_LABEL_REPEATED ? f->descriptor
                                                                                    : NULL;
    return d && d->n_fields == 2 && strcmp(d->fields[0].name, "key") == 0 &&
           d->fields[0].type == PROTOBUF_C_TYPE_STRING && strcmp(d->fields[1].name, "value") == 0;
}

static void print_names(const ProtobufCMessage *const *items, size_t n, buffer_t *out) {
    buffer_text(out, "{");
    for (size_t i = 0; i < n; i++) {
        const ProtobufCFieldDescriptor *fields = items[i]->descriptor->fields;
        if (i) buffer_text(out, ",");
        print_item(&fields[0], record_place(items[i], &fields[0]), out);
        buffer_text(out, ":");
        print_item(&fields[1], record_place(items[i], &fields[1]), out);
    }
    buffer_text(out, "}");
}

static void print_field(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                        buffer_t *out) {
    const char *place = record_place(m, f);
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        print_item(f, place, out);
        return;
    }
    size_t n = *(const size_t *)record_at(record_owner(m, f), f->quantifier_offset),
           size = record_item_size(f);
    const char *items = *(const char *const *)place;
    if (is_object_of_names(f))
        return print_names((const ProtobufCMessage *const *)(const void *)items, n, out);
    for (size_t i = 0; i < n; i++) {
        buffer_add(out, i ? "," : "[", 1);
        print_item(f, items + i * size, out);
    }
    buffer_text(out, n ? "]" : "[]");
}

void record_print_nested(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                         buffer_t *out) {
    print_field(m, f, out);
}

void record_to_json(const ProtobufCMessage *m, buffer_t *out) { record_to_json_but(m, NULL, out); }

void record_to_json_but(const ProtobufCMessage *m, const struct record_mask *but, buffer_t *out) {
    const struct record_columns *columns = record_columns(m->descriptor);
    const char *before = "{\"";
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (!record_is_set(m, f) || (but && record_mask_has(but, columns->slots[i]))) continue;
        buffer_add(out, before, strlen(before));
        buffer_text(out, f->name);
        buffer_add(out, "\":", 2);
        print_field(m, f, out);
        before = ",\"";
    }
    buffer_text(out, before[0] == '{' ? "{}" : "}");
}

// In.

// Where the reader is, and who hears of faults.
struct reader {
    arena_t *arena;
    record_fault_fn *tell;
    void *arg;
    bool partial; // what can be read is given back in spite of faults
    size_t faults;
    size_t path_length;
    char path[sizeof(((struct fault *)0)->path)];
};

// What stands there, as far as it is one value. A text is cut, not escaped: it is for reading.
static void print_json_value(yajl_val v, char out[static sizeof(((struct fault *)0)->value)]) {
    size_t size = sizeof(((struct fault *)0)->value);
    if (YAJL_IS_STRING(v)) snprintf(out, size, "\"%.64s\"", YAJL_GET_STRING(v));
    if (YAJL_IS_NUMBER(v)) snprintf(out, size, "%.64s", YAJL_GET_NUMBER(v));
    if (YAJL_IS_TRUE(v) || YAJL_IS_FALSE(v))
        snprintf(out, size, "%s", YAJL_IS_TRUE(v) ? "true" : "false");
    if (YAJL_IS_ARRAY(v)) snprintf(out, size, "an array");
    if (YAJL_IS_OBJECT(v)) snprintf(out, size, "an object");
}

static void tell_value(struct reader *r, const char *rule, yajl_val v) {
    struct fault fault = {0};
    if (v) print_json_value(v, fault.value);
    snprintf(fault.path, sizeof(fault.path), "%s", r->path);
    snprintf(fault.rule, sizeof(fault.rule), "%s", rule);
    r->faults++;
    if (r->tell) r->tell(r->arg, &fault);
}

static void set_json_fault(struct reader *r, const char *rule) { tell_value(r, rule, NULL); }

// Goes down by ".name", or "[index]" without one; what it returns leads back up.
static size_t path_down(struct reader *r, const char *name, size_t index) {
    size_t back = r->path_length, room = sizeof(r->path) - back;
    int n = name ? snprintf(r->path + back, room, "%s%s", back ? "." : "", name)
                 : snprintf(r->path + back, room, "[%zu]", index);
    r->path_length += (size_t)n < room ? (size_t)n : room - 1;
    return back;
}

static void path_up(struct reader *r, size_t back) {
    r->path_length = back;
    r->path[back] = 0;
}

static void read_object(struct reader *r, ProtobufCMessage *m, yajl_val v);

// The text of a JSON value that the field's type may be written as: numbers and times as number or
// string, the rest as it is.
static bool scalar_text(const ProtobufCFieldDescriptor *f, yajl_val v, struct span *text) {
    if (f->type == PROTOBUF_C_TYPE_BOOL) {
        if (!YAJL_IS_TRUE(v) && !YAJL_IS_FALSE(v)) return false;
        *text = span_of(YAJL_IS_TRUE(v) ? "true" : "false");
        return true;
    }
    bool number = f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_ENUM &&
                  f->type != PROTOBUF_C_TYPE_BYTES;
    if (YAJL_IS_STRING(v))
        *text = span_of(YAJL_GET_STRING(v));
    else if (number && YAJL_IS_NUMBER(v))
        *text = span_of(YAJL_GET_NUMBER(v));
    else
        return false;
    return true;
}

// A text that could not be read, or is missing, is an empty one to whoever looks at the rest.
static void fill_hole(struct reader *r, const ProtobufCFieldDescriptor *f, void *place) {
    if (r->partial) record_fill_text(f, place, r->arena);
}

static void read_item(struct reader *r, const ProtobufCFieldDescriptor *f, void *place,
                      yajl_val v) {
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage *nested = record_new(f->descriptor, r->arena);
        *(ProtobufCMessage **)place = nested; // also when it is none: nobody meets a hole
        if (YAJL_IS_OBJECT(v))
            read_object(r, nested, v);
        else
            tell_value(r, "must be an object", v), record_fill_texts(nested, r->arena);
        return;
    }
    struct span text;
    const char *rule = "must be text";
    bool fits = scalar_text(f, v, &text);
    if (!fits) text = span_of("?"); // fits no field but text: asks for the rule only
    err_t e = fits || f->type != PROTOBUF_C_TYPE_STRING
                  ? record_read_value(f, text, r->arena, place, &rule)
                  : ERR_INPUT;
    if (!e && fits) return;
    tell_value(r, rule, v);
    fill_hole(r, f, place);
}

// An object whose names are data; the same name twice is refused where an object is read.
static void read_object_of_names(struct reader *r, ProtobufCMessage *m,
                                 const ProtobufCFieldDescriptor *f, yajl_val v) {
    if (!YAJL_IS_OBJECT(v)) return tell_value(r, "must be an object", v);
    size_t n = v->u.object.len;
    ProtobufCMessage **items = n ? record_take(r->arena, n * sizeof *items) : NULL;
    *(void **)record_place(m, f) = items;
    size_t *count = record_at(record_owner(m, f), f->quantifier_offset);
    for (size_t i = 0; i < n; i++) {
        const ProtobufCMessageDescriptor *d = f->descriptor;
        const ProtobufCFieldDescriptor *fields = d->fields;
        items[i] = record_new(d, r->arena);
        *count = i + 1;
        size_t back = path_down(r, v->u.object.keys[i], 0);
        const char *rule;
        if (record_read_value(&fields[0], span_of(v->u.object.keys[i]), r->arena,
                              record_place(items[i], &fields[0]), &rule))
            set_json_fault(r, rule), fill_hole(r, &fields[0], record_place(items[i], &fields[0]));
        read_item(r, &fields[1], record_place(items[i], &fields[1]), v->u.object.values[i]);
        path_up(r, back);
    }
}

static void read_array(struct reader *r, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       yajl_val v) {
    if (is_object_of_names(f)) return read_object_of_names(r, m, f, v);
    if (!YAJL_IS_ARRAY(v)) {
        tell_value(r, "must be an array", v);
        return;
    }
    size_t n = v->u.array.len, size = record_item_size(f);
    if (n == 0) return;
    char *items = record_take(r->arena, n * size);
    *(void **)record_place(m, f) = items;
    size_t *count = record_at(record_owner(m, f), f->quantifier_offset);
    for (size_t i = 0; i < n; i++) {
        *count = i + 1;
        size_t back = path_down(r, NULL, i);
        read_item(r, f, items + i * size, v->u.array.values[i]);
        path_up(r, back);
    }
}

static void read_field(struct reader *r, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       yajl_val v) {
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        read_array(r, m, f, v);
        return;
    }
    read_item(r, f, record_place(m, f), v);
    record_mark_set(m, f);
}

static void read_member(struct reader *r, ProtobufCMessage *m, yajl_val object, size_t i,
                        struct record_mask *seen) {
    const char *name = object->u.object.keys[i];
    yajl_val v = object->u.object.values[i];
    const ProtobufCFieldDescriptor *f = record_field(m->descriptor, span_of(name));
    unsigned slot = f ? record_slot(m->descriptor, f) : 0;
    size_t back = path_down(r, name, 0);
    if (!f)
        set_json_fault(r, "is not known");
    else if (record_mask_has(seen, slot))
        set_json_fault(r, "is given twice");
    else if (!YAJL_IS_NULL(v))
        read_field(r, m, f, v);
    if (f && !YAJL_IS_NULL(v)) record_mask_add(seen, slot);
    path_up(r, back);
}

static void read_object(struct reader *r, ProtobufCMessage *m, yajl_val v) {
    const struct record_columns *columns = record_columns(m->descriptor);
    struct record_mask seen = {0};
    for (size_t i = 0; i < v->u.object.len; i++) read_member(r, m, v, i, &seen);
    for (unsigned i = 0; i < columns->n; i++) {
        const ProtobufCFieldDescriptor *f = columns->fields[i];
        if (f->label != PROTOBUF_C_LABEL_REQUIRED ||
            record_mask_has(&seen, record_slot(m->descriptor, f)))
            continue;
        size_t back = path_down(r, f->name, 0);
        set_json_fault(r, "is required");
        fill_hole(r, f, record_place(m, f));
        path_up(r, back);
    }
}

static yajl_val parse_json_tree(struct reader *r, struct span json) {
    char why[JSON_WHY];
    yajl_val v = json_tree_parse(json, why);
    if (!v) set_json_fault(r, why);
    return v;
}

static err_t read_document(struct reader *r, const ProtobufCMessageDescriptor *d, struct span json,
                           ProtobufCMessage **out) {
    *out = NULL;
    yajl_val v = parse_json_tree(r, json);
    if (!v) return ERR_INPUT;
    ProtobufCMessage *m = record_new(d, r->arena);
    bool object = YAJL_IS_OBJECT(v);
    if (object)
        read_object(r, m, v);
    else
        tell_value(r, "must be an object", v);
    yajl_tree_free(v);
    if (r->faults == 0 || (r->partial && object))
        *out = m;
    else if (!r->arena)
        protobuf_c_message_free_unpacked(m, NULL);
    return r->faults ? ERR_INPUT : ERR_OK;
}

err_t record_from_json_all(const ProtobufCMessageDescriptor *d, struct span json, arena_t *arena,
                           ProtobufCMessage **out, record_fault_fn *tell_each, void *arg) {
    struct reader r = {.arena = arena, .tell = tell_each, .arg = arg, .partial = true};
    return read_document(&r, d, json, out);
}

static void keep_first(void *arg, const struct fault *fault) {
    struct fault *first = arg;
    if (!first->rule[0]) *first = *fault;
}

err_t record_from_json(const ProtobufCMessageDescriptor *d, const char *json, size_t length,
                       const char *path, arena_t *arena, ProtobufCMessage **out,
                       struct fault *fault) {
    *fault = (struct fault){0};
    struct reader r = {.arena = arena, .tell = keep_first, .arg = fault};
    if (path && path[0]) path_down(&r, path, 0);
    return read_document(&r, d, (struct span){json, length}, out);
}

// Frees what malloc gave for a field that is read again.
static void drop_nested(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    m = (ProtobufCMessage *)(uintptr_t)record_owner(m, f);
    ProtobufCMessage *alone = record_new(m->descriptor, NULL);
    size_t size = f->label == PROTOBUF_C_LABEL_REPEATED ? sizeof(size_t) : 0;
    memcpy(record_at(alone, f->offset), record_at(m, f->offset), sizeof(void *));
    memset(record_at(m, f->offset), 0, sizeof(void *));
    if (size) {
        memcpy(record_at(alone, f->quantifier_offset), record_at(m, f->quantifier_offset), size);
        memset(record_at(m, f->quantifier_offset), 0, size);
    }
    protobuf_c_message_free_unpacked(alone, NULL);
}

static void clear_nested(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, arena_t *arena) {
    if (!arena) return drop_nested(m, f);
    memset(record_at(m, f->offset), 0, sizeof(void *));
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        memset(record_at(m, f->quantifier_offset), 0, sizeof(size_t));
}

err_t record_read_nested(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct span json,
                         arena_t *arena) {
    if (!arena && record_is_set(m, f)) drop_nested(m, f);
    struct reader r = {.arena = arena};
    yajl_val v = parse_json_tree(&r, json);
    if (!v) return ERR_INPUT;
    read_field(&r, m, f, v);
    yajl_tree_free(v);
    if (!r.faults) return ERR_OK;
    clear_nested(m, f, arena); // half of it would have holes
    return ERR_INPUT;
}
