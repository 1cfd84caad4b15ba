// holdings - what we believe the brokers hold, against what they say they hold: the union of both
// is compared. Pure; memory only.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "execution.pb-c.h"

typedef struct holdings holdings_t;

holdings_t *holdings_new(void);
void holdings_destroy(holdings_t **self);

// Takes a trade's state over. True when it is over with a position left that was not known of.
bool holdings_take(holdings_t *self, const TradeState *trade);

// What a comparison tells. Each fires from the second consecutive snapshot on, and again with each
// further one.
struct holdings_visitor {
    void *arg;
    // a trade that is on its way explains its order
    bool (*explains)(void *arg, const char *trade_id);
    // held by the broker, and no trade explains it
    void (*unexplained)(void *arg, const BrokerSnapshot *s, const Holding *h);
    // ours, and the broker does not list it
    void (*missing)(void *arg, const BrokerSnapshot *s, const char *trade_id);
};

// Snapshots count in the order of taken_at; one that is not newer than the last of its account is
// passed over. Only trades that have not changed since before it was taken can be missing from it.
void holdings_compare(holdings_t *self, const BrokerSnapshot *snapshot,
                      const struct holdings_visitor *visitor);
