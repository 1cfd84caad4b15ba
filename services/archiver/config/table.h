// config_table - the configuration in SQLite: the truth, read at start, and what Redis must be told
// of it.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "services/archiver/config/config.h"

err_t config_table_load(sql_t *db, config_t *out);
// Changes after `version`, oldest first, in the arena.
err_t config_table_changes(sql_t *db, uint64_t version, arena_t *arena, ConfigChange ***out,
                           size_t *n);
