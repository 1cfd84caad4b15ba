// verify - what the checks of an archive share. What is wrong goes into the findings.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/place.h"
#include "cli/text.h"

#define FINDINGS_SHOWN 200 // more are counted

struct findings {
    struct sheet sheet; // WRONG|WHERE|ID|WHEN|WHAT
    uint64_t wrong;
};

// `wrong` in a word, `where` a table, a topic or the file; NULL: nothing to say there.
struct finding_row {
    const char *wrong, *where, *id, *at, *text;
};
void findings_add(struct findings *self, const struct finding_row *row);

// Each in words what it looked at, or why it could not.
// integrity_check, foreign keys
enum outcome verify_file(sql_t *db, struct findings *out);
// each signal's SHA-256
enum outcome verify_signals(sql_t *db, struct findings *out, uint64_t *n);
// each line of an audit log, compressed or not; WHERE is "line n"
enum outcome verify_log(const char *path, struct findings *out, uint64_t *lines);
// against Redis, when it is up
enum outcome verify_positions(const struct place *place, sql_t *db, struct findings *out,
                              buffer_t *said);
