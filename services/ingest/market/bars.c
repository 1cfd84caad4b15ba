// bars - a bar begins at a multiple of its length, and is over with the first price behind it, or by
// the clock.
// SPDX-License-Identifier: MIT
#include "services/ingest/market/bars.h"

bool bar_add(struct open_bar *self, uint64_t length_ns, uint64_t closed_until, int64_t last,
             uint64_t timestamp, struct open_bar *closed) {
    const uint64_t opened_at = timestamp - timestamp % length_ns;
    bool over = self->prices && self->opened_at < opened_at;
    if (over) {
        *closed = *self;
        *self = (struct open_bar){0};
    }
    if (opened_at < closed_until) return over;
    if (!self->prices)
        *self = (struct open_bar){.opened_at = opened_at, .open = last, .high = last, .low = last};
    if (last > self->high) self->high = last;
    if (last < self->low) self->low = last;
    self->close = last;
    self->prices += self->prices < UINT32_MAX;
    return over;
}

bool bar_is_due(struct open_bar *self, uint64_t length_ns, uint64_t now, struct open_bar *closed) {
    if (!self->prices || now < self->opened_at + length_ns + BAR_WAIT_NS) return false;
    *closed = *self;
    *self = (struct open_bar){0};
    return true;
}
