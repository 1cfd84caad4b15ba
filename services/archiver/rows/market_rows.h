// market_rows - market data of days long past is removed: bars and documents, which nothing else in
// the archive depends on and no chain covers.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"

typedef struct market_rows market_rows_t;

// `days`: what its own time says is older goes. NULL: a statement does not fit the tables (it is
// logged).
market_rows_t *market_rows_new(sql_t *db, int64_t days);
void market_rows_destroy(market_rows_t **self);
// Once a minute, or at every call while there is more: some hundred rows of each table, in a
// transaction of its own. `mono` and `now` in ns.
err_t market_rows_retire(market_rows_t *self, uint64_t now, uint64_t mono);
