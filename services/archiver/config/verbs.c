// config_desk - the verbs of the configuration.
// SPDX-License-Identifier: MIT
#include "services/archiver/config/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/own.h"
#include "common/domain/gaps.h"
#include "common/oplog/system_event.h"
#include "common/schema/record.h"
#include "services/archiver/config/document.h"
#include "services/archiver/config/edits.h"
#include "services/archiver/config/history.h"
#include "services/archiver/config/path.h"
#include "services/archiver/config/removal.h"
#include "services/archiver/slice.h"

#define HISTORY_PRESET 20

void desk_change(struct desk *desk, batch_t *batch, const ConfigChange *change) {
    rows_add(desk->rows, TABLE_config_change, &change->base);
    slice_config_changed(batch, change);
}

// "name=value" among the words; NULL: it is not there. A word without = has the value "".
static const char *find_request_word(const ControlRequest *r, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < r->n_args; i++) {
        if (strncmp(r->args[i], name, length) != 0) continue;
        if (r->args[i][length] == '=') return r->args[i] + length + 1;
        if (r->args[i][length] == 0) return "";
    }
    return NULL;
}

static uint64_t read_request_number(const ControlRequest *r, const char *name, uint64_t preset) {
    const char *text = find_request_word(r, name);
    char *end;
    if (!text || !*text) return preset;
    uint64_t n = strtoull(text, &end, 10);
    return *end ? 0 : n;
}

// Every fault, a line each, without those that cannot be.
static bool answer_complaints(struct complaints *complaints, buffer_t *answer) {
    buffer_text(answer, buffer_string(&complaints->text));
    buffer_destroy(&complaints->text);
    return false;
}

static bool is_version_outdated(const struct desk *desk, const ControlRequest *r,
                                buffer_t *answer) {
    uint64_t now = config_version(desk->held);
    if (read_request_number(r, "if", now) == now) return false;
    buffer_format(
        answer, "the configuration is at version %llu by now, not %s: look at the difference again",
        (unsigned long long)now, find_request_word(r, "if"));
    return true;
}

struct warnings {
    arena_t *arena;
    ConfigWarning *all[8 * (GAPS_MAX + 1)]; // there are fewer kinds
    size_t n;
};

static void add_warning(void *arg, const struct gap *gap) {
    struct warnings *w = arg;
    if (w->n == sizeof w->all / sizeof w->all[0]) return;
    ConfigWarning *m = arena_take(w->arena, sizeof *m);
    config_warning__init(m);
    m->what = arena_text(w->arena, gap->what);
    m->text = arena_text(w->arena, gap->text);
    w->all[w->n++] = m;
}

// What it would lack, as every service will hold it.
static void look_for_gaps(const config_t *wanted, uint64_t utc_ns, struct warnings *out) {
    own(config) *nothing = config_new();
    own(book) *book = book_new();
    ConfigChange **rows;
    size_t n = config_diff(nothing, wanted, utc_ns, out->arena, &rows);
    for (size_t i = 0; i < n; i++) (void)book_apply(book, rows[i]);
    (void)gaps_each(book, &(struct gaps_asked){NULL, NULL}, add_warning, out);
}

static void answer_difference(struct desk *desk, const ControlRequest *r,
                              ConfigChange *const *changes, size_t n, struct warnings *warnings,
                              buffer_t *answer) {
    arena_t *arena = warnings->arena;
    ConfigDifference d = CONFIG_DIFFERENCE__INIT;
    d.has_dry_run = d.dry_run = find_request_word(r, "dry-run") != NULL;
    d.has_version = true;
    d.version = n && !d.dry_run ? changes[0]->version : config_version(desk->held);
    d.changes = arena_take(arena, (n + 1) * sizeof *d.changes);
    d.n_changes = n;
    for (size_t i = 0; i < n; i++) {
        const struct config_row *before = config_find(desk->held, changes[i]->kind, changes[i]->id);
        d.changes[i] = config_step(changes[i]->kind, changes[i]->id, before ? before->m : NULL,
                                   config_changed_row(changes[i]), arena);
    }
    d.warnings = warnings->all;
    d.n_warnings = warnings->n;
    record_to_json(&d.base, answer);
}

static void record_config_change(batch_t *batch, ConfigChange *const *changes, size_t n) {
    char version[24];
    const char *note = changes[0]->note;
    (void)snprintf(version, sizeof version, "%llu", (unsigned long long)changes[0]->version);
    batch_system_event(
        batch,
        (struct system_event_about){SYSTEM_EVENT_configuration, version, changes[0]->changed_by},
        "version %s was applied: %zu rows changed%s%.200s", version, n, note ? "; " : "",
        note ? note : "");
}

// What is wanted becomes changes: told in either case, and made unless it is a dry run.
static bool apply_difference(struct desk *desk, batch_t *batch, const ControlRequest *r,
                             const config_t *wanted, buffer_t *answer) {
    ConfigChange **changes;
    size_t n = config_diff(desk->held, wanted, batch_now(batch), batch_arena(batch), &changes);
    own(buffer) why = {0};
    if (!find_request_word(r, "dry-run") && !find_request_word(r, "force") &&
        !removal_may(desk->db, changes, n, wanted, &why)) {
        buffer_text(answer, buffer_string(&why));
        return false;
    }
    struct warnings warnings = {.arena = batch_arena(batch)};
    look_for_gaps(wanted, batch_now(batch), &warnings);
    answer_difference(desk, r, changes, n, &warnings, answer);
    if (find_request_word(r, "dry-run")) return true;
    for (size_t i = 0; i < n; i++) {
        const char *by = find_request_word(r, "by"), *note = find_request_word(r, "note");
        if (by) changes[i]->changed_by = arena_text(batch_arena(batch), by);
        if (note && *note) changes[i]->note = arena_text(batch_arena(batch), note);
        desk_change(desk, batch, changes[i]);
        config_take(desk->held, changes[i]);
    }
    if (n) slice_config_version(batch, config_version(desk->held));
    if (n) record_config_change(batch, changes, n);
    return true;
}

static bool settle_document(struct desk *desk, batch_t *batch, const ControlRequest *r,
                            struct span json, buffer_t *answer) {
    struct complaints complaints = {0};
    const struct config_reading reading = {desk->held, desk->shards,
                                           find_request_word(r, "replace") != NULL};
    own(config) *wanted = config_read(&reading, json, &complaints);
    if (!wanted) return answer_complaints(&complaints, answer);
    buffer_destroy(&complaints.text);
    return apply_difference(desk, batch, r, wanted, answer);
}

bool desk_apply(struct desk *desk, batch_t *batch, const ControlRequest *r, buffer_t *answer) {
    struct span json = {r->body.data, r->has_body ? r->body.len : 0};
    return !is_version_outdated(desk, r, answer) && settle_document(desk, batch, r, json, answer);
}

// A configuration that was made of rows, not read from a document.
static bool settle_rows(struct desk *desk, batch_t *batch, const ControlRequest *r,
                        const config_t *wanted, buffer_t *answer) {
    struct complaints complaints = {0};
    config_check(wanted, &complaints);
    config_check_shards(desk->held, wanted, &desk->shards, &complaints);
    if (complaints.count) return answer_complaints(&complaints, answer);
    return apply_difference(desk, batch, r, wanted, answer);
}

bool desk_set(struct desk *desk, batch_t *batch, const ControlRequest *r, buffer_t *answer) {
    const char *path = find_request_word(r, "path"), *value = find_request_word(r, "value");
    config_kind_t kind;
    const struct config_row *row = path ? config_row_at(desk->held, path, &kind) : NULL;
    if (is_version_outdated(desk, r, answer)) return false;
    if (row && value && strcmp(value, "null") == 0) {
        own(config) *wanted = config_copy(desk->held);
        config_drop(wanted, kind, row->id);
        return settle_rows(desk, batch, r, wanted, answer);
    }
    own(buffer) document = {0};
    if (config_set(desk->held, path ? path : "", value ? value : "", &document))
        return settle_document(desk, batch, r, (struct span){document.data, document.length},
                               answer);
    buffer_text(answer, buffer_string(&document));
    return false;
}

// What a source is known by is not taken back: a token that was changed because somebody else had
// it stays changed.
static void keep_secrets(const config_t *held, config_t *wanted, arena_t *arena) {
    const struct config_row *row = NULL;
    while ((row = config_next(held, CONFIG_CHANGE__KIND__signal_config, row))) {
        const struct config_row *other =
            config_find(wanted, CONFIG_CHANGE__KIND__signal_config, row->id);
        if (!other) continue;
        const SignalConfig *now = (const SignalConfig *)row->m;
        SignalConfig *then = (SignalConfig *)record_copy(other->m, arena);
        then->token_hash = now->token_hash;
        then->old_token_hash = now->old_token_hash;
        then->has_old_token_until = now->has_old_token_until;
        then->old_token_until = now->old_token_until;
        then->license_hash = now->license_hash;
        then->secret_hash = now->secret_hash;
        config_put(wanted, CONFIG_CHANGE__KIND__signal_config, &then->base, NULL);
    }
}

bool desk_rollback(struct desk *desk, batch_t *batch, const ControlRequest *r, buffer_t *answer) {
    char why[200] = "the archive cannot be read";
    own(config) *wanted = NULL;
    if (is_version_outdated(desk, r, answer)) return false;
    if (config_history_at(desk->db, read_request_number(r, "to", 0), &wanted, why) || !wanted) {
        buffer_text(answer, why);
        return false;
    }
    keep_secrets(desk->held, wanted, batch_arena(batch));
    return settle_rows(desk, batch, r, wanted, answer);
}

bool desk_show(struct desk *desk, const ControlRequest *r, buffer_t *answer) {
    config_show(desk->held, find_request_word(r, "export") != NULL, answer);
    return true;
}

bool desk_get(struct desk *desk, const ControlRequest *r, buffer_t *answer) {
    const char *path = find_request_word(r, "path");
    return config_get(desk->held, path ? path : "", answer);
}

bool desk_history(struct desk *desk, batch_t *batch, const ControlRequest *r, buffer_t *answer) {
    ConfigHistory *history;
    uint64_t count = read_request_number(r, "count", HISTORY_PRESET);
    if (config_history_read(desk->db, count > 10000 ? 10000 : (size_t)count, batch_arena(batch),
                            &history)) {
        buffer_format(answer, "the archive cannot be read: %s", sql_trouble(desk->db));
        return false;
    }
    record_to_json(&history->base, answer);
    return true;
}
