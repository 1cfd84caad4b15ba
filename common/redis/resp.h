// resp - commands as Redis reads them (RESP2).
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

void resp_count(buffer_t *out, char kind, size_t n); // "*3\r\n"
void resp_bulk(buffer_t *out, struct span s);        // "$3\r\nabc\r\n"
