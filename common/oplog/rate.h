// rate - how much of something there was in a second.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/clock.h"
#include "common/base/decimal.h"

// `n` in `ns`, by the second: a decimal, scaled, with four decimals. `ns` is not zero.
static inline int64_t per_second_e8(uint64_t n, uint64_t ns) {
    decimal_t out = {0};
    (void)!decimal_scale((decimal_t){(int64_t)n * DECIMAL_SCALE}, (decimal_t){(int64_t)NS_PER_S},
                         (decimal_t){(int64_t)ns}, ROUND_HALF_EVEN, &out);
    return out.e8 / 10000 * 10000;
}
