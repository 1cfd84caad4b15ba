// config_document - a configuration as somebody wrote it: read, checked against every rule, refused
// whole when anything is wrong.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/id.h"
#include "common/base/own.h"
#include "common/schema/field.h"
#include "services/archiver/config/rules/fields.h"

// One complaint a place: what could not be read breaks other rules as well, and so does what is
// within it.
static bool is_complained_of(struct complaints *c, const char *path) {
    for (const char *line = buffer_string(&c->text); line; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        size_t length = strcspn(line, ":");
        // the terminating zero as well
        if (length && strncmp(line, path, length) == 0 && strchr(".[", path[length])) return true;
    }
    return false;
}

void complain_of(struct complaints *c, const char *path, const char *format, ...) {
    if (is_complained_of(c, path) || c->count++ >= COMPLAINTS_MAX) return;
    char rule[320];
    va_list args;
    va_start(args, format);
    vsnprintf(rule, sizeof(rule), format, args);
    va_end(args);
    buffer_format(&c->text, "%s%s%s%s", c->text.length ? "\n" : "", path, path[0] ? ": " : "",
                  rule);
}

static void complain_of_fault(void *arg, const struct fault *fault) {
    const char *dot = strrchr(fault->path, '.'), *path = fault->path[0] ? fault->path : "document";
    if (fault->value[0] && !config_field_is_secret(dot ? dot + 1 : fault->path))
        complain_of(arg, path, "%s, not %s", fault->rule, fault->value);
    else
        complain_of(arg, path, "%s", fault->rule);
}

// The rows of the document are gathered here.
struct reading {
    const config_t *held;
    config_t *wanted;
    arena_t *arena;
    struct complaints *complaints;
};

static void put_document_row(struct reading *r, const struct config_kind *kind, size_t index,
                             const ProtobufCMessage *row) {
    char path[64];
    snprintf(path, sizeof(path), "%s[%zu]", kind->section, index);
    const char *id = *(char *const *)((const char *)row + row->descriptor->fields[0].offset);
    const struct config_row *there = config_find(r->wanted, kind->kind, id);
    if (there && there->given && !id[0]) return; // what it lacks is complained of already
    if (there && there->given)
        complain_of(r->complaints, path, "%s is given twice, first by %s", id, there->path);
    else
        config_put(r->wanted, kind->kind, row, path);
}

// What a secret becomes. `field`: the one of Source that it is given in.
static char *hash_of(struct reading *r, const char *path, const char *field, const char *text) {
    const struct field_rule *rule = config_field_rule(&config_document__source__descriptor, field);
    char *hash = arena_take(r->arena, 65), words[200];
    config_field_rule_words(rule, words);
    if (!config_field_fits(rule, text)) complain_of(r->complaints, path, "%s", words);
    token_hash(text, strlen(text), hash);
    return hash;
}

// A secret in a source: given itself, by its hash, or not at all; then the one held stays.
static char *secret_for(struct reading *r, const char *path, const char *text, char *hash,
                        char *held) {
    const char *field = strrchr(path, '.') + 1;
    if (text && hash) complain_of(r->complaints, path, "is given beside its hash: one of them");
    if (text && !*text) return NULL; // taken away
    if (text) return hash_of(r, path, field, text);
    return hash ? hash : held;
}

static char *token_for(struct reading *r, const char *path, const ConfigDocument__Source *s,
                       const SignalConfig *held) {
    if (s->token && s->token_hash)
        complain_of(r->complaints, path, "is given beside token_hash: one of them");
    if (s->token) return hash_of(r, path, "token", s->token);
    if (s->token_hash) return s->token_hash;
    if (held) return held->token_hash;
    // a consensus needs nobody to send
    if (!s->consensus) complain_of(r->complaints, path, "is required for a new source");
    return arena_text(r->arena, "");
}

// The token before: the one that this document replaces, or the one that was so before.
static char *old_token_for(const ConfigDocument__Source *s, const SignalConfig *row,
                           const SignalConfig *held) {
    if (s->old_token_hash || !s->has_old_token_until || !held) return s->old_token_hash;
    return strcmp(held->token_hash, row->token_hash) == 0 ? held->old_token_hash : held->token_hash;
}

static void set_secrets(struct reading *r, const ConfigDocument__Source *s, size_t index,
                        SignalConfig *row) {
    char path[64];
    const struct config_row *there =
        config_find(r->held, CONFIG_CHANGE__KIND__signal_config, s->config_id);
    const SignalConfig *held = there ? (const SignalConfig *)there->m : NULL;
    // others have none of these
    bool same = held && row->dialect == SIGNAL_CONFIG__DIALECT__pineconnector;
    snprintf(path, sizeof(path), "sources[%zu].token", index);
    row->token_hash = token_for(r, path, s, held);
    row->old_token_hash = old_token_for(s, row, held);
    snprintf(path, sizeof(path), "sources[%zu].license", index);
    row->license_hash =
        secret_for(r, path, s->license, s->license_hash, same ? held->license_hash : NULL);
    snprintf(path, sizeof(path), "sources[%zu].secret", index);
    row->secret_hash =
        secret_for(r, path, s->secret, s->secret_hash, same ? held->secret_hash : NULL);
}

// Fields of one name are one field: what is set in `from` is set in `to`.
static void copy_fields(const ProtobufCMessage *from, ProtobufCMessage *to, arena_t *arena) {
    buffer_t text = {0};
    for (unsigned i = 0; i < from->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &from->descriptor->fields[i],
                                       *same = record_field(to->descriptor, span_of(f->name));
        buffer_clear(&text);
        buffer_reserve(&text, 1);
        if (!same || !record_field_text(from, f, &text)) continue;
        // a test holds the two messages together
        if (record_set(to, same, (struct span){text.data, text.length}, arena)) abort();
    }
    buffer_destroy(&text);
}

static void take_sources(struct reading *r, const ConfigDocument *d) {
    for (size_t i = 0; i < d->n_sources; i++) {
        SignalConfig *row = arena_take(r->arena, sizeof(*row));
        signal_config__init(row);
        copy_fields(&d->sources[i]->base, &row->base, r->arena);
        set_secrets(r, d->sources[i], i, row);
        put_document_row(r, config_kind_of(CONFIG_CHANGE__KIND__signal_config), i, &row->base);
    }
}

static void take_document(struct reading *r, const ConfigDocument *d) {
    take_sources(r, d);
    for (const struct config_kind *k = config_kinds; k < config_kinds + CONFIG_KIND_COUNT; k++) {
        if (k->kind == CONFIG_CHANGE__KIND__signal_config) continue;
        struct field_values rows =
            field_values(&d->base, record_field(d->base.descriptor, span_of(k->section)));
        for (size_t i = 0; i < rows.n; i++)
            put_document_row(r, k, i, field_message(field_value(rows, i)));
    }
}

config_t *config_read(const struct config_reading *reading, struct span json,
                      struct complaints *complaints) {
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *m;
    err_t e = record_from_json_all(&config_document__descriptor, json, arena, &m, complain_of_fault,
                                   complaints);
    if (e && !m) return NULL; // no JSON object at all
    const ConfigDocument *d = (const ConfigDocument *)m;
    bool replace = reading->replace || (d->has_replace && d->replace);
    struct reading r = {reading->held, replace ? config_new() : config_copy(reading->held), arena,
                        complaints};
    take_document(&r, d);
    config_check(r.wanted, complaints);
    config_check_shards(reading->held, r.wanted, &reading->shards, complaints);
    if (complaints->count) config_destroy(&r.wanted);
    if (complaints->count > COMPLAINTS_MAX)
        buffer_format(&complaints->text, "\nand %u more", complaints->count - COMPLAINTS_MAX);
    return r.wanted;
}
