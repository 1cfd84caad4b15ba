// query_performance - what a time amounted to, by day, account, broker, gateway, strategy or
// symbol, or in all.
// SPDX-License-Identifier: MIT
#pragma once

#include "archive.pb-c.h"
#include "common/base/buffer.h"
#include "common/sql/sql.h"

// {"rows":[{"by":"account","key":"anna","currency":"USD",…}]}, a row for each currency: the fields
// of AccountPerformance, percentiles over the whole time from the days' counts; a day counts when
// it begins in the time. max_drawdown is the deepest fall within one day, or from the highest to a
// later day's end. By strategy and symbol every trade of the time is read: orders by when they were
// ordered, without executions and their latencies. False: a sentence.
bool query_performance(sql_t *db, const ArchiveQuery *query, buffer_t *out);
