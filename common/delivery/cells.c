// cells - this cell's name and the others that its signals are handed to.
// SPDX-License-Identifier: MIT
#include "common/delivery/cells.h"

#include <stdio.h>
#include <string.h>

// One installation a process.
static struct {
    char own[CELL_TEXT], others[CELLS_MAX][CELL_TEXT];
    size_t n;
} cells;

static bool is_cell_gap(char c) { return c == ' ' || c == ',' || c == '\t' || c == '\n'; }

static bool is_name(const char *text, size_t length) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (!length || length >= CELL_TEXT || *text == '-') return false;
    for (size_t i = 0; i < length; i++) {
        if (!text[i] || !strchr(allowed, text[i])) return false;
    }
    return true;
}

const char *cell_own(void) { return *cells.own ? cells.own : NULL; }
size_t cells_count(void) { return cells.n; }
const char *cell_at(size_t i) { return i < cells.n ? cells.others[i] : NULL; }

bool cell_find(const char *name, size_t *i) {
    for (*i = 0; *i < cells.n; ++*i) {
        if (strcmp(cells.others[*i], name) == 0) return true;
    }
    return false;
}

// Why a name cannot be added; NULL: it can.
static const char *add_cell_name(const char *text, size_t length) {
    char name[CELL_TEXT];
    size_t i;
    if (!is_name(text, length))
        return "is not a name of 1 to 24 lower-case letters, digits and '-'";
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    if (strcmp(name, cells.own) == 0) return "is this cell itself (TRADECAST_CELL)";
    if (cell_find(name, &i)) return "is there twice";
    if (cells.n == CELLS_MAX) return "is one more than there may be (16)";
    memcpy(cells.others[cells.n++], name, sizeof name);
    return NULL;
}

static bool refuse_cells(char wrong[static 256], const char *variable, const char *text,
                         size_t length, const char *why) {
    cells.n = 0;
    *cells.own = 0;
    snprintf(wrong, 256, "%s: \"%.*s\" %s", variable, (int)(length > 60 ? 60 : length), text, why);
    return false;
}

bool cells_set(const char *own, const char *others, char wrong[static 256]) {
    cells.n = 0;
    *cells.own = 0;
    if (own && *own && !is_name(own, strlen(own)))
        return refuse_cells(wrong, "TRADECAST_CELL", own, strlen(own),
                            "is not a name of 1 to 24 lower-case letters, digits and '-'");
    if (own) snprintf(cells.own, sizeof cells.own, "%s", own);
    for (size_t length; others && *others; others += length) {
        while (is_cell_gap(*others)) others++;
        for (length = 0; others[length] && !is_cell_gap(others[length]);) length++;
        const char *why = length ? add_cell_name(others, length) : NULL;
        if (why) return refuse_cells(wrong, "TRADECAST_CELLS", others, length, why);
    }
    if (!cells.n || *cells.own) return true;
    return refuse_cells(wrong, "TRADECAST_CELL", "", 0,
                        "must name this cell when TRADECAST_CELLS names others");
}
