// config_history - what the table config_change tells: every version, what it changed, and the
// configuration as it was.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "services/archiver/config/config.h"

// The last `most` versions with what each changed, the newest first.
err_t config_history_read(sql_t *db, size_t most, arena_t *arena, ConfigHistory **out);
// The configuration as of a version; the caller destroys it. NULL with ERR_OK: `why` says that it
// cannot be known.
err_t config_history_at(sql_t *db, uint64_t version, config_t **out, char why[static 200]);
