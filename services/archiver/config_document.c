// config_document - a configuration as somebody wrote it: read, checked against every rule, refused whole when anything is wrong.
// SPDX-License-Identifier: MIT
#include "services/archiver/config_document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/id.h"
#include "common/own.h"
#include "common/record.h"
#include "services/archiver/config_fields.h"

// One complaint a place: what could not be read breaks other rules as well, and so does what is within it.
static bool is_complained_of(struct complaints *c, const char *path) {
    for (const char *line = buffer_string(&c->text); line; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        size_t length = strcspn(line, ":");
        if (length && strncmp(line, path, length) == 0 && strchr(".[", path[length])) return true; // the terminating zero as well
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
    buffer_format(&c->text, "%s%s%s%s", c->text.length ? "\n" : "", path, path[0] ? ": " : "", rule);
}

static void tell(void *arg, const struct fault *fault) {
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

static void take_row(struct reading *r, const struct config_kind *kind, size_t index, const ProtobufCMessage *row) {
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

// As many characters as make 128 bits hard to guess, and nothing that a URL would change.
static bool token_fits(const char *token) {
    size_t length = strlen(token);
    return length >= 16 && length <= 128 && strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-") == length;
}

static char *hash_for(struct reading *r, const ConfigDocument__Source *s, size_t index) {
    char path[64];
    snprintf(path, sizeof(path), "sources[%zu].token", index);
    const struct config_row *there = config_find(r->held, CONFIG_CHANGE__KIND__signal_config, s->config_id);
    if (s->token && s->token_hash) complain_of(r->complaints, path, "is given beside token_hash: one of them");
    if (s->token && !token_fits(s->token)) complain_of(r->complaints, path, "must be 16 to 128 letters, digits, '_', '.', '~' or '-'");
    if (s->token) {
        char *hash = arena_take(r->arena, 65);
        token_hash(s->token, strlen(s->token), hash);
        return hash;
    }
    if (s->token_hash) return s->token_hash;
    if (there) return ((const SignalConfig *)there->m)->token_hash;
    if (!s->consensus) complain_of(r->complaints, path, "is required for a new source"); // a consensus needs nobody to send
    return arena_text(r->arena, "");
}

// Fields of one name are one field: what is set in `from` is set in `to`.
static void copy_fields(const ProtobufCMessage *from, ProtobufCMessage *to, arena_t *arena) {
    buffer_t text = {0};
    for (unsigned i = 0; i < from->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &from->descriptor->fields[i], *same = record_field(to->descriptor, span_of(f->name));
        buffer_clear(&text);
        buffer_reserve(&text, 1);
        if (!same || !record_field_text(from, f, &text)) continue;
        if (record_set(to, same, (struct span){text.data, text.length}, arena)) abort(); // a test holds the two messages together
    }
    buffer_destroy(&text);
}

static void take_sources(struct reading *r, const ConfigDocument *d) {
    for (size_t i = 0; i < d->n_sources; i++) {
        SignalConfig *row = arena_take(r->arena, sizeof(*row));
        signal_config__init(row);
        copy_fields(&d->sources[i]->base, &row->base, r->arena);
        row->token_hash = hash_for(r, d->sources[i], i);
        take_row(r, config_kind_of(CONFIG_CHANGE__KIND__signal_config), i, &row->base);
    }
}

static void take_document(struct reading *r, const ConfigDocument *d) {
    take_sources(r, d);
    for (size_t i = 0; i < d->n_brokers; i++) take_row(r, config_kind_of(CONFIG_CHANGE__KIND__broker_config), i, &d->brokers[i]->base);
    for (size_t i = 0; i < d->n_presets; i++) take_row(r, config_kind_of(CONFIG_CHANGE__KIND__risk_config), i, &d->presets[i]->base);
    for (size_t i = 0; i < d->n_accounts; i++) take_row(r, config_kind_of(CONFIG_CHANGE__KIND__account_config), i, &d->accounts[i]->base);
    for (size_t i = 0; i < d->n_instances; i++)
        take_row(r, config_kind_of(CONFIG_CHANGE__KIND__instance_config), i, &d->instances[i]->base);
}

config_t *config_read(const config_t *held, struct span json, unsigned shards, struct complaints *complaints) {
    own(arena) *arena = arena_new(0);
    ProtobufCMessage *m;
    err_t e = record_from_json_all(&config_document__descriptor, json, arena, &m, tell, complaints);
    if (e && !m) return NULL; // no JSON object at all
    const ConfigDocument *d = (const ConfigDocument *)m;
    struct reading r = {held, d->has_replace && d->replace ? config_new() : config_copy(held), arena, complaints};
    take_document(&r, d);
    config_check(r.wanted, shards, complaints);
    if (complaints->count) config_destroy(&r.wanted);
    if (complaints->count > COMPLAINTS_MAX) buffer_format(&complaints->text, "\nand %u more", complaints->count - COMPLAINTS_MAX);
    return r.wanted;
}
