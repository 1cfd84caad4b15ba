// server - a ClickHouse server by HTTP: questions, statements, blocks; and what it has of the
// archive's tables.
// SPDX-License-Identifier: MIT
#pragma once

#include "sync/clickhouse/block.h"
#include "sync/clickhouse/ddl.h"
#include "sync/copy/web.h"

struct server_settings {
    const char *url, *database, *user, *password, *ca_file, *cluster;
    int64_t within_ms;
};

typedef struct server server_t;
server_t *server_new(const struct server_settings *settings, bool (*goes_on)(void *arg), void *arg);
void server_destroy(server_t **self);

enum reply {
    REPLY_DONE,
    REPLY_NO,   // the server understood and refuses: *why has its words
    REPLY_NONE, // there was no answer, or the server has trouble of its own: try again later
};
// Runs one statement; what it gives (TabSeparated) is in *out until the next call.
enum reply server_run(server_t *self, const char *statement, struct span *out,
                      char why[static 200]);
enum reply server_insert(server_t *self, const struct table_form *form, struct span block,
                         char why[static 200]);

// Which dialect its tables are in: by its version, and by whether a cluster is configured.
enum reply server_dialect(server_t *self, enum dialect *out, char why[static 200]);
struct ddl server_ddl(const server_t *self, enum dialect dialect);

// Which fields the table that rows go to has. `missing`: the first one it has not (NULL: none); all
// of them are missing when there is no such table.
enum reply server_look(server_t *self, const struct table_form *form, struct block_form *out,
                       const char **missing, char why[static 200]);
// Whether the server tells rows apart by the table's key; where there is no such table, it will.
// Rows whose keys differ only in what an older table did not know would be taken for one.
enum reply server_has_key(server_t *self, const struct table_form *form, bool *out,
                          char why[static 200]);
// Whether the table that rows go to is there, and whether it has any.
enum reply server_has_table(server_t *self, const struct table_form *form, bool *out,
                            char why[static 200]);
enum reply server_has_rows(server_t *self, const struct table_form *form, bool *out,
                           char why[static 200]);
// The highest number of a row that it has; 0: none.
enum reply server_last(server_t *self, const struct table_form *form, uint64_t *last,
                       char why[static 200]);

// creates what is missing, and says so: exit status
int server_init(const struct server_settings *settings);
