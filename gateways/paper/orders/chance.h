// chance - what befalls an order, told by seed, client order id and number of its acceptance alone:
// arrival order changes nothing.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Each kind of question has a stream of its own, so that asking one more changes no other answer.
enum question {
    ASK_TICKET,
    ASK_REJECT,
    ASK_REQUOTE,
    ASK_LATENCY,
    ASK_PARTIAL,
    ASK_PIECES,
    ASK_PIECE,
    ASK_SLIPPAGE,
    ASK_LOST
};

struct chance {
    int64_t seed;
    const char *trade_id;
    uint32_t acceptance; // 1 for the first; the ticket is asked with 0
};

// 64 even bits
uint64_t chance_number(const struct chance *c, enum question question, uint32_t index);
// 0..most
uint64_t chance_up_to(const struct chance *c, enum question question, uint32_t index,
                      uint64_t most);
bool chance_happens(const struct chance *c, enum question question, int64_t probability_e8);
