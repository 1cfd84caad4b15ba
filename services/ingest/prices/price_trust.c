// price_trust - which price of a symbol is believed.
// SPDX-License-Identifier: MIT
#include "services/ingest/prices/price_trust.h"

#include <string.h>

// --- which

// Further from `from` than so many percent of it.
static bool is_far(int64_t from, int64_t to, decimal_t percent) {
    __int128 apart = (__int128)to - from;
    return (apart < 0 ? -apart : apart) * 100 * DECIMAL_SCALE > (__int128)from * percent.e8;
}

static bool is_wild(const Price *p, decimal_t percent) {
    return (p->has_bid && is_far(p->last, p->bid, percent)) ||
           (p->has_ask && is_far(p->last, p->ask, percent));
}

// The same new level, said again: it counts from the first time.
static bool is_confirmed(struct doubted *d, int64_t last, decimal_t percent, uint64_t mono_ns) {
    if (!d->times || is_far(d->last, last, percent)) *d = (struct doubted){.first_at = mono_ns};
    d->last = last;
    d->times++;
    return d->times >= JUMP_TIMES && mono_ns - d->first_at >= JUMP_FOR_NS;
}

bool price_is_believed(struct price_held *held, const Price *price, decimal_t max_jump_percent,
                       uint64_t mono_ns) {
    bool fresh = held->last && mono_ns - held->believed_at <= JUMP_FORGET_NS;
    if (is_wild(price, max_jump_percent)) return false;
    if (fresh && is_far(held->last, price->last, max_jump_percent) &&
        !is_confirmed(&held->doubted, price->last, max_jump_percent, mono_ns))
        return false;
    *held = (struct price_held){.last = price->last, .believed_at = mono_ns};
    return true;
}
