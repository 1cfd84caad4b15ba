// clean - text from outside as plain text: what nobody sees is taken out, and it has an end. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// Appends at most `most` characters of `text`, and "…" where more was there. Bytes that are no
// UTF-8, and characters that a reader does not see but a model may (zero-width ones, tags,
// variation selectors), are left out; controls, ends of lines and marks of direction become one
// blank. Returns whether it was cut.
bool clean_text(struct span text, size_t most, buffer_t *out);
