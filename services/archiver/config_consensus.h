// config_consensus - what a consensus must be as a whole; what a field may be by itself is in config_fields.c. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config_document.h"

// `path`: of the row, for whoever must correct it: "sources[2]".
void config_check_consensus(const config_t *config, const SignalConfig *row, const char *path, struct complaints *to);
