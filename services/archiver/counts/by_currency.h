// by_currency - performance tables of an earlier version, which had one row for amounts of several
// currencies, get a row for each.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"

// At start, once all columns are there. A row of one currency stays as it is. One of several
// ("mixed") is counted again from the rows of its accounts, as they are configured; where those do
// not add up to it, because an account is gone, it stays as it is, under that name, and no answer
// adds it to another. In one transaction a table.
err_t by_currency_prepare(sql_t *db);
