// words - what a decision says, for people.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "order.pb-c.h"

// Its detail; where it has none, its numbers: "age_s 61; max_signal_age_s 60". Cleaned for a
// terminal; nothing when there is neither.
void decision_words(const Decision *decision, buffer_t *out);
