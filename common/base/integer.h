// integer - a whole number as text.
// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INTEGER_TEXT 21 // of 64 bits, and the zero at its end

// In decimal; returns the length. It is written many times in each message, so it is not printf's.
static inline size_t integer_print(uint64_t value, char *out) {
    char reversed[INTEGER_TEXT];
    size_t n = 0;
    do reversed[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    for (size_t i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
    out[n] = 0;
    return n;
}
