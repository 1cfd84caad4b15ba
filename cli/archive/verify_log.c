// verify_log - whether each line of an audit log is the signal that was hashed.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "cli/archive/verify.h"
#include "common/base/own.h"
#include "common/schema/record.h"
#include "services/archiver/rows/signals.h"

#define LINE_FULL (1 << 20) // bytes; the door takes far smaller bodies

static void close_log(gzFile *file) {
    if (*file) gzclose(*file);
}

// A line that is read: its nine columns against its sha256.
static void check_line(struct findings *out, const SignalRow *row, const char *line_number) {
    char right[SHA256_TEXT];
    signal_sha256(row, right);
    if (strcmp(row->sha256, right) == 0) return;
    findings_add(out, &(struct finding_row){"sha256", line_number, row->signal_id, NULL,
                                            "what it says is not what sha256 was taken over"});
}

// False: the file ends. A line without its end was not written whole.
static bool read_log_line(gzFile file, buffer_t *line) {
    char piece[4096];
    buffer_clear(line);
    while (line->length < LINE_FULL && gzgets(file, piece, sizeof piece)) {
        buffer_text(line, piece);
        if (line->data[line->length - 1] == '\n') return true;
    }
    return line->length > 0;
}

static void read_and_check(struct findings *out, arena_t *arena, const buffer_t *line,
                           uint64_t number) {
    char where[40];
    struct fault fault;
    ProtobufCMessage *m;
    snprintf(where, sizeof where, "line %llu", (unsigned long long)number);
    if (line->data[line->length - 1] != '\n') {
        findings_add(out, &(struct finding_row){"torn", where, NULL, NULL, "it has no end"});
    } else if (record_from_json(&signal_row__descriptor, (const char *)line->data, line->length, "",
                                arena, &m, &fault)) {
        char text[sizeof fault.path + sizeof fault.rule + 2];
        snprintf(text, sizeof text, "%s %s", fault.path, fault.rule);
        findings_add(out, &(struct finding_row){"unreadable", where, NULL, NULL, text});
    } else {
        check_line(out, (const SignalRow *)m, where);
    }
}

enum outcome verify_log(const char *path, struct findings *out, uint64_t *lines) {
    __attribute__((cleanup(close_log))) gzFile file = gzopen(path, "rb");
    own(arena) *arena = arena_new(0);
    own(buffer) line = {0};
    int trouble = Z_OK;
    *lines = 0;
    if (!file) return complain_of_call(NO_REACH, "%s cannot be read", path);
    while (read_log_line(file, &line)) {
        arena_reset(arena);
        read_and_check(out, arena, &line, ++*lines);
    }
    const char *why = gzerror(file, &trouble);
    if (trouble != Z_OK && trouble != Z_STREAM_END && trouble != Z_BUF_ERROR)
        return complain_of_call(NO_REACH, "%s cannot be read to its end: %s", path, why);
    return DONE;
}
