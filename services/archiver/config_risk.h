// config_risk - what risk rules must be as a whole; what a field may be by itself is in config_fields.c. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config_document.h"

// `path`: of the rules, for whoever must correct them: "accounts[2].risk". `in_preset`: they are a preset's own. NULL is right.
void config_check_risk(const config_t *config, const RiskRules *rules, const char *path, bool in_preset, struct complaints *to);
