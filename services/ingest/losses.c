// losses - what may be forgotten comes again under the id that it had.
// SPDX-License-Identifier: MIT
#include "services/ingest/losses.h"

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

// Where the first `n` losses put what came at `then`: after each of them everything that was not
// remembered was taken for what it had lost, and what the next one lost may have been among that.
static uint64_t place_of_lost(const struct losses *self, size_t n, uint64_t then, uint64_t width) {
    for (size_t i = 0; i < n; i++) {
        if (then < self->from[i] + width)
            return place_of_lost(self, i, losses_middle(self, i), width);
    }
    return then;
}

bool losses_place(const struct losses *self, uint64_t now, uint64_t width, uint64_t *at) {
    *at = now;
    if (!width) return true;
    for (size_t i = 0; i < self->n; i++) {
        if (now < self->from[i] + width) break; // all that it took is within the window
        if (now < self->from[i] + width + LOSS_SPAN) return false;
    }
    *at = place_of_lost(self, self->n, now, width);
    return true;
}
