// slice - the keys the advisor owns.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch.h"
#include "common/redis/store.h"

extern const char *const advisor_slice[];
