// partial - how many lots a partial close takes.
// SPDX-License-Identifier: MIT
#include "services/executor/trade/partial.h"

#include "common/base/decimal.h"

#define PERCENT_ALL (100 * DECIMAL_SCALE)

int64_t partial_of(int64_t open, int64_t percent_e8) {
    if (percent_e8 >= PERCENT_ALL) return open;
    return percent_e8 <= 0 ? 0 : (int64_t)((__int128)open * percent_e8 / PERCENT_ALL);
}

static int64_t whole_steps(int64_t lots, int64_t step) {
    return lots <= 0 ? 0 : lots / step * step;
}

struct partial_plan partial_plan(const struct partial *p) {
    const struct partial_plan all = {p->open, 0};
    int64_t wanted;
    if (__builtin_add_overflow(p->asked, p->residual, &wanted)) return all;
    if (p->asked >= p->open || wanted >= p->open) return all;
    int64_t lots = whole_steps(wanted, p->step);
    if (p->open - lots < p->least) {
        if (p->rest_closes) return all;
        lots = whole_steps(p->open - p->least, p->step);
    }
    if (lots < p->least) lots = 0;
    return (struct partial_plan){lots, wanted - lots};
}
