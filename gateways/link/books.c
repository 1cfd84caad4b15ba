// books - what a gateway never forgets.
// SPDX-License-Identifier: MIT
#include "gateways/link/books.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/log.h"
#include "common/base/own.h"

#define TRIM_MOST "25000" // reports deleted at a time

enum statement {
    PUT_REPORT,
    GET_REPORTS,
    TRIM,
    PUT_LINK,
    PUT_CONFIG,
    GET_LINK,
    GET_FIRST,
    STATEMENTS
};

struct books {
    sql_t *db;
    sql_query_t *queries[STATEMENTS];
    bool begun; // the batch's transaction is open
};

// Versions count for the skeleton's and the gateway's tables together, as the first gateway had
// them. A table of the skeleton that changes once more asks sql_has_column, for gateways are at
// different versions by then.
static const char *const own_tables[] = {
    "CREATE TABLE reports(number INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE link(id INTEGER PRIMARY KEY CHECK(id = 1), books INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, head INTEGER NOT NULL, acked INTEGER NOT NULL, broker BLOB);",
    "",
    "ALTER TABLE link ADD COLUMN books_since INTEGER NOT NULL DEFAULT 0;",
};
#define OWN_VERSIONS (int)(sizeof own_tables / sizeof own_tables[0])
#define VERSIONS_MAX 64

static const char *const texts[STATEMENTS] = {
    [PUT_REPORT] = "INSERT INTO reports(number, at, body) VALUES(?,?,?)",
    [GET_REPORTS] = "SELECT number, body FROM reports WHERE number > ? ORDER BY number LIMIT ?",
    [TRIM] = "DELETE FROM reports WHERE number IN (SELECT number FROM reports"
             " WHERE number <= ? AND at < ? ORDER BY number LIMIT " TRIM_MOST ")",
    [PUT_LINK] = "INSERT INTO link(id, books, epoch, head, acked, books_since) VALUES(1,?,?,?,?,?)"
                 " ON CONFLICT(id) DO UPDATE SET epoch = excluded.epoch, head = excluded.head,"
                 " acked = excluded.acked, books_since = excluded.books_since",
    [PUT_CONFIG] = "UPDATE link SET broker = ?",
    [GET_LINK] = "SELECT books, epoch, head, acked, broker, books_since FROM link",
    [GET_FIRST] = "SELECT ifnull(min(number), 0) FROM reports",
};

static err_t make_tables(sql_t *db, books_schema_fn *schema, int versions) {
    buffer_t steps[VERSIONS_MAX] = {0};
    const char *step_texts[VERSIONS_MAX];
    int n = versions > OWN_VERSIONS ? versions : OWN_VERSIONS;
    for (int i = 0; i < n; i++) {
        if (i < versions && schema) schema(&steps[i], i + 1);
        if (i < OWN_VERSIONS) buffer_text(&steps[i], own_tables[i]);
        step_texts[i] = buffer_string(&steps[i]);
    }
    err_t e = sql_migrate(db, step_texts, (size_t)n);
    for (int i = 0; i < n; i++) buffer_destroy(&steps[i]);
    return e;
}

books_t *books_open(const char *path, books_schema_fn *schema, int versions, char why[static 200]) {
    books_t *self = alloc_zeroed(1, sizeof *self);
    if (versions > VERSIONS_MAX) abort();
    self->db = sql_open(path, SQL_WRITE, why);
    if (self->db && make_tables(self->db, schema, versions) == ERR_OK &&
        sql_prepare_all(self->db, texts, STATEMENTS, self->queries))
        return self;
    if (self->db) (void)snprintf(why, 200, "%.100s: %.90s", path, sql_trouble(self->db));
    books_close(&self);
    return NULL;
}

void books_close(books_t **self) {
    if (!*self) return;
    sql_query_destroy_all((*self)->queries, STATEMENTS);
    sql_destroy(&(*self)->db);
    free(*self);
    *self = NULL;
}

sql_t *books_sql(books_t *self) { return self->db; }

// --- at start ---

static err_t load_link(books_t *self, struct link_state *link, BrokerConfig **config) {
    sql_query_t *q = self->queries[GET_LINK];
    bool row;
    err_t e = sql_step(q, &row);
    if (e == ERR_OK && row) {
        struct span packed = sql_bytes(q, 4);
        *link = (struct link_state){.books = (uint64_t)sql_integer(q, 0),
                                    .epoch = (uint64_t)sql_integer(q, 1),
                                    .head = (uint64_t)sql_integer(q, 2),
                                    .acked = (uint64_t)sql_integer(q, 3),
                                    .books_since = (uint64_t)sql_integer(q, 5)};
        if (packed.length) *config = broker_config__unpack(NULL, packed.length, packed.data);
        if (packed.length && !*config) e = ERR_INPUT;
    }
    sql_reset(q);
    return e;
}

static err_t load_first(books_t *self, struct link_state *link) {
    sql_query_t *q = self->queries[GET_FIRST];
    bool row;
    err_t e = sql_step(q, &row);
    if (e == ERR_OK && row) link->first = (uint64_t)sql_integer(q, 0);
    sql_reset(q);
    return e;
}

bool books_load(books_t *self, uint64_t utc_ns, struct link_state *link, BrokerConfig **config,
                char why[static 200]) {
    *link = (struct link_state){0};
    *config = NULL;
    err_t e = load_link(self, link, config);
    if (e == ERR_OK) e = load_first(self, link);
    while (!link->books) randombytes_buf(&link->books, sizeof link->books);
    // Books that are new, or of an earlier version, have every Submit from now on.
    if (!link->books_since) link->books_since = utc_ns, link->changed = true;
    if (e != ERR_OK)
        (void)snprintf(why, 200, "the books cannot be read: %.100s",
                       e == ERR_INPUT ? "a row makes no sense" : sql_trouble(self->db));
    return e == ERR_OK;
}

// --- while running ---

void books_give_up(books_t *self) {
    log_event(LOG_LEVEL_ERROR, "books_unreadable", "why=%s", log_quote(sql_trouble(self->db)));
    exit(1);
}

err_t books_reports(void *books, uint64_t after, unsigned limit, link_visit_fn *visit, void *arg) {
    sql_query_t *q = ((books_t *)books)->queries[GET_REPORTS];
    bool row, more = true;
    err_t e = ERR_OK;
    sql_bind_integer(q, 1, (int64_t)after);
    sql_bind_integer(q, 2, limit);
    while (more && (e = sql_step(q, &row)) == ERR_OK && row)
        more = visit(arg, (uint64_t)sql_integer(q, 0), sql_bytes(q, 1));
    sql_reset(q);
    return e;
}

// --- the transaction ---

err_t books_begin(books_t *self) {
    if (self->begun) return ERR_OK;
    err_t e = sql_begin(self->db);
    self->begun = e == ERR_OK;
    return e;
}

void books_leave(books_t *self) {
    if (self->begun) sql_rollback(self->db);
    self->begun = false;
}

err_t books_commit(books_t *self) {
    self->begun = false; // when it fails it has rolled back
    return sql_commit(self->db);
}

err_t books_write_report(books_t *self, uint64_t number, uint64_t utc_ns, struct span report) {
    sql_query_t *q = self->queries[PUT_REPORT];
    sql_bind_integer(q, 1, (int64_t)number);
    sql_bind_integer(q, 2, (int64_t)utc_ns);
    sql_bind_bytes(q, 3, report);
    return sql_execute(q);
}

err_t books_write_link(books_t *self, const struct link_state *link) {
    sql_query_t *q = self->queries[PUT_LINK];
    sql_bind_integer(q, 1, (int64_t)link->books);
    sql_bind_integer(q, 2, (int64_t)link->epoch);
    sql_bind_integer(q, 3, (int64_t)link->head);
    sql_bind_integer(q, 4, (int64_t)link->acked);
    sql_bind_integer(q, 5, (int64_t)link->books_since);
    return sql_execute(q);
}

err_t books_write_config(books_t *self, struct span packed) {
    sql_query_t *q = self->queries[PUT_CONFIG];
    sql_bind_bytes(q, 1, packed);
    return sql_execute(q);
}

err_t books_trim(books_t *self, uint64_t before_ns, struct link_state *link) {
    sql_query_t *q = self->queries[TRIM];
    sql_bind_integer(q, 1, (int64_t)link->acked);
    sql_bind_integer(q, 2, (int64_t)before_ns);
    err_t e = sql_execute(q);
    return e == ERR_OK ? load_first(self, link) : e;
}
