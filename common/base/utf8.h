// utf8 - what a text may be: well-formed, without what makes it look like something else.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Length of the well-formed character that begins at `text`, of which `left` (> 0) bytes are there
// (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF); 0: none begins there.
size_t utf8_length(const char *text, size_t left);
bool utf8_is_valid(const char *text, size_t length);

uint32_t utf8_code(const char *character, size_t length); // of a well-formed one

// Whether the character of `length` bytes is one that a reader sees. Not: controls (C0, DELETE,
// C1), ends of lines (U+2028, U+2029), and the marks that turn the direction of what follows
// (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), by which "abc" can be made to read
// "cba".
bool utf8_is_visible(const char *character, size_t length);

// Well-formed, and every character is visible, or one of `others` (ASCII).
bool utf8_is_plain(const char *text, const char *others);

// Whether every \u escape of a JSON text names a character and not half of one (a surrogate alone),
// which parsers read as '?'.
bool utf8_escapes_are_whole(const char *json, size_t length);
