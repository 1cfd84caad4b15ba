// config_schema - the JSON Schema of a configuration: from the message descriptors and the table of
// rules, so that neither is written twice.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"

// Draft 2020-12. Rules that rows have with each other are not in it. deploy/reference adds the
// fields' descriptions from the .proto.
void config_schema(buffer_t *out);
