// config - the configuration in memory: its rows, what differs between two of them, and how it is
// shown.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/hash.h"
#include "common/base/own.h"
#include "common/schema/record.h"

struct held {
    struct config_row row; // first: a row is its holder
    UT_hash_handle hh;
};

struct config {
    struct held *rows[CONFIG_KIND_COUNT];
    uint64_t version;
};

static struct held **get_kind_rows(const config_t *self, config_kind_t kind) {
    return (struct held **)(uintptr_t)&self->rows[config_kind_of(kind) - config_kinds];
}

// Of every row the first field is its id.
static const char *get_config_row_id(const ProtobufCMessage *m) {
    return *(char *const *)((const char *)m + m->descriptor->fields[0].offset);
}

static const ProtobufCFieldDescriptor *version_field(const ProtobufCMessage *m) {
    return record_field(m->descriptor, span_of("version"));
}

uint64_t config_row_version(const ProtobufCMessage *m) {
    const ProtobufCFieldDescriptor *f = version_field(m);
    return record_is_set(m, f) ? *(const uint64_t *)((const char *)m + f->offset) : 0;
}

// A copy that says it is of that version; 0: of none.
static ProtobufCMessage *with_version(const ProtobufCMessage *m, uint64_t version, arena_t *arena) {
    ProtobufCMessage *copy = record_copy(m, arena);
    const ProtobufCFieldDescriptor *f = version_field(m);
    *(uint64_t *)((char *)copy + f->offset) = version;
    *(protobuf_c_boolean *)((char *)copy + f->quantifier_offset) = version != 0;
    return copy;
}

config_t *config_new(void) {
    config_t *self = alloc_zeroed(1, sizeof(*self));
    return self;
}

static void free_row(struct held *h) {
    protobuf_c_message_free_unpacked((ProtobufCMessage *)(uintptr_t)h->row.m, NULL);
    free(h);
}

void config_destroy(config_t **self) {
    if (!*self) return;
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        struct held *h, *next;
        HASH_ITER(hh, (*self)->rows[i], h, next) {
            HASH_DEL((*self)->rows[i], h);
            free_row(h);
        }
    }
    free(*self);
    *self = NULL;
}

void config_drop(config_t *self, config_kind_t kind, const char *id) {
    struct held **rows = get_kind_rows(self, kind), *h;
    HASH_FIND_STR(*rows, id, h);
    if (!h) return;
    HASH_DEL(*rows, h);
    free_row(h);
}

void config_put(config_t *self, config_kind_t kind, const ProtobufCMessage *m, const char *path) {
    struct held **rows = get_kind_rows(self, kind), *h = alloc_zeroed(1, sizeof(*h));
    h->row.m = record_copy(m, NULL);
    h->row.id = get_config_row_id(h->row.m);
    h->row.given = path != NULL;
    if (path)
        snprintf(h->row.path, sizeof(h->row.path), "%s", path);
    else
        snprintf(h->row.path, sizeof(h->row.path), "%s %s", config_kind_of(kind)->table, h->row.id);
    config_raise(self, config_row_version(m));
    config_drop(self, kind, h->row.id);
    HASH_ADD_KEYPTR(hh, *rows, h->row.id, strlen(h->row.id), h);
}

const struct config_row *config_find(const config_t *self, config_kind_t kind, const char *id) {
    struct held *h;
    HASH_FIND_STR(*get_kind_rows(self, kind), id, h);
    return h ? &h->row : NULL;
}

const struct config_row *config_next(const config_t *self, config_kind_t kind,
                                     const struct config_row *before) {
    const struct held *h =
        before ? ((const struct held *)before)->hh.next : *get_kind_rows(self, kind);
    return h ? &h->row : NULL;
}

config_t *config_copy(const config_t *self) {
    config_t *copy = config_new();
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        const struct config_row *row = NULL;
        while ((row = config_next(self, config_kinds[i].kind, row)))
            config_put(copy, config_kinds[i].kind, row->m, NULL);
    }
    config_raise(copy, self->version);
    return copy;
}

uint64_t config_version(const config_t *self) { return self->version; }

void config_raise(config_t *self, uint64_t version) {
    if (version > self->version) self->version = version;
}

// Changes.

static bool is_same_row(const ProtobufCMessage *a, const ProtobufCMessage *b, arena_t *arena) {
    const ProtobufCMessage *left = with_version(a, 0, arena), *right = with_version(b, 0, arena);
    size_t length = protobuf_c_message_get_packed_size(left);
    if (length != protobuf_c_message_get_packed_size(right)) return false;
    uint8_t *bytes = arena_take(arena, 2 * length + 1);
    protobuf_c_message_pack(left, bytes);
    protobuf_c_message_pack(right, bytes + length);
    return memcmp(bytes, bytes + length, length) == 0;
}

static ConfigChange *new_change(config_kind_t kind, const char *id, uint64_t version,
                                uint64_t utc_ns, arena_t *arena) {
    ConfigChange *c = arena_take(arena, sizeof(*c));
    config_change__init(c);
    c->version = version;
    c->kind = kind;
    c->id = arena_text(arena, id);
    c->changed_at = utc_ns;
    return c;
}

static void set_change_row(ConfigChange *c, ProtobufCMessage *row) {
    *(ProtobufCMessage **)((char *)c + config_kind_of(c->kind)->row) = row;
}

const ProtobufCMessage *config_changed_row(const ConfigChange *change) {
    return change->has_removed && change->removed ? NULL : config_change_row(change);
}

static size_t count_config_rows(const config_t *self) {
    size_t n = 0;
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) n += HASH_COUNT(self->rows[i]);
    return n;
}

size_t config_diff(const config_t *held, const config_t *wanted, uint64_t utc_ns, arena_t *arena,
                   ConfigChange ***out) {
    uint64_t version = held->version + 1;
    size_t n = 0;
    *out = arena_take(arena,
                      (count_config_rows(held) + count_config_rows(wanted) + 1) * sizeof(**out));
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        config_kind_t kind = config_kinds[i].kind;
        const struct config_row *row = NULL;
        while ((row = config_next(wanted, kind, row))) {
            const struct config_row *old = config_find(held, kind, row->id);
            if (old && is_same_row(old->m, row->m, arena)) continue;
            ConfigChange *c = (*out)[n++] = new_change(kind, row->id, version, utc_ns, arena);
            set_change_row(c, with_version(row->m, version, arena));
        }
        while ((row = config_next(held, kind, row))) {
            if (config_find(wanted, kind, row->id)) continue;
            ConfigChange *c = (*out)[n++] = new_change(kind, row->id, version, utc_ns, arena);
            c->has_removed = c->removed = true;
        }
    }
    return n;
}

size_t config_newer(const config_t *held, const config_t *other, uint64_t utc_ns, arena_t *arena,
                    ConfigChange ***out) {
    size_t n = 0;
    *out = arena_take(arena, (count_config_rows(other) + 1) * sizeof(**out));
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        config_kind_t kind = config_kinds[i].kind;
        const struct config_row *row = NULL;
        while ((row = config_next(other, kind, row))) {
            const struct config_row *old = config_find(held, kind, row->id);
            if (old && config_row_version(old->m) >= config_row_version(row->m)) continue;
            ConfigChange *c = (*out)[n++] =
                new_change(kind, row->id, config_row_version(row->m), utc_ns, arena);
            set_change_row(c, record_copy(row->m, arena));
        }
    }
    return n;
}

void config_take(config_t *self, const ConfigChange *change) {
    const ProtobufCMessage *row = config_changed_row(change);
    if (!config_kind_of(change->kind)) return;
    if (row)
        config_put(self, change->kind, row, NULL);
    else
        config_drop(self, change->kind, change->id);
    config_raise(self, change->version);
}

// Without its version, and without what is only for us to know.
static const ProtobufCMessage *for_export(const ProtobufCMessage *m, arena_t *arena) {
    ProtobufCMessage *copy = with_version(m, 0, arena);
    if (m->descriptor != &signal_config__descriptor) return copy;
    SignalConfig *s = (SignalConfig *)copy;
    s->token_hash = s->old_token_hash = s->license_hash = s->secret_hash = NULL;
    return copy;
}

void config_show(const config_t *self, bool to_export, buffer_t *out) {
    own(arena) *arena = arena_new(65536);
    buffer_text(out, "{");
    if (!to_export) buffer_format(out, "\"version\":%llu", (unsigned long long)self->version);
    for (size_t i = 0; i < CONFIG_KIND_COUNT; i++) {
        const struct config_row *row = NULL;
        buffer_format(out, "%s\"%s\":[", i || !to_export ? "," : "", config_kinds[i].section);
        for (bool first = true; (row = config_next(self, config_kinds[i].kind, row));
             first = false) {
            if (!first) buffer_text(out, ",");
            record_to_json(to_export ? for_export(row->m, arena) : row->m, out);
            arena_reset(arena);
        }
        buffer_text(out, "]");
    }
    buffer_text(out, "}");
}
