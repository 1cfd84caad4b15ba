// fuzz - what the targets share.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A property of the parser that must hold for every input.
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) abort();                                                                 \
    } while (0)
