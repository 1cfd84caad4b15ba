// config_edits - what differs between two versions of a row, field by field.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/edits.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/own.h"
#include "common/schema/field.h"
#include "services/archiver/config/rules/fields.h"
#include "services/archiver/config/walk.h"

struct edits {
    arena_t *arena;
    ConfigEdit **items;
    size_t n, room;
};

static void add_edit(struct edits *e, const char *path, const char *before, const char *after) {
    array_reserve_in(e->arena, e->items, e->n, e->room);
    ConfigEdit *edit = e->items[e->n++] = arena_take(e->arena, sizeof *edit);
    config_edit__init(edit);
    edit->path = arena_text(e->arena, path);
    edit->before = (char *)(uintptr_t)before;
    edit->after = (char *)(uintptr_t)after;
}

// `value`: of the field of `m`. NULL: it is not set.
static char *value_words(const struct config_spot *spot, const ProtobufCMessage *m,
                         const void *value, arena_t *arena) {
    const ProtobufCFieldDescriptor *f = spot->field;
    own(buffer) text = {0};
    if (!value) return NULL;
    if (field_is_message(f) && !spot->is_list)
        record_to_json(field_message(value), &text);
    else if (f->type == PROTOBUF_C_TYPE_BOOL)
        record_print_nested(m, f, &text); // true or false, not 1 or 0
    else
        (void)record_field_text(m, f, &text);
    return arena_text(arena, buffer_string(&text));
}

static bool note_edit(void *arg, const struct config_spot *spot) {
    struct edits *e = arg;
    if (strcmp(spot->field->name, "version") == 0) return false;
    if (field_is_message(spot->field) && !spot->is_list && spot->was && spot->is) return true;
    char *was = value_words(spot, spot->before, spot->was, e->arena);
    char *is = value_words(spot, spot->after, spot->is, e->arena);
    if (was && is && strcmp(was, is) == 0) return false;
    if (config_field_is_secret(spot->field->name))
        add_edit(e, spot->path, was ? "(hidden)" : NULL, is ? "(hidden)" : NULL);
    else
        add_edit(e, spot->path, was, is);
    return false;
}

ConfigStep *config_step(config_kind_t kind, const char *id, const ProtobufCMessage *before,
                        const ProtobufCMessage *after, arena_t *arena) {
    ConfigStep *step = arena_take(arena, sizeof *step);
    config_step__init(step);
    step->table = kind;
    step->id = arena_text(arena, id);
    step->has_added = step->added = !before;
    step->has_removed = step->removed = !after;
    struct edits e = {.arena = arena};
    if (after) config_walk(before, after, "", CONFIG_BY_KEY, note_edit, &e);
    step->edits = e.items;
    step->n_edits = e.n;
    return step;
}
