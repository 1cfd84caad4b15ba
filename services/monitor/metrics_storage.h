// metrics_storage - how soon signals were on record, as a histogram in Prometheus' text format.
// SPDX-License-Identifier: MIT
#pragma once

#include "watch.h"

// Both families, for each service that says it (the archiver). Service names need no escaping.
void metrics_storage_write(const struct watch *watch, buffer_t *out);
