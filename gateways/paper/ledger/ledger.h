// ledger - orders and accounts in the paper broker's books.
// SPDX-License-Identifier: MIT
#pragma once

#include "gateways/paper/paper.h"

// Tables: orders (one row per client order id, its fills packed in `history`), accounts.
books_schema_fn ledger_schema;
#define LEDGER_VERSIONS 3

struct ledger *ledger_open(paper_t *paper); // prepares; NULL: sql_trouble says why
void ledger_close(struct ledger **self);

err_t ledger_load(paper_t *paper); // accounts, live orders
// Everything touched. On an error nothing of it is written, and it may be called again.
err_t ledger_write(paper_t *paper);

// Reading while running. A disk that cannot be read stops the process (books_give_up).
struct order *ledger_order(paper_t *paper, const char *trade_id); // NULL: never seen
void ledger_history(paper_t *paper, struct order *o);
void ledger_totals(paper_t *paper, buffer_t *json); // of what is committed
