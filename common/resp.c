// resp - commands as Redis reads them.
// SPDX-License-Identifier: MIT
#include "common/resp.h"

#include <string.h>

void resp_count(buffer_t *b, char kind, size_t n) {
    char *at = (char *)buffer_reserve(b, 24);
    char digits[20];
    size_t used = 0, length = 0;
    do digits[used++] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    at[length++] = kind;
    while (used) at[length++] = digits[--used];
    at[length++] = '\r';
    at[length++] = '\n';
    b->length += length;
}

void resp_bulk(buffer_t *b, struct span s) {
    resp_count(b, '$', s.length);
    uint8_t *at = buffer_reserve(b, s.length + 2);
    if (s.length) memcpy(at, s.data, s.length);
    memcpy(at + s.length, "\r\n", 2);
    b->length += s.length + 2;
}
