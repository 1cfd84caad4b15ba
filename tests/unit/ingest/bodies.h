// bodies - reads bodies.tsv.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "world.h"

#define BODIES "tests/unit/ingest/bodies.tsv"

struct row {
    char format[16], field[80];
    unsigned status, line;
    const char *written; // the body as it stands in the file
    buffer_t body;
};

static inline unsigned hex_value(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static inline const char *unescape(const char *at, char stop, bool hex, buffer_t *out);

// "{N:text}"
static inline const char *repeat(const char *at, bool hex, buffer_t *out) {
    buffer_t piece = {0};
    char *text;
    unsigned long n = strtoul(at + 1, &text, 10);
    const char *end = unescape(text + 1, '}', hex, &piece);
    for (; n; n--) buffer_add(out, piece.data, piece.length);
    buffer_destroy(&piece);
    return end + 1;
}

static inline const char *unescape(const char *at, char stop, bool hex, buffer_t *out) {
    bool quoted = false;
    while (*at && (quoted || *at != stop)) {
        if (*at == '%' && at[1] == '{') {
            at = repeat(at + 1, hex, out);
        } else if (hex && *at == '"') {
            quoted = !quoted;
            at++;
        } else if ((hex && !quoted) || *at == '%') {
            at += *at == '%' || *at == ' ';
            if (hex && !quoted && (*at == '"' || *at == '%' || !*at || *at == stop || *at == ' '))
                continue;
            uint8_t byte = (uint8_t)(hex_value(at[0]) << 4 | hex_value(at[1]));
            buffer_add(out, &byte, 1);
            at += 2;
        } else {
            buffer_add(out, at++, 1);
        }
    }
    return at;
}

// Calls `visit` for each row; returns how many there were.
static inline unsigned each_body(void (*visit)(const struct row *row)) {
    static char line[65536];
    unsigned n = 0, number = 0;
    FILE *f = fopen(BODIES, "r");
    if (!f) fail_msg("%s: run from the top of the repository", BODIES);
    while (fgets(line, sizeof line, f)) {
        struct row row = {.line = ++number};
        line[strcspn(line, "\n")] = 0;
        if (*line == '#') continue;
        int used = 0;
        if (sscanf(line, "%15[^\t]\t%u\t%79[^\t]\t%n", row.format, &row.status, row.field, &used) !=
            3)
            fail_msg("%s:%u", BODIES, number);
        row.written = line + used;
        unescape(row.written, 0, strcmp(row.format, "msgpack") == 0, &row.body);
        visit(&row);
        buffer_destroy(&row.body);
        n++;
    }
    fclose(f);
    return n;
}
