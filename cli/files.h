// files - a whole file, or stdin, into memory.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/cli.h"
#include "common/base/buffer.h"

// "-" is stdin. False with errno: it cannot be read, or holds more than `most` bytes (EFBIG).
bool file_read(const char *path, size_t most, buffer_t *out);
// The same for a document: JSON as it is, YAML as the same in JSON. Not DONE: it has been said why.
enum outcome file_read_document(const char *path, size_t most, buffer_t *json);
