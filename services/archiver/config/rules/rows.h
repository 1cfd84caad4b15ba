// config_rules - what a row must be as a whole; what a field may be by itself is in
// config_fields.c.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/archiver/config/document.h"

// A row, or a part of one, that is looked at.
struct config_check {
    const config_t *config; // it is to be part of
    struct complaints *to;
    const char *path; // "accounts[2]", "accounts[2].risk"
};

// Complains of a part of it.
void config_wrong(const struct config_check *c, const char *part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// config_risk.c; `in_preset`: they are a preset's own. NULL is right.
void config_check_risk(const struct config_check *c, const RiskRules *rules, bool in_preset);
void config_check_sizing(const struct config_check *c, const Subscription *s); // config_sizing.c
void config_check_consensus(const struct config_check *c, const SignalConfig *row); // of a source
