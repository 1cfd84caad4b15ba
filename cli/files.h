// files - a whole file, or stdin, into memory.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/buffer.h"

// "-" is stdin. False with errno: it cannot be read, or holds more than `most` bytes (EFBIG).
bool file_read(const char *path, size_t most, buffer_t *out);
