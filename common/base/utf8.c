// utf8 - what a text may be: well-formed, without what makes it look like something else.
// SPDX-License-Identifier: MIT
#include "common/base/utf8.h"

#include <string.h>

size_t utf8_length(const char *text, size_t left) {
    const uint8_t *s = (const uint8_t *)text;
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
               : (s[0] & 0xF0) == 0xE0        ? 3
               : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                              : 0;
    if (!n || n > left) return 0;
    uint8_t low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    uint8_t high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
    }
    return n;
}

bool utf8_is_valid(const char *text, size_t length) {
    for (size_t i = 0, n; i < length; i += n) {
        n = utf8_length(text + i, length - i);
        if (!n) return false;
    }
    return true;
}

uint32_t utf8_code(const char *character, size_t length) {
    const uint8_t *s = (const uint8_t *)character;
    if (length == 1) return s[0];
    uint32_t code = s[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) code = code << 6 | (s[i] & 0x3Fu);
    return code;
}

bool utf8_is_visible(const char *character, size_t length) {
    static const struct {
        uint32_t from, to;
    } unseen[] = {{0, 0x1F},        {0x7F, 0x9F},     {0x61C, 0x61C},
                  {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
    uint32_t code = utf8_code(character, length);
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
        if (code >= unseen[i].from && code <= unseen[i].to) return false;
    }
    return true;
}

bool utf8_is_plain(const char *text, const char *others) {
    size_t length = strlen(text);
    for (size_t i = 0, n; i < length; i += n) {
        n = utf8_length(text + i, length - i);
        if (!n || (!utf8_is_visible(text + i, n) && !(n == 1 && strchr(others, text[i]))))
            return false;
    }
    return true;
}

static int hex_digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Of the escape \uXXXX at `at`; -1: there is none.
static int32_t escaped_unit(const char *at, size_t left) {
    int32_t unit = 0;
    if (left < 6 || at[0] != '\\' || at[1] != 'u') return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit_value(at[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_first_half(int32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
static bool is_second_half(int32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

bool utf8_escapes_are_whole(const char *json, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (json[i] != '\\') continue;
        int32_t unit = escaped_unit(json + i, length - i);
        if (is_second_half(unit)) return false;
        if (is_first_half(unit)) {
            if (length - i < 6 || !is_second_half(escaped_unit(json + i + 6, length - i - 6)))
                return false;
            i += 10;
        }
        i++; // what is escaped escapes nothing itself
    }
    return true;
}
