// csv - texts in CSV (RFC 4180), so that a spreadsheet takes none of them for a formula.
// SPDX-License-Identifier: MIT
#include "cli/archive/csv.h"

#include <string.h>

static void add_csv_quoted(buffer_t *out, const char *text) {
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        buffer_add(out, text, (size_t)(quote - text));
        buffer_text(out, "\"\"");
    }
    buffer_text(out, text);
}

void csv_text(buffer_t *out, const char *text) {
    buffer_text(out, *text && strchr("=+-@\t\r\n'", *text) ? "\"'" : "\"");
    add_csv_quoted(out, text);
    buffer_text(out, "\"");
}

void csv_value(buffer_t *out, const char *text) {
    if (!strpbrk(text, "\",\r\n")) return buffer_text(out, text);
    buffer_text(out, "\"");
    add_csv_quoted(out, text);
    buffer_text(out, "\"");
}
