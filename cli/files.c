// files - a whole file, or stdin, into memory.
// SPDX-License-Identifier: MIT
#include "cli/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/yaml.h"

static bool read_all(FILE *f, size_t most, buffer_t *out) {
    for (size_t n = 1; n > 0 && out->length <= most; out->length += n)
        n = fread(buffer_reserve(out, 65536), 1, 65536, f);
    if (ferror(f)) return false;
    errno = EFBIG;
    return out->length <= most;
}

bool file_read(const char *path, size_t most, buffer_t *out) {
    if (strcmp(path, "-") == 0) return read_all(stdin, most, out);
    FILE *f = fopen(path, "re");
    if (!f) return false;
    bool done = read_all(f, most, out);
    int why = errno;
    fclose(f);
    errno = why;
    return done;
}

enum outcome file_read_document(const char *path, size_t most, buffer_t *json) {
    char wrong[240];
    buffer_t read = {0};
    if (!file_read(path, most, json))
        return complain_of_call(WRONG_USE, "%s: %s", path, strerror(errno));
    const char *text = buffer_string(json);
    if (text[strspn(text, " \t\r\n")] == '{') return DONE;
    bool good = yaml_to_json(buffer_span(json), &read, wrong);
    buffer_destroy(good ? json : &read);
    if (!good) return complain_of_call(ANSWER_NO, "%s: neither JSON nor YAML: %s", path, wrong);
    *json = read;
    return DONE;
}
