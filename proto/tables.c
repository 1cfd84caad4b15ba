// tables - the archive's tables as data.
// SPDX-License-Identifier: MIT
#include "proto/tables.h"

#include "archive.pb-c.h"
#include "config.pb-c.h"
#include "execution.pb-c.h"
#include "llm.pb-c.h"
#include "market.pb-c.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "signal.pb-c.h"
#include "system.pb-c.h"

#define TABLE_FORM(name, type, key, meeting, copying, extra)                                       \
    [TABLE_##name] = {#name, &type##__descriptor, key, meeting, copying, extra},
const struct table_form table_forms[TABLE_COUNT] = {TABLES(TABLE_FORM)};
#undef TABLE_FORM
