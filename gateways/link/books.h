// books - what a gateway never forgets: one SQLite file, written in one transaction a batch.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "gateways/link/link.h"

// The skeleton's tables: reports (those that are kept to be sent again), link (one row: where the
// link stands, the broker's configuration). A gateway adds its own, and reads and writes them
// itself.
typedef struct books books_t;

// Appends the statements that lead from the version before to this one (1: from nothing).
typedef void books_schema_fn(buffer_t *out, int version);

// Made when there is none. NULL: *why.
books_t *books_open(const char *path, books_schema_fn *schema, int versions, char why[static 200]);
void books_close(books_t **self);
sql_t *books_sql(books_t *self); // for statements of the gateway's own

// *config: NULL, or the caller's (broker_config__free_unpacked). False: *why.
bool books_load(books_t *self, uint64_t utc_ns, struct link_state *link, BrokerConfig **config,
                char why[static 200]);

// The batch's transaction, once a batch. Whoever reads begins it, too: a read alone would lock and
// unlock the file every time.
err_t books_begin(books_t *self);
err_t books_commit(books_t *self);
void books_leave(books_t *self); // nothing of it is written
// A disk that cannot be read leaves no safe answer (is it a second order?): the process stops.
_Noreturn void books_give_up(books_t *self);

err_t books_write_report(books_t *self, uint64_t number, uint64_t utc_ns, struct span report);
err_t books_write_link(books_t *self, const struct link_state *link);
err_t books_write_config(books_t *self, struct span packed);
// Reports that are acknowledged and older than that go; link->first is the oldest that is left.
err_t books_trim(books_t *self, uint64_t before_ns, struct link_state *link);
link_read_fn books_reports;
