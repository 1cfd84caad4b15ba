// slice - the keys the advisor owns.
// SPDX-License-Identifier: MIT
//
//   llm:decision:{decision_id}   hash    LlmDecision; expires when it is final
//   llm:open                     set     the decisions that are not final
//   llm:use                      hash    LlmUse: what was used up of the limits
#include "services/advisor/slice.h"

const char *const advisor_slice[] = {"llm:", NULL};
