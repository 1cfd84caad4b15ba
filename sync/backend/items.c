// items - what is still to be posted.
// SPDX-License-Identifier: MIT
#include "sync/backend/items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/own.h"

#define PAGE 500 // rows of the archive in one transaction

const char *const items_steps[] = {
    // progress: how far the archive was looked at. item: what is to be posted, oldest first. taken:
    // the signals that the backend has, and the
    // key of the outcome that it was told.
    "CREATE TABLE progress (changed INTEGER NOT NULL);"
    "INSERT INTO progress VALUES (0);"
    "CREATE TABLE item (seq INTEGER PRIMARY KEY AUTOINCREMENT, signal_id TEXT NOT NULL, event "
    "INTEGER NOT NULL, changed INTEGER NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, away INTEGER NOT NULL "
    "DEFAULT 0, why TEXT,"
    " UNIQUE (signal_id, event));"
    "CREATE TABLE taken (signal_id TEXT NOT NULL PRIMARY KEY, outcome TEXT) WITHOUT ROWID;",
};
const size_t items_n_steps = sizeof(items_steps) / sizeof(items_steps[0]);

#define QUERIES(X)                                                                                 \
    X(progress, "SELECT changed FROM progress")                                                    \
    X(move, "UPDATE progress SET changed = ?1")                                                    \
    X(add_signal, "INSERT INTO item (signal_id, event, changed) SELECT ?1, 0, ?2 WHERE NOT "       \
                  "EXISTS (SELECT 1 FROM taken WHERE"                                              \
                  " signal_id = ?1) ON CONFLICT DO NOTHING")                                       \
    X(add_outcome,                                                                                 \
      "INSERT INTO item (signal_id, event, changed) SELECT ?1, 1, ?2 WHERE NOT EXISTS (SELECT 1 "  \
      "FROM taken WHERE"                                                                           \
      " signal_id = ?1 AND outcome = ?3) ON CONFLICT DO UPDATE SET tries = 0, due = 0")            \
    X(due, "SELECT signal_id, event, tries FROM item AS i WHERE (due <= ?1 OR away >= ?3) AND "    \
           "(event = 0 OR NOT EXISTS (SELECT 1 FROM item AS s WHERE"                               \
           " s.signal_id = i.signal_id AND s.event = 0)) ORDER BY due > ?1, seq LIMIT ?2")         \
    X(drop, "DELETE FROM item WHERE signal_id = ?1 AND event = ?2")                                \
    X(take, "INSERT INTO taken VALUES (?1, ?2) ON CONFLICT DO UPDATE SET outcome = coalesce(?2, "  \
            "outcome)")                                                                            \
    X(fail, "UPDATE item SET tries = tries + 1, due = ?3, away = ?4, why = ?5 WHERE signal_id = "  \
            "?1 AND event = ?2")                                                                   \
    X(all_due, "UPDATE item SET due = 0, away = 0 WHERE away = 1")                                 \
    X(sum, "SELECT count(*), coalesce(sum(tries >= ?1), 0), coalesce(min(changed), 0), "           \
           "coalesce(min(due), 0) FROM item")

SQL_QUERIES(QUERIES);

struct items {
    sql_t *state;
    sql_query_t *queries[QUERY_COUNT];
};

items_t *items_new(sql_t *state) {
    items_t *self = alloc_zeroed(1, sizeof(*self));
    self->state = state;
    if (!sql_prepare_all(state, query_texts, QUERY_COUNT, self->queries)) items_destroy(&self);
    return self;
}

void items_destroy(items_t **self) {
    if (!*self) return;
    sql_query_destroy_all((*self)->queries, QUERY_COUNT);
    free(*self);
    *self = NULL;
}

// Collecting.

static err_t progress_of(items_t *self, int64_t *changed) {
    sql_query_t *q = self->queries[QUERY_progress];
    bool row = false;
    err_t e = sql_step(q, &row);
    *changed = !e && row ? sql_integer(q, 0) : 0;
    sql_reset(q);
    return e;
}

static err_t add_query_items(items_t *self, enum query_name query, const char *signal_id,
                             int64_t changed, const char *key) {
    sql_query_t *q = self->queries[query];
    sql_bind_text(q, 1, signal_id);
    sql_bind_integer(q, 2, changed);
    if (key) sql_bind_text(q, 3, key);
    return sql_execute(q);
}

static err_t note_row(items_t *self, const SignalRow *row, int64_t changed) {
    char key[BODY_KEY];
    err_t e = add_query_items(self, QUERY_add_signal, row->signal_id, changed, NULL);
    if (e || !row->outcome || !row->outcome[0]) return e;
    body_key(row, EVENT_OUTCOME, key);
    return add_query_items(self, QUERY_add_outcome, row->signal_id, changed, key);
}

static sql_query_t *select_changed(sql_t *archive) {
    return sql_prepare(
        archive,
        "SELECT changed AS n, * FROM signals WHERE changed > ?1 ORDER BY changed LIMIT ?2");
}

// The first column is the number; sql_row passes over names that are no field's.
static err_t note_page(items_t *self, sql_query_t *q, int64_t *changed, size_t *n) {
    own(arena) *arena = arena_new(0);
    err_t e = ERR_OK;
    bool row = true;
    for (*n = 0; !(e = sql_step(q, &row)) && row; ++*n) {
        ProtobufCMessage *m;
        *changed = sql_integer(q, 0);
        e = sql_row(q, &signal_row__descriptor, arena, &m);
        if (e == ERR_INPUT) // of another version: nobody can tell what it says
            log_event(LOG_LEVEL_ERROR, "row_unreadable", "table=signals changed=%lld",
                      (long long)*changed);
        else if (!e)
            e = note_row(self, (const SignalRow *)m, *changed);
        if (e && e != ERR_INPUT) break;
    }
    sql_bind_integer(self->queries[QUERY_move], 1, *changed);
    return e ? e : sql_execute(self->queries[QUERY_move]);
}

err_t items_collect(items_t *self, sql_t *archive, bool *more) {
    struct items_sum sum;
    int64_t changed;
    size_t n = PAGE;
    own(sql_query) *q = select_changed(archive);
    err_t e = q ? progress_of(self, &changed) : ERR_CONFIG;
    if (!e) e = items_sum(self, &sum);
    for (size_t room = !e && sum.items < ITEMS_MOST ? ITEMS_MOST - (size_t)sum.items : 0;
         !e && n == PAGE && room >= PAGE; room -= PAGE) {
        sql_bind_integer(q, 1, changed);
        sql_bind_integer(q, 2, PAGE);
        e = sql_begin(self->state);
        if (!e) e = note_page(self, q, &changed, &n);
        if (!e) e = sql_commit(self->state);
        if (e) sql_rollback(self->state);
        sql_reset(q);
    }
    *more = !e && n == PAGE;
    return e;
}

// Sending.

err_t items_due(items_t *self, const struct items_wanted *wanted, struct item *out, size_t *n) {
    sql_query_t *q = self->queries[QUERY_due];
    bool row = true;
    err_t e = ERR_OK;
    sql_bind_integer(q, 1, (int64_t)wanted->now);
    sql_bind_integer(q, 2, (int64_t)wanted->most);
    sql_bind_integer(q, 3, wanted->probe ? 1 : 2);
    for (*n = 0; !(e = sql_step(q, &row)) && row; ++*n) {
        struct item *item = &out[*n];
        snprintf(item->signal_id, sizeof(item->signal_id), "%s", sql_text(q, 0));
        item->event = sql_integer(q, 1) ? EVENT_OUTCOME : EVENT_SIGNAL;
        item->tries = sql_integer(q, 2);
    }
    return e;
}

err_t items_gone(items_t *self, const struct item *item) {
    sql_query_t *q = self->queries[QUERY_drop];
    sql_bind_text(q, 1, item->signal_id);
    sql_bind_integer(q, 2, item->event);
    return sql_execute(q);
}

err_t items_taken(items_t *self, const struct item *item, const char *key) {
    sql_query_t *q = self->queries[QUERY_take];
    err_t e = items_gone(self, item);
    if (e) return e;
    sql_bind_text(q, 1, item->signal_id);
    sql_bind_text(q, 2, item->event == EVENT_OUTCOME ? key : NULL);
    return sql_execute(q);
}

err_t items_failed(items_t *self, const struct item *item, const struct item_failure *failure) {
    sql_query_t *q = self->queries[QUERY_fail];
    sql_bind_text(q, 1, item->signal_id);
    sql_bind_integer(q, 2, item->event);
    sql_bind_integer(q, 3, (int64_t)failure->due);
    sql_bind_integer(q, 4, failure->away);
    sql_bind_text(q, 5, failure->why);
    return sql_execute(q);
}

err_t items_all_due(items_t *self) { return sql_execute(self->queries[QUERY_all_due]); }

err_t items_sum(items_t *self, struct items_sum *out) {
    sql_query_t *q = self->queries[QUERY_sum];
    bool row = false;
    sql_bind_integer(q, 1, TRIES_MOST);
    err_t e = sql_step(q, &row);
    *out = (struct items_sum){0};
    if (!e && row)
        *out = (struct items_sum){(uint64_t)sql_integer(q, 0), (uint64_t)sql_integer(q, 1),
                                  (uint64_t)sql_integer(q, 2), (uint64_t)sql_integer(q, 3)};
    sql_reset(q);
    return e;
}
