// terms - terms for orders that a test makes by hand.
// SPDX-License-Identifier: MIT
#pragma once

#include "terms.pb-c.h"

// Those at the market, to be changed. One of a ring: they last for the next thousand calls.
static inline Terms *new_terms(void) {
    static Terms ring[1000];
    static unsigned next;
    Terms *terms = &ring[next++ % (sizeof ring / sizeof *ring)];
    *terms = (Terms)TERMS__INIT;
    return terms;
}
