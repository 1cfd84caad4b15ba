// question - what a model is asked, in the form of OpenAI-compatible chat completions. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

struct question_form {
    const char *model;
    struct span package;   // JSON text
    int64_t answer_tokens; // most of the answer
};

// The answer is asked for as JSON by the schema of a decision (response_format).
void question_write(const struct question_form *form, buffer_t *out);
