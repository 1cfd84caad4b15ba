// lifecycle - what a decision may become.
// SPDX-License-Identifier: MIT
#include "services/advisor/decision/lifecycle.h"

#include <stddef.h>

static const struct {
    LlmDecision__State from;
    enum decision_event event;
    LlmDecision__State to;
} moves[] = {
    {LLM_DECISION__STATE__proposed, DECISION_APPROVED, LLM_DECISION__STATE__submitting},
    {LLM_DECISION__STATE__proposed, DECISION_REFUSED, LLM_DECISION__STATE__refused},
    {LLM_DECISION__STATE__proposed, DECISION_TIME_UP, LLM_DECISION__STATE__expired},
    {LLM_DECISION__STATE__submitting, DECISION_ACCEPTED, LLM_DECISION__STATE__accepted},
    {LLM_DECISION__STATE__submitting, DECISION_REJECTED, LLM_DECISION__STATE__rejected},
};
#define MOVES (sizeof moves / sizeof *moves)

bool decision_step(LlmDecision__State *state, enum decision_event event) {
    for (size_t i = 0; i < MOVES; i++) {
        if (moves[i].from != *state || moves[i].event != event) continue;
        *state = moves[i].to;
        return true;
    }
    return false;
}

bool decision_is_open(LlmDecision__State state) {
    for (size_t i = 0; i < MOVES; i++) {
        if (moves[i].from == state) return true;
    }
    return false;
}
