// chance - what befalls an order, told by seed and client order id.
// SPDX-License-Identifier: MIT
#include "gateways/paper/orders/chance.h"

#include <sodium.h>
#include <string.h>

#include "common/base/decimal.h"

uint64_t chance_number(const struct chance *c, enum question question, uint32_t index) {
    uint8_t key[crypto_shorthash_KEYBYTES] = "paper...";
    uint8_t sum[crypto_shorthash_BYTES];
    struct {
        uint64_t id;
        uint32_t acceptance, question, index, unused;
    } asked = {.acceptance = c->acceptance, .question = (uint32_t)question, .index = index};
    memcpy(key + 8, &c->seed, sizeof c->seed);
    crypto_shorthash(sum, (const uint8_t *)c->trade_id, strlen(c->trade_id), key);
    memcpy(&asked.id, sum, sizeof asked.id);
    crypto_shorthash(sum, (const uint8_t *)&asked, sizeof asked, key);
    uint64_t n;
    memcpy(&n, sum, sizeof n);
    return n;
}

uint64_t chance_up_to(const struct chance *c, enum question question, uint32_t index,
                      uint64_t most) {
    uint64_t n = chance_number(c, question, index);
    return most == UINT64_MAX ? n : n % (most + 1);
}

bool chance_happens(const struct chance *c, enum question question, int64_t probability_e8) {
    return probability_e8 > 0 &&
           chance_up_to(c, question, 0, DECIMAL_SCALE - 1) < (uint64_t)probability_e8;
}
