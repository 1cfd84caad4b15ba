// config_history - what the table config_change tells.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/history.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/own.h"
#include "services/archiver/config/edits.h"

typedef void take_fn(void *arg, const ConfigChange *change);

// Every change up to a version, in order. What they are read into lasts for one call each.
static err_t each_change(sql_t *db, uint64_t up_to, take_fn *take, void *arg) {
    own(arena) *arena = arena_new(65536);
    own(sql_query) *q = sql_prepare(
        db, "SELECT * FROM config_change WHERE version <= ?1 ORDER BY version, kind, id");
    bool row = true;
    if (!q) return ERR_DISK;
    sql_bind_integer(q, 1, up_to > INT64_MAX ? INT64_MAX : (int64_t)up_to);
    err_t e = ERR_OK;
    while (!e && !(e = sql_step(q, &row)) && row) {
        ProtobufCMessage *m;
        e = sql_row(q, &config_change__descriptor, arena, &m);
        if (!e) take(arg, (const ConfigChange *)m);
        arena_reset(arena);
    }
    return e;
}

static err_t read_history_number(sql_t *db, const char *text, int64_t bound, uint64_t *out) {
    own(sql_query) *q = sql_prepare(db, text);
    bool row = false;
    if (q && bound >= 0) sql_bind_integer(q, 1, bound);
    err_t e = q ? sql_step(q, &row) : ERR_DISK;
    *out = !e && row ? (uint64_t)sql_integer(q, 0) : 0;
    return e;
}

// The configuration as of a version.

static void replay_change(void *arg, const ConfigChange *change) { config_take(arg, change); }

err_t config_history_at(sql_t *db, uint64_t version, config_t **out, char why[static 200]) {
    uint64_t first, last, recovered;
    *out = NULL;
    err_t e = read_history_number(db, "SELECT min(version) FROM config_change", -1, &first);
    if (!e) e = read_history_number(db, "SELECT max(version) FROM config_change", -1, &last);
    if (!e)
        e = read_history_number(db, "SELECT max(version) FROM config_change WHERE recovered = 1",
                                -1, &recovered);
    if (e) return e;
    // rows that stayed as they were came with their own, older versions
    if (first < recovered) first = recovered;
    if (version < first || version > last || first == 0) {
        snprintf(why, 200, "there is no version %llu on record; versions %llu to %llu are",
                 (unsigned long long)version, (unsigned long long)first, (unsigned long long)last);
        return ERR_OK;
    }
    *out = config_new();
    e = each_change(db, version, replay_change, *out);
    if (e) config_destroy(out);
    return e;
}

// History.

struct telling {
    arena_t *arena;
    config_t *held; // before the change
    uint64_t from;
    ConfigVersion **versions; // the oldest first
    size_t n, room;
    size_t steps; // room in the last one's
};

static char *text_or_null(arena_t *arena, const char *text) {
    return text ? arena_text(arena, text) : NULL;
}

static ConfigVersion *version_for(struct telling *t, const ConfigChange *c) {
    if (t->n && t->versions[t->n - 1]->version == c->version) return t->versions[t->n - 1];
    array_reserve_in(t->arena, t->versions, t->n, t->room);
    ConfigVersion *v = t->versions[t->n++] = arena_take(t->arena, sizeof *v);
    config_version__init(v);
    v->version = c->version;
    v->changed_at = c->changed_at;
    v->changed_by = text_or_null(t->arena, c->changed_by);
    v->note = text_or_null(t->arena, c->note);
    v->has_recovered = v->recovered = c->has_recovered && c->recovered;
    t->steps = 0;
    return v;
}

static void add_history_change(void *arg, const ConfigChange *c) {
    struct telling *t = arg;
    if (c->version >= t->from) {
        ConfigVersion *v = version_for(t, c);
        const struct config_row *before = config_find(t->held, c->kind, c->id);
        array_reserve_in(t->arena, v->changes, v->n_changes, t->steps);
        v->changes[v->n_changes++] =
            config_step(c->kind, c->id, before ? before->m : NULL, config_changed_row(c), t->arena);
    }
    config_take(t->held, c);
}

err_t config_history_read(sql_t *db, size_t most, arena_t *arena, ConfigHistory **out) {
    own(config) *held = config_new();
    struct telling t = {.arena = arena, .held = held};
    err_t e = read_history_number(db,
                                  "SELECT min(version) FROM (SELECT DISTINCT version FROM "
                                  "config_change ORDER BY version DESC LIMIT ?1)",
                                  (int64_t)most, &t.from);
    if (!e) e = each_change(db, UINT64_MAX, add_history_change, &t);
    *out = arena_take(arena, sizeof **out);
    config_history__init(*out);
    for (size_t i = 0; i < t.n / 2; i++) { // the newest first
        ConfigVersion *v = t.versions[i];
        t.versions[i] = t.versions[t.n - 1 - i];
        t.versions[t.n - 1 - i] = v;
    }
    (*out)->versions = t.versions;
    (*out)->n_versions = t.n;
    return e;
}
