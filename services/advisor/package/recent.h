// recent - the packages given out lately: what a decision may name.
// SPDX-License-Identifier: MIT
#pragma once

#include "services/advisor/package/package.h"

#define RECENT_MOST 128

// In memory only: after a restart a model reads a new package. The oldest goes when there are
// RECENT_MOST.
struct recent_packages {
    struct package packages[RECENT_MOST];
    size_t next; // where the next one goes
};

void recent_add(struct recent_packages *self, struct package *package); // takes it over
// NULL: it was not given out, or too many were since then
const struct package *recent_find(const struct recent_packages *self, const char *package_id);
void recent_free(struct recent_packages *self);
