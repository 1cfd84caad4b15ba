// config_edits - what differs between two versions of a row, field by field.
// SPDX-License-Identifier: MIT
#include "services/archiver/config_edits.h"

#include <stdio.h>
#include <string.h>

#include "common/record.h"
#include "services/archiver/config_fields.h"

#define PATH_MAX_TEXT 256

struct edits {
    arena_t *arena;
    ConfigEdit **items;
    size_t n, room;
    char path[PATH_MAX_TEXT];
};

const ProtobufCFieldDescriptor *config_key_field(const ProtobufCMessageDescriptor *d) {
    const ProtobufCFieldDescriptor *f = &d->fields[0];
    return d->n_fields && f->type == PROTOBUF_C_TYPE_STRING && f->label == PROTOBUF_C_LABEL_REQUIRED ? f : NULL;
}

const char *config_key_of(const ProtobufCMessage *m) {
    const ProtobufCFieldDescriptor *f = config_key_field(m->descriptor);
    return f ? *(char *const *)((const char *)m + f->offset) : NULL;
}

static void add(struct edits *e, const char *before, const char *after) {
    if (e->n == e->room) {
        ConfigEdit **grown = arena_take(e->arena, (e->room = e->room ? 2 * e->room : 8) * sizeof *grown);
        if (e->n) memcpy(grown, e->items, e->n * sizeof *grown);
        e->items = grown;
    }
    ConfigEdit *edit = e->items[e->n++] = arena_take(e->arena, sizeof *edit);
    config_edit__init(edit);
    edit->path = arena_text(e->arena, e->path);
    edit->before = (char *)(uintptr_t)before;
    edit->after = (char *)(uintptr_t)after;
}

// Goes down to a part; what it returns leads back up.
static size_t down(struct edits *e, const char *name) {
    size_t back = strlen(e->path);
    snprintf(e->path + back, sizeof e->path - back, "%s%s", back ? "." : "", name);
    return back;
}

static char *json_of(const ProtobufCMessage *m, arena_t *arena) {
    if (!m) return NULL;
    buffer_t json = {0};
    record_to_json(m, &json);
    char *text = arena_text(arena, buffer_string(&json));
    buffer_destroy(&json);
    return text;
}

static char *text_of(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, arena_t *arena) {
    buffer_t text = {0};
    bool is_set = m && record_field_text(m, f, &text);
    const char *value = is_set ? buffer_string(&text) : NULL;
    if (is_set && f->type == PROTOBUF_C_TYPE_BOOL) value = strcmp(value, "1") == 0 ? "true" : "false";
    char *out = value ? arena_text(arena, value) : NULL;
    buffer_destroy(&text);
    return out;
}

static void compare(struct edits *e, const ProtobufCMessage *before, const ProtobufCMessage *after);

static void compare_texts(struct edits *e, const ProtobufCFieldDescriptor *f, const ProtobufCMessage *before,
                          const ProtobufCMessage *after) {
    char *a = text_of(before, f, e->arena), *b = text_of(after, f, e->arena);
    if ((!a && !b) || (a && b && strcmp(a, b) == 0)) return;
    if (config_field_is_secret(f->name))
        add(e, a ? "(hidden)" : NULL, b ? "(hidden)" : NULL);
    else
        add(e, a, b);
}

struct list {
    ProtobufCMessage *const *items;
    size_t n;
};

static struct list list_of(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
    if (!m) return (struct list){0};
    return (struct list){*(ProtobufCMessage *const *const *)((const char *)m + f->offset),
                         *(const size_t *)((const char *)m + f->quantifier_offset)};
}

static const ProtobufCMessage *find(struct list l, const char *key) {
    for (size_t i = 0; i < l.n; i++)
        if (strcmp(config_key_of(l.items[i]), key) == 0) return l.items[i];
    return NULL;
}

static void compare_items(struct edits *e, const char *key, const ProtobufCMessage *before, const ProtobufCMessage *after) {
    size_t back = down(e, key);
    if (before && after)
        compare(e, before, after);
    else
        add(e, json_of(before, e->arena), json_of(after, e->arena));
    e->path[back] = 0;
}

static void compare_lists(struct edits *e, struct list before, struct list after) {
    for (size_t i = 0; i < before.n; i++) {
        const char *key = config_key_of(before.items[i]);
        compare_items(e, key, before.items[i], find(after, key));
    }
    for (size_t i = 0; i < after.n; i++) {
        const char *key = config_key_of(after.items[i]);
        if (!find(before, key)) compare_items(e, key, NULL, after.items[i]);
    }
}

static void compare_fields(struct edits *e, const ProtobufCFieldDescriptor *f, const ProtobufCMessage *before,
                           const ProtobufCMessage *after) {
    bool message = f->type == PROTOBUF_C_TYPE_MESSAGE;
    if (message && f->label == PROTOBUF_C_LABEL_REPEATED && config_key_field(f->descriptor))
        return compare_lists(e, list_of(before, f), list_of(after, f));
    if (message && f->label != PROTOBUF_C_LABEL_REPEATED && before && after) {
        const ProtobufCMessage *a = *(ProtobufCMessage *const *)((const char *)before + f->offset);
        const ProtobufCMessage *b = *(ProtobufCMessage *const *)((const char *)after + f->offset);
        if (a && b) return compare(e, a, b);
    }
    compare_texts(e, f, before, after);
}

static void compare(struct edits *e, const ProtobufCMessage *before, const ProtobufCMessage *after) {
    const ProtobufCMessageDescriptor *d = (before ? before : after)->descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        if (strcmp(d->fields[i].name, "version") == 0) continue;
        size_t back = down(e, d->fields[i].name);
        compare_fields(e, &d->fields[i], before, after);
        e->path[back] = 0;
    }
}

ConfigStep *config_step(config_kind_t kind, const char *id, const ProtobufCMessage *before, const ProtobufCMessage *after, arena_t *arena) {
    ConfigStep *step = arena_take(arena, sizeof *step);
    config_step__init(step);
    step->table = kind;
    step->id = arena_text(arena, id);
    step->has_added = step->added = !before;
    step->has_removed = step->removed = !after;
    struct edits e = {.arena = arena};
    if (after) compare(&e, before, after);
    step->edits = e.items;
    step->n_edits = e.n;
    return step;
}
