// config_removal - what a change of the configuration would take away that is still needed.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/sql/sql.h"
#include "services/archiver/config/config.h"

// Whether the change may be made without being forced. False: `why` names each account that would
// go although the archive knows of open trades on it, or says that nothing at all would be left. A
// trade is open until it is final and its position closed.
bool removal_may(sql_t *db, ConfigChange *const *changes, size_t n, const config_t *wanted,
                 buffer_t *why);
