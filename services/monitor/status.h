// status - what was heard, as the JSON of /api/v1/status. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "metrics.h"

// "wrong":[…],"warnings":[…],"ready":… Returns whether it is. Warnings (common/domain/gaps.h) make
// nothing unready: they say what would not be traded.
bool troubles_write(const struct view *view, buffer_t *out);
void status_write(const struct view *view, buffer_t *out);
