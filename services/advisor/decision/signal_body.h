// signal_body - a decision as the signal that goes to the door. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "llm.pb-c.h"

// The same decision gives the same bytes, so that one that is sent again is recognised. Its id is
// decision_id; a market order and a close expire at expires_at, so that they are never late.
void signal_body_write(const LlmDecision *decision, buffer_t *out);
