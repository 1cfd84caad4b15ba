// config_table - the configuration in SQLite: the truth, read at start, and what Redis must be told
// of it.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/table.h"

#include <stdio.h>

#include "common/base/own.h"

static err_t load_kind(sql_t *db, const struct config_kind *k, arena_t *arena, config_t *out) {
    char text[64];
    snprintf(text, sizeof(text), "SELECT * FROM %s ORDER BY 1", k->table);
    own(sql_query) *q = sql_prepare(db, text);
    bool row = true;
    err_t e = q ? ERR_OK : ERR_DISK;
    while (!e && !(e = sql_step(q, &row)) && row) {
        ProtobufCMessage *m;
        e = sql_row(q, k->type, arena, &m);
        if (!e) config_put(out, k->kind, m, NULL);
    }
    return e;
}

static err_t load_version(sql_t *db, config_t *out) {
    own(sql_query) *q = sql_prepare(db, "SELECT max(version) FROM config_change");
    bool row = false;
    err_t e = q ? sql_step(q, &row) : ERR_DISK;
    if (!e && row) config_raise(out, (uint64_t)sql_integer(q, 0));
    return e;
}

err_t config_table_load(sql_t *db, config_t *out) {
    own(arena) *arena = arena_new(0);
    err_t e = ERR_OK;
    for (size_t i = 0; !e && i < CONFIG_KIND_COUNT; i++)
        e = load_kind(db, &config_kinds[i], arena, out);
    return e ? e : load_version(db, out);
}

static err_t count_changes(sql_t *db, uint64_t version, size_t *n) {
    own(sql_query) *q = sql_prepare(db, "SELECT count(*) FROM config_change WHERE version > ?1");
    bool row = false;
    if (q) sql_bind_integer(q, 1, (int64_t)version);
    err_t e = q ? sql_step(q, &row) : ERR_DISK;
    *n = !e && row ? (size_t)sql_integer(q, 0) : 0;
    return e;
}

err_t config_table_changes(sql_t *db, uint64_t version, arena_t *arena, ConfigChange ***out,
                           size_t *n) {
    size_t room = 0;
    err_t e = count_changes(db, version, &room);
    own(sql_query) *q =
        sql_prepare(db, "SELECT * FROM config_change WHERE version > ?1 ORDER BY version");
    bool row = true;
    *n = 0;
    *out = arena_take(arena, (room + 1) * sizeof(**out));
    if (!q) return ERR_DISK;
    sql_bind_integer(q, 1, (int64_t)version);
    while (!e && !(e = sql_step(q, &row)) && row && *n < room) {
        ProtobufCMessage *m;
        e = sql_row(q, &config_change__descriptor, arena, &m);
        if (!e) (*out)[(*n)++] = (ConfigChange *)m;
    }
    return e;
}
