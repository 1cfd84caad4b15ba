// metrics - what was heard, in Prometheus' text format (0.0.4). Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include "alerts.h"
#include "common/base/buffer.h"
#include "common/domain/book.h"

// What the monitor shows: /metrics and /api/v1/status are drawn from it.
struct view {
    const struct watch *watch;
    const struct alerts *alerts;
    uint64_t mono_ns;
    uint64_t utc_ns;
    uint64_t silent_ns;
    const book_t *book; // the configuration; NULL: not looked at
};

void metrics_write(const struct view *view, buffer_t *out);
