// clean - text from outside as plain text.
// SPDX-License-Identifier: MIT
#include "services/advisor/package/clean.h"

#include "common/base/utf8.h"

// By these a text can carry words that no person who looks at it sees.
static const struct {
    uint32_t from, to;
} hidden[] = {
    {0x00AD, 0x00AD},   // soft hyphen
    {0x034F, 0x034F},   // grapheme joiner
    {0x115F, 0x1160},   // Hangul fillers
    {0x17B4, 0x17B5},   // Khmer inherent vowels
    {0x180B, 0x180F},   // Mongolian selectors
    {0x200B, 0x200D},   // zero-width space and joiners
    {0x2060, 0x2064},   // word joiner, invisible operators
    {0x206A, 0x206F},   // deprecated formats
    {0x3164, 0x3164},   // Hangul filler
    {0xFE00, 0xFE0F},   // variation selectors
    {0xFEFF, 0xFEFF},   // byte order mark
    {0xFFF0, 0xFFFB},   // specials
    {0xE0000, 0xE0FFF}, // tags and more selectors
};

static bool is_hidden(uint32_t code) {
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        if (code >= hidden[i].from && code <= hidden[i].to) return true;
    }
    return false;
}

bool clean_text(struct span text, size_t most, buffer_t *out) {
    const char *at = text.data;
    size_t left = text.length, characters = 0;
    bool gap = false; // a blank is due before the next character
    for (size_t n; left; at += n, left -= n) {
        n = utf8_length(at, left);
        if (!n) {
            n = 1;
            continue;
        }
        if (is_hidden(utf8_code(at, n))) continue;
        if (*at == ' ' || !utf8_is_visible(at, n)) {
            gap = characters > 0;
            continue;
        }
        if (characters + gap >= most) {
            buffer_text(out, "…");
            return true;
        }
        if (gap) buffer_text(out, " ");
        buffer_add(out, at, n);
        characters += 1 + gap;
        gap = false;
    }
    return false;
}
