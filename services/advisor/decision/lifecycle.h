// lifecycle - what a decision may become: one table, one step. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "llm.pb-c.h"

enum decision_event {
    DECISION_APPROVED, // by a person
    DECISION_REFUSED,  // by a person
    DECISION_TIME_UP,  // nobody said anything
    DECISION_ACCEPTED, // by the door of signals
    DECISION_REJECTED, // by the door of signals
    DECISION_EVENTS,
};

// False: the table does not have this move, and nothing is changed.
bool decision_step(LlmDecision__State *state, enum decision_event event);
bool decision_is_open(LlmDecision__State state); // something can still become of it
