// config_print - what the archiver says of the configuration, for people.
// SPDX-License-Identifier: MIT
#include "cli/operator/config_print.h"

#include <string.h>

#include "cli/text.h"
#include "cli/yaml.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "proto/config_kinds.h"

static ProtobufCMessage *read_as(const ProtobufCMessageDescriptor *d, struct span answer,
                                 arena_t *arena) {
    struct fault fault;
    ProtobufCMessage *m;
    return record_from_json(d, answer.data, answer.length, "", arena, &m, &fault) ? NULL : m;
}

static const char *section_of(config_kind_t kind) {
    const struct config_kind *k = config_kind_of(kind);
    return k ? k->section : "?";
}

static void add_clean(buffer_t *out, const char *text) { text_clean(out, text, strlen(text)); }

static void print_edit(const ConfigEdit *e, bool added, const char *margin, buffer_t *out) {
    buffer_format(out, "%s    ", margin);
    add_clean(out, e->path);
    buffer_text(out, ": ");
    if (!added) add_clean(out, e->before ? e->before : "(not set)");
    if (!added) buffer_text(out, " -> ");
    add_clean(out, e->after ? e->after : "(not set)");
    buffer_text(out, "\n");
}

static void print_steps(ConfigStep *const *steps, size_t n, const char *margin, buffer_t *out) {
    for (size_t i = 0; i < n; i++) {
        const ConfigStep *s = steps[i];
        buffer_format(out, "%s%s %s.", margin,
                      s->added     ? "+"
                      : s->removed ? "-"
                                   : "~",
                      section_of(s->table));
        add_clean(out, s->id);
        buffer_text(out, "\n");
        for (size_t k = 0; k < s->n_edits; k++) print_edit(s->edits[k], s->added, margin, out);
    }
}

bool config_print_difference(struct span answer, buffer_t *out) {
    own(arena) *arena = arena_new(0);
    const ConfigDifference *d =
        (const ConfigDifference *)read_as(&config_difference__descriptor, answer, arena);
    if (!d) return false;
    print_steps(d->changes, d->n_changes, "", out);
    if (!d->n_changes)
        buffer_format(out, "nothing differs from version %llu\n", (unsigned long long)d->version);
    for (size_t i = 0; i < d->n_warnings; i++) {
        buffer_text(out, "warning: ");
        add_clean(out, d->warnings[i]->text);
        buffer_text(out, "\n");
    }
    return true;
}

bool config_print_version(struct span answer, buffer_t *out) {
    own(arena) *arena = arena_new(0);
    const ConfigDifference *d =
        (const ConfigDifference *)read_as(&config_difference__descriptor, answer, arena);
    if (d) buffer_format(out, "version %llu is in force\n", (unsigned long long)d->version);
    return d != NULL;
}

bool config_read_difference(struct span answer, uint64_t *version, bool *differs) {
    own(arena) *arena = arena_new(0);
    const ConfigDifference *d =
        (const ConfigDifference *)read_as(&config_difference__descriptor, answer, arena);
    if (!d) return false;
    *version = d->version;
    *differs = d->n_changes > 0;
    return true;
}

bool config_print_history(struct span answer, buffer_t *out) {
    own(arena) *arena = arena_new(0);
    const ConfigHistory *h =
        (const ConfigHistory *)read_as(&config_history__descriptor, answer, arena);
    for (size_t i = 0; h && i < h->n_versions; i++) {
        const ConfigVersion *v = h->versions[i];
        char at[TIME_TEXT];
        time_print(v->changed_at, at);
        buffer_format(out, "%sversion %llu  %s  ", i ? "\n" : "", (unsigned long long)v->version,
                      at);
        add_clean(out, v->recovered    ? "taken back from Redis"
                       : v->changed_by ? v->changed_by
                                       : "unknown");
        if (v->note) buffer_text(out, "  ");
        if (v->note) add_clean(out, v->note);
        buffer_text(out, "\n");
        print_steps(v->changes, v->n_changes, "  ", out);
    }
    if (h && !h->n_versions) buffer_text(out, "nothing was configured yet\n");
    return h != NULL;
}

bool config_print_lines(struct span answer, buffer_t *out) { return json_indent(answer, out); }

bool yaml_print(struct span answer, buffer_t *out) { return yaml_from_json(answer, out); }

bool config_print_value(struct span answer, buffer_t *out) {
    if (!json_indent(answer, out)) return false;
    if (out->length > 2 && out->data[0] == '"') {
        memmove(out->data, out->data + 1, out->length - 1);
        out->length -= 3; // the quotes and the end of the line
        buffer_text(out, "\n");
    }
    return true;
}
