// books - what this broker never forgets: one SQLite file, written in one transaction a batch.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/paper/paper.h"

// Tables: orders (one row per client order id, its fills packed in `history`), accounts, reports (the outbox), link (one row).
books_t *books_open(const char *path, char why[static 200]); // made when there is none
void books_close(books_t **self);

err_t books_load(paper_t *paper, char why[static 200]); // accounts, live orders, link, the broker's configuration
// Everything touched, in one transaction. On an error nothing of it is written, and it may be called again.
err_t books_write(paper_t *paper);
void books_leave(paper_t *paper); // the batch has nothing to write

// Reading while running. A disk that cannot be read leaves no safe answer (is it a second order?): the process stops.
struct order *books_order(paper_t *paper, const char *trade_id); // NULL: never seen
void books_history(paper_t *paper, struct order *o);
err_t books_reports(void *arg, uint64_t after, unsigned limit, link_visit_fn *visit, void *visitor); // a link_read_fn
void books_ledger(paper_t *paper, buffer_t *json);                                                   // totals of what is committed
