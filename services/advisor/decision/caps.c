// caps - how much may be done without a person, and what a model may cost.
// SPDX-License-Identifier: MIT
#include "services/advisor/decision/caps.h"

#include "common/base/clock.h"

#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS  (24 * HOUR_NS)

// A clock that was set back gives nothing back: the later hour goes on.
void caps_turn(LlmUse *use, uint64_t now) {
    uint64_t hour = now - now % HOUR_NS, day = now - now % DAY_NS;
    if (hour > use->hour) {
        use->hour = hour;
        use->calls_hour = use->decisions_hour = 0;
    }
    if (day > use->day) {
        use->day = day;
        use->decisions_day = 0;
        use->tokens_day = 0;
    }
}

bool caps_count_decision(LlmUse *use, const struct caps *caps, const char **why) {
    *why = use->decisions_hour >= caps->decisions_hour ? "this hour's limit of decisions is reached"
           : use->decisions_day >= caps->decisions_day ? "this day's limit of decisions is reached"
                                                       : NULL;
    if (*why) return false;
    use->decisions_hour++;
    use->decisions_day++;
    return true;
}

bool caps_count_call(LlmUse *use, const struct caps *caps, const char **why) {
    *why = use->calls_hour >= caps->calls_hour   ? "this hour's limit of questions is reached"
           : use->tokens_day >= caps->tokens_day ? "this day's limit of tokens is reached"
                                                 : NULL;
    if (*why) return false;
    use->calls_hour++;
    return true;
}

void caps_count_tokens(LlmUse *use, uint64_t tokens) {
    if (__builtin_add_overflow(use->tokens_day, tokens, &use->tokens_day))
        use->tokens_day = UINT64_MAX;
}
