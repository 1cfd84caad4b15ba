// terms - terms for orders that a test makes by hand, and what is amended of them.
// SPDX-License-Identifier: MIT
#pragma once

#include "terms.pb-c.h"

// One of a ring: they last for the next thousand calls.
#define RING_OF(type, name, init)                                                                  \
    static inline type *name(void) {                                                               \
        static type ring[1000];                                                                    \
        static unsigned next;                                                                      \
        type *one = &ring[next++ % (sizeof ring / sizeof *ring)];                                  \
        *one = (type)init;                                                                         \
        return one;                                                                                \
    }

RING_OF(Terms, new_terms, TERMS__INIT) // those at the market, to be changed
RING_OF(Amendment, new_amendment, AMENDMENT__INIT)
RING_OF(Trailing, new_trailing, TRAILING__INIT)
