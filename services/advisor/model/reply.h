// reply - what an OpenAI-compatible endpoint answered: the decision's text in it, or why there is
// none. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/buffer.h"

#define REPLY_WHY 300

struct model_reply {
    const char *content; // what the model wrote; NULL: there is none, and `why` says why
    const char *model;   // that says it answered; NULL: it does not say
    uint64_t tokens;     // as it says that question and answer cost; 0: it does not say
    char why[REPLY_WHY];
};

// status 0: there was no whole answer, and trouble says why. Texts are in the arena.
void reply_read(unsigned status, const char *trouble, struct span body, arena_t *arena,
                struct model_reply *out);
