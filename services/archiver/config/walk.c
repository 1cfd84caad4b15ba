// config_walk - the one walk over rows of the configuration and all that lies within them.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/walk.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/schema/field.h"

struct walk {
    enum config_lists lists;
    config_visit_fn *visit;
    void *arg;
    char path[256];
};

const ProtobufCFieldDescriptor *config_key_field(const ProtobufCMessageDescriptor *d) {
    const ProtobufCFieldDescriptor *f = &d->fields[0];
    return d->n_fields && field_is_text(f) && f->label == PROTOBUF_C_LABEL_REQUIRED ? f : NULL;
}

const char *config_key_of(const ProtobufCMessage *m) {
    const ProtobufCFieldDescriptor *f = config_key_field(m->descriptor);
    return f ? field_text(record_at(m, f->offset)) : NULL;
}

static void walk_message(struct walk *w, const ProtobufCMessage *before,
                         const ProtobufCMessage *after);

static void visit_spot(struct walk *w, const struct config_spot *spot) {
    if (!spot->was && !spot->is) return;
    if (!w->visit(w->arg, spot) || spot->is_list || !field_is_message(spot->field)) return;
    walk_message(w, spot->was ? field_message(spot->was) : NULL,
                 spot->is ? field_message(spot->is) : NULL);
}

static const void *value_with_key(struct field_values values, const char *key) {
    for (size_t i = 0; i < values.n; i++) {
        const void *value = field_value(values, i);
        if (strcmp(config_key_of(field_message(value)), key) == 0) return value;
    }
    return NULL;
}

// `end`: of the list's own path.
static void visit_key(struct walk *w, struct config_spot spot, size_t end) {
    const char *key = config_key_of(field_message(spot.was ? spot.was : spot.is));
    (void)snprintf(w->path + end, sizeof w->path - end, ".%s", key);
    visit_spot(w, &spot);
}

static void walk_keys(struct walk *w, struct config_spot spot, struct field_values was,
                      struct field_values is, size_t end) {
    for (size_t i = 0; i < was.n; i++) {
        spot.was = field_value(was, i);
        spot.is = value_with_key(is, config_key_of(field_message(spot.was)));
        visit_key(w, spot, end);
    }
    spot.was = NULL;
    for (size_t i = 0; i < is.n; i++) {
        spot.is = field_value(is, i);
        if (!value_with_key(was, config_key_of(field_message(spot.is)))) visit_key(w, spot, end);
    }
}

static void walk_indices(struct walk *w, struct config_spot spot, struct field_values was,
                         struct field_values is, size_t end) {
    for (size_t i = 0; i < was.n || i < is.n; i++) {
        (void)snprintf(w->path + end, sizeof w->path - end, "[%zu]", i);
        spot.was = i < was.n ? field_value(was, i) : NULL;
        spot.is = i < is.n ? field_value(is, i) : NULL;
        visit_spot(w, &spot);
    }
}

static void walk_field(struct walk *w, struct config_spot spot) {
    const ProtobufCFieldDescriptor *f = spot.field;
    struct field_values was = field_values(spot.before, f), is = field_values(spot.after, f);
    size_t end = strlen(w->path);
    if (field_is_list(f) && w->lists == CONFIG_BY_INDEX) return walk_indices(w, spot, was, is, end);
    if (field_is_list(f) && field_is_message(f) && config_key_field(f->descriptor))
        return walk_keys(w, spot, was, is, end);
    spot.was = was.n ? was.first : NULL;
    spot.is = is.n ? is.first : NULL;
    spot.is_list = field_is_list(f);
    visit_spot(w, &spot);
}

static void walk_message(struct walk *w, const ProtobufCMessage *before,
                         const ProtobufCMessage *after) {
    const ProtobufCMessage *either = before ? before : after;
    assert(either);
    const ProtobufCMessageDescriptor *d = either->descriptor;
    size_t end = strlen(w->path);
    for (unsigned i = 0; i < d->n_fields; i++) {
        (void)snprintf(w->path + end, sizeof w->path - end, "%s%s", end ? "." : "",
                       d->fields[i].name);
        struct config_spot spot = {.path = w->path, .field = &d->fields[i]};
        spot.before = before;
        spot.after = after;
        walk_field(w, spot);
        w->path[end] = 0;
    }
}

void config_walk(const ProtobufCMessage *before, const ProtobufCMessage *after, const char *path,
                 enum config_lists lists, config_visit_fn *visit, void *arg) {
    struct walk w = {lists, visit, arg, ""};
    (void)snprintf(w.path, sizeof w.path, "%s", path);
    walk_message(&w, before, after);
}
