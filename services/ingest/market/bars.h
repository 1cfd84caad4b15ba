// bars - prices of a symbol become bars of one length, each once it is over. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

// How long after its end a bar waits for a price that was on its way.
#define BAR_WAIT_NS UINT64_C(1000000000)

// The bar that is open; prices == 0: none is.
struct open_bar {
    uint64_t opened_at;             // UTC ns
    int64_t open, high, low, close; // e8
    uint32_t prices;
};

// One price more, not older than the one before. True: a bar is over with it, and in *closed. A
// price of a bar that is over (`closed_until`, UTC ns) is in none.
bool bar_add(struct open_bar *self, uint64_t length_ns, uint64_t closed_until, int64_t last,
             uint64_t timestamp, struct open_bar *closed);
// True: by the clock the bar is over; it is in *closed, and none is open.
bool bar_is_due(struct open_bar *self, uint64_t length_ns, uint64_t now, struct open_bar *closed);
