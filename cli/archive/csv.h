// csv - texts in CSV (RFC 4180), so that a spreadsheet takes none of them for a formula.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// In quotes. What a spreadsheet would calculate (it begins with = + - @, a tab or the end of a
// line; signals come from strangers), and what begins with ' itself, gets a ' in front: a reader
// takes one ' away.
void csv_text(buffer_t *out, const char *text);
// A number, a time, a name of ours: quoted only when it must be, and nothing in front.
void csv_value(buffer_t *out, const char *text);
