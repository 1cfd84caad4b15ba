// positions - where the archive goes on in each topic: in the same SQLite transaction as the rows.
// SPDX-License-Identifier: MIT
#include "services/archiver/rows/positions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/own.h"
#include "common/redis/journal.h"

#define TOPICS_MAX 256
#define TOPIC_TEXT 64

struct known {
    char topic[TOPIC_TEXT];
    struct entry_id position; // committed
};

struct positions {
    sql_t *db;
    sql_query_t *write;
    struct known known[TOPICS_MAX];
    size_t n;
};

positions_t *archived_positions_new(sql_t *db) {
    positions_t *self = alloc_zeroed(1, sizeof(*self));
    self->db = db;
    self->write = sql_prepare(db, "INSERT INTO positions (topic, position) VALUES (?1, ?2) ON "
                                  "CONFLICT(topic) DO UPDATE SET position = excluded.position");
    if (!self->write) archived_positions_destroy(&self);
    return self;
}

void archived_positions_destroy(positions_t **self) {
    if (!*self) return;
    sql_query_destroy(&(*self)->write);
    free(*self);
    *self = NULL;
}

static struct known *find_known_topic(positions_t *self, const char *topic) {
    for (size_t i = 0; i < self->n; i++)
        if (strcmp(self->known[i].topic, topic) == 0) return &self->known[i];
    return NULL;
}

static struct known *add_known_topic(positions_t *self, const char *topic) {
    if (self->n == TOPICS_MAX) abort(); // common/delivery/topology.h has fewer
    struct known *k = &self->known[self->n++];
    snprintf(k->topic, sizeof(k->topic), "%s", topic);
    k->position = ENTRY_ID_NONE;
    return k;
}

err_t positions_load(positions_t *self) {
    own(sql_query) *q = sql_prepare(self->db, "SELECT topic, position FROM positions");
    bool row = true;
    err_t e = q ? ERR_OK : ERR_DISK;
    while (!e && !(e = sql_step(q, &row)) && row) {
        const char *topic = sql_text(q, 0), *position = sql_text(q, 1);
        struct entry_id id;
        if (self->n < TOPICS_MAX && !entry_id_parse(position, strlen(position), &id))
            add_known_topic(self, topic)->position = id;
    }
    return e;
}

static struct entry_id beginning_of(store_t *store, const char *topic) {
    struct entry_id before = ENTRY_ID_NONE;
    err_t e = journal_beginning(store, topic, &before);
    if (e)
        log_event(LOG_LEVEL_ERROR, "journal_unread", "topic=%s why=%s", topic,
                  log_quote(store_trouble(store)));
    return before;
}

void positions_find(positions_t *self, store_t *store, bool restored,
                    const struct positions_found *out) {
    *out->cut = false;
    for (size_t i = 0; i < out->n; i++) {
        struct inlet_position *inlet = &out->inlets[i];
        const struct known *k = find_known_topic(self, inlet->topic);
        struct entry_id beginning =
            !k || restored ? beginning_of(store, inlet->topic) : ENTRY_ID_NONE;
        inlet->position = k && entry_id_cmp(k->position, beginning) >= 0 ? k->position : beginning;
        bool joined = !k && self->n; // a topic that an earlier version did not keep
        if (!joined && entry_id_cmp(beginning, k ? k->position : ENTRY_ID_NONE) > 0)
            *out->cut = true;
    }
}

err_t archived_positions_write(positions_t *self, const struct inlet_position *inlets, size_t n) {
    err_t e = ERR_OK;
    char text[ENTRY_ID_TEXT];
    for (size_t i = 0; !e && i < n; i++) {
        const struct known *k = find_known_topic(self, inlets[i].topic);
        if (entry_id_cmp(inlets[i].position, k ? k->position : ENTRY_ID_NONE) == 0) continue;
        entry_id_print(inlets[i].position, text);
        sql_bind_text(self->write, 1, inlets[i].topic);
        sql_bind_text(self->write, 2, text);
        e = sql_execute(self->write);
    }
    return e;
}

void positions_committed(positions_t *self, const struct inlet_position *inlets, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct known *k = find_known_topic(self, inlets[i].topic);
        if (!k) k = add_known_topic(self, inlets[i].topic);
        k->position = inlets[i].position;
    }
}
