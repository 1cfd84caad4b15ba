// config_path - a place in the configuration by name.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/path.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "common/schema/field.h"
#include "services/archiver/config/rules/fields.h"
#include "services/archiver/config/walk.h"

#define NAME_MAX_TEXT 128

// What is left of a path.
struct way {
    const char *at;
};

static bool at_end(struct way w) { return *w.at == 0; }

// The text up to the next dot or bracket.
static bool take_name(struct way *w, char out[static NAME_MAX_TEXT]) {
    size_t length = strcspn(w->at, ".[");
    if (length == 0 || length >= NAME_MAX_TEXT) return false;
    memcpy(out, w->at, length);
    out[length] = 0;
    w->at += length + (w->at[length] == '.');
    return true;
}

// A key may hold dots itself: whether this is the one that the path goes through.
static size_t key_length(struct way w, const char *key) {
    size_t length = strlen(key);
    return strncmp(w.at, key, length) == 0 && strchr(".[", w.at[length]) ? length : 0;
}

static void skip_path_part(struct way *w, size_t length) {
    w->at += length + (w->at[length] == '.');
}

static const struct config_kind *take_section(struct way *w) {
    char name[NAME_MAX_TEXT];
    struct way back = *w;
    if (!take_name(w, name)) return NULL;
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++)
        if (strcmp(config_kinds[i].section, name) == 0) return &config_kinds[i];
    *w = back;
    return NULL;
}

static const struct config_row *match_path_row(const config_t *held, const struct config_kind *kind,
                                               struct way *w) {
    const struct config_row *row = NULL, *best = NULL;
    while ((row = config_next(held, kind->kind, row)))
        if (key_length(*w, row->id) > (best ? strlen(best->id) : 0)) best = row;
    if (best) skip_path_part(w, strlen(best->id));
    return best;
}

// A list's item: by its key, the longest that fits, or by [index]. n: there is none; then `name` is
// the key it would have.
static size_t take_item(struct field_values items, struct way *w, char name[static NAME_MAX_TEXT]) {
    size_t n = items.n, best = n, longest = 0;
    name[0] = 0;
    if (*w->at == '[') {
        char *end;
        unsigned long index = strtoul(w->at + 1, &end, 10);
        if (*end != ']' || end == w->at + 1) return n;
        w->at = end + 1 + (end[1] == '.');
        return index < n ? index : n;
    }
    for (size_t i = 0; i < n; i++) {
        const char *key = config_key_of(field_message(field_value(items, i)));
        size_t length = key ? key_length(*w, key) : 0;
        if (length > longest) longest = length, best = i;
    }
    if (best < n)
        skip_path_part(w, longest);
    else
        (void)take_name(w, name);
    return best;
}

static bool no_section(buffer_t *out) {
    buffer_text(out, "a path begins with sources, brokers, presets, accounts or instances, then an "
                     "id: accounts.anna.leverage");
    return false;
}

const struct config_row *config_row_at(const config_t *held, const char *path,
                                       config_kind_t *kind) {
    struct way w = {path};
    const struct config_kind *k = take_section(&w);
    const struct config_row *row = k ? match_path_row(held, k, &w) : NULL;
    if (k) *kind = k->kind;
    return row && at_end(w) ? row : NULL;
}

// Looking.

static bool print_path_value(const ProtobufCMessage *m, struct way w, buffer_t *out);

static bool look_in_list(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct way w,
                         buffer_t *out) {
    char name[NAME_MAX_TEXT];
    struct field_values items = field_values(m, f);
    size_t i = take_item(items, &w, name);
    if (i < items.n) return print_path_value(field_message(field_value(items, i)), w, out);
    buffer_format(out, "%s has no %s", f->name, name[0] ? name : "such index");
    return false;
}

static bool print_path_value(const ProtobufCMessage *m, struct way w, buffer_t *out) {
    char name[NAME_MAX_TEXT];
    if (at_end(w)) return record_to_json(m, out), true;
    const ProtobufCFieldDescriptor *f =
        take_name(&w, name) ? record_field(m->descriptor, span_of(name)) : NULL;
    if (!f) {
        buffer_format(out, "there is no field %.64s", name);
        return false;
    }
    if (at_end(w)) {
        if (record_is_set(m, f))
            record_print_nested(m, f, out);
        else
            buffer_text(out, field_is_list(f) ? "[]" : "null");
        return true;
    }
    if (field_is_message(f) && field_is_list(f)) return look_in_list(m, f, w, out);
    struct field_values nested = field_values(m, f);
    if (field_is_message(f) && nested.n)
        return print_path_value(field_message(nested.first), w, out);
    buffer_format(out, "%s has nothing within it", f->name);
    return false;
}

static void look_at_section(const config_t *held, const struct config_kind *kind, buffer_t *out) {
    const struct config_row *row = NULL;
    buffer_text(out, "[");
    for (bool first = true; (row = config_next(held, kind->kind, row)); first = false) {
        if (!first) buffer_text(out, ",");
        record_to_json(row->m, out);
    }
    buffer_text(out, "]");
}

bool config_get(const config_t *held, const char *path, buffer_t *out) {
    struct way w = {path};
    const struct config_kind *kind = take_section(&w);
    if (!kind) return no_section(out);
    if (at_end(w)) return look_at_section(held, kind, out), true;
    const struct config_row *row = match_path_row(held, kind, &w);
    if (row) return print_path_value(row->m, w, out);
    buffer_format(out, "%s has no %.64s", kind->section, w.at);
    return false;
}

// Setting: the row is written as JSON with the value in its place, and then read as any document
// is.

struct setting {
    const char *value;
    buffer_t *out;
    const char *wrong;
};

static bool is_json(const char *value) {
    yajl_val v = yajl_tree_parse(value, NULL, 0);
    if (v) yajl_tree_free(v);
    return v != NULL;
}

static bool is_null_setting(const struct setting *s) { return strcmp(s->value, "null") == 0; }

static void print_set_value(struct setting *s, const ProtobufCFieldDescriptor *f) {
    bool whole = f && record_is_nested(f);
    bool is_word = !strchr("[{", s->value[0]);
    bool is_truth = f && f->type == PROTOBUF_C_TYPE_BOOL &&
                    (strcmp(s->value, "true") == 0 || strcmp(s->value, "false") == 0);
    if ((whole && !is_word) || is_truth) {
        if (!is_json(s->value)) s->wrong = "the value is not JSON";
        buffer_text(s->out, s->value);
        return;
    }
    bool many = f && field_is_list(f);
    if (many) buffer_text(s->out, "["); // a list of one
    buffer_json_string(s->out, s->value, strlen(s->value));
    if (many) buffer_text(s->out, "]");
}

static void write_object(struct setting *s, const ProtobufCMessageDescriptor *d,
                         const ProtobufCMessage *m, const char *key, struct way w);

// The list with the item that the path names changed, made, or taken away.
static void write_list(struct setting *s, const ProtobufCFieldDescriptor *f,
                       const ProtobufCMessage *m, struct way w) {
    char name[NAME_MAX_TEXT];
    struct field_values items = field_values(m, f);
    size_t n = items.n, at = take_item(items, &w, name), written = 0;
    if (at == n && (!name[0] || !config_key_field(f->descriptor)))
        s->wrong = "the list has no such index";
    buffer_text(s->out, "[");
    for (size_t i = 0; i <= n; i++) {
        bool here = i == at;
        if ((i == n && !here) || (here && at_end(w) && is_null_setting(s))) continue;
        if (written++) buffer_text(s->out, ",");
        if (here && at_end(w))
            buffer_text(s->out, is_json(s->value)
                                    ? s->value
                                    : (s->wrong = "the value must be a JSON object", "{}"));
        else if (here)
            write_object(s, f->descriptor, i < n ? field_message(field_value(items, i)) : NULL,
                         name, w);
        else
            record_to_json(field_message(field_value(items, i)), s->out);
    }
    buffer_text(s->out, "]");
}

static void write_target(struct setting *s, const ProtobufCFieldDescriptor *f,
                         const ProtobufCMessage *m, struct way w) {
    if (at_end(w)) {
        print_set_value(s, f);
    } else if (!f || !field_is_message(f)) {
        s->wrong = "the path goes on behind a field that has nothing within it";
        buffer_text(s->out, "null");
    } else if (field_is_list(f)) {
        write_list(s, f, m, w);
    } else {
        struct field_values nested = field_values(m, f);
        write_object(s, f->descriptor, nested.n ? field_message(nested.first) : NULL, NULL, w);
    }
}

// `key`: of what is made anew. Secrets are left out: a source keeps those that it has.
static void write_object(struct setting *s, const ProtobufCMessageDescriptor *d,
                         const ProtobufCMessage *m, const char *key, struct way w) {
    char name[NAME_MAX_TEXT];
    size_t written = 0;
    bool named = take_name(&w, name);
    const ProtobufCFieldDescriptor *target = named ? record_field(d, span_of(name)) : NULL;
    if (!named) s->wrong = "the path must end with a field";
    buffer_text(s->out, "{");
    for (unsigned i = 0; named && i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (f == target || config_field_is_secret(f->name) || !m || !record_is_set(m, f)) continue;
        buffer_format(s->out, "%s\"%s\":", written++ ? "," : "", f->name);
        record_print_nested(m, f, s->out);
    }
    if (named && !m && key && target != d->fields) {
        buffer_format(s->out, "%s\"%s\":", written++ ? "," : "", d->fields[0].name);
        buffer_json_string(s->out, key, strlen(key));
    }
    if (named && !(at_end(w) && is_null_setting(s))) {
        buffer_text(s->out, written ? "," : "");
        buffer_json_string(s->out, name, strlen(name));
        buffer_text(s->out, ":");
        write_target(s, target, m, w);
    }
    buffer_text(s->out, "}");
}

bool config_set(const config_t *held, const char *path, const char *value, buffer_t *out) {
    struct way w = {path};
    char id[NAME_MAX_TEXT] = "";
    struct setting s = {.value = value, .out = out};
    const struct config_kind *kind = take_section(&w);
    if (!kind || at_end(w)) return no_section(out);
    const struct config_row *row = match_path_row(held, kind, &w);
    if (!row && !take_name(&w, id)) return no_section(out);
    if (at_end(w)) {
        buffer_format(out,
                      "%s: the path must name a field; a whole row is only taken away, by null, or "
                      "given by config apply",
                      path);
        return false;
    }
    buffer_format(out, "{\"%s\":[", kind->section);
    write_object(&s, kind->type, row ? row->m : NULL, id, w);
    buffer_text(out, "]}");
    if (!s.wrong) return true;
    buffer_clear(out);
    buffer_format(out, "%s: %s", path, s.wrong);
    return false;
}
