// unreadable - a trade in Redis that cannot be read may be at the broker: its account and symbol
// get nothing new.
// SPDX-License-Identifier: MIT
#include "services/executor/executor.h"

// Until the executor is started again with the record mended, or out of the set of open trades: it
// counts as a trade in doubt at its account and symbol; at all of the account's symbols when the
// symbol cannot be read; everywhere when not even the account can.
void unreadable_trade(void *arg, const struct unreadable *what) {
    struct executor *self = arg;
    if (what->type != &trade_state__descriptor) return;
    const TradeState *s = (const TradeState *)what->part;
    if (!s || !*s->account_id) {
        self->unreadable++;
        return;
    }
    struct account *a = accounts_get(self->accounts, s->account_id);
    a->unknown++;
    a->dirty = true;
    if (*s->broker_symbol && *s->symbol)
        engine_get_holding(self, s)->unknown++;
    else
        a->unreadable++;
}

unsigned unreadable_here(const struct executor *self, const struct holding *p) {
    return self->unreadable + p->account->unreadable;
}
