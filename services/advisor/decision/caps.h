// caps - how much may be done without a person, and what a model may cost: by UTC hour and day.
// Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "llm.pb-c.h"

struct caps {
    uint32_t decisions_hour, decisions_day; // that become signals without a person
    uint32_t calls_hour;                    // questions to the model
    uint64_t tokens_day;
};

void caps_turn(LlmUse *use, uint64_t now_utc_ns); // begins the hour, the day, anew when it is time
// One more of each; false: *why says which limit is reached, and nothing is counted.
bool caps_count_decision(LlmUse *use, const struct caps *caps, const char **why);
bool caps_count_call(LlmUse *use, const struct caps *caps, const char **why);
void caps_count_tokens(LlmUse *use, uint64_t tokens);
