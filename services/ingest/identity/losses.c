// losses - what may be forgotten comes again under the id that it had.
// SPDX-License-Identifier: MIT
#include "services/ingest/identity/losses.h"

#include <string.h>

#define MIDDLE NS_PER_S // the last stored time is up to a second before the first that was lost

void losses_add(struct losses *self, uint64_t from) {
    if (self->n && self->from[self->n - 1] >= from) return;
    if (self->n == LOSSES_MAX) {
        self->n--;
        memmove(self->from, self->from + 1, self->n * sizeof *self->from);
    }
    self->from[self->n++] = from;
}

uint64_t losses_middle(const struct losses *self, size_t i) { return self->from[i] + MIDDLE; }

// The oldest that counts decides: so a loss after it changes no id that was given since.
bool losses_place(const struct losses *self, uint64_t now, uint64_t width, uint64_t *at) {
    *at = now;
    for (size_t i = 0; width && i < self->n; i++) {
        if (now < self->from[i] + width) { // all that it took is within the window
            *at = losses_middle(self, i);
            return true;
        }
        if (now < self->from[i] + width + LOSS_SPAN) return false;
    }
    return true;
}
