// files - a whole file, or stdin, into memory.
// SPDX-License-Identifier: MIT
#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool read_all(FILE *f, size_t most, buffer_t *out) {
    for (size_t n = 1; n > 0 && out->length <= most; out->length += n) n = fread(buffer_reserve(out, 65536), 1, 65536, f);
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
