// prompt - what a model is told: in the question of the client, and as MCP's prompt. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// Grows with every change of the text: a decision says by which it was made.
#define PROMPT_VERSION "1"

extern const char prompt_instructions[];
