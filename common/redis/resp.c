// resp - commands as Redis reads them.
// SPDX-License-Identifier: MIT
#include "common/redis/resp.h"

#include <string.h>

#include "common/base/integer.h"

void resp_count(buffer_t *b, char kind, size_t n) {
    char *at = (char *)buffer_reserve(b, 24);
    at[0] = kind;
    size_t length = 1 + integer_print(n, at + 1);
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
