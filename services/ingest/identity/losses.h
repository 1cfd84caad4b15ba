// losses - the times whose alerts may have been lost, and when an alert that comes again came first. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"

// A loss: Redis and the door died together, and what came after `from`, the last time that the
// store still has, is forgotten. The time is stored every second, and Redis forgets up to 2 s: with
// one more to be sure, nothing that came later than LOSS_SPAN after `from` is.
#define LOSS_SPAN  (4 * NS_PER_S)
#define LOSSES_MAX 8

struct losses {
    uint64_t from[LOSSES_MAX]; // identity time (identity.h), the oldest first
    size_t n;
};

// The oldest leaves when there are too many. What was noted already changes nothing.
void losses_add(struct losses *self, uint64_t from);

// Around when most of what a loss took had come.
uint64_t losses_middle(const struct losses *self, size_t i);

// Content that nobody remembers comes at `now`, and equal content counts as a resend for `width` ns
// (0: never). True: *at is the time whose bucket gives it its id. That is `now`, or when it would
// first have come if it was forgotten: so it gets the id that it had. False: within LOSS_SPAN of
// the end of a window nobody can tell a resend of what was forgotten from the next signal.
bool losses_place(const struct losses *self, uint64_t now, uint64_t width, uint64_t *at);
