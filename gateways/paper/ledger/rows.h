// rows - an order as a row of the books: one table of columns for the schema, for writing and for
// reading.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "gateways/paper/orders/order.h"
#include "gateways/paper/paper.h"

// CREATE TABLE orders … as the first version of the books had it
void rows_create(buffer_t *out);
// ALTER TABLE orders … from the version before to this one: 2, 3
void rows_grow(buffer_t *out, int version);
void rows_insert(buffer_t *out); // INSERT OR REPLACE INTO orders …
void rows_select(buffer_t *out); // SELECT every column FROM orders

err_t rows_write(sql_query_t *insert, const struct order *o);
// with its history, if the row has one
struct order *rows_read(sql_query_t *select, paper_t *paper);
