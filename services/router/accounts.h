// accounts - what the router holds of each account: its trading permission and its open trades. Memory only; slice.h keeps it.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "execution.pb-c.h"
#include "system.pb-c.h"

struct account {
    RiskState__Mode mode;
    uint32_t open;        // entries that are not over
    bool kept;            // it stands in the index in Redis
    struct account *next; // of all
    char id[];
};

typedef struct accounts accounts_t;

accounts_t *accounts_new(void);
void accounts_destroy(accounts_t **self);
struct account *accounts_get(accounts_t *self, const char *account_id); // made when new; valid as long as `self`
struct account *accounts_first(const accounts_t *self);                 // then ->next

// A trade counts as open from its order on. False: it was open already.
bool accounts_open(accounts_t *self, struct account *account, const char *trade_id);
bool accounts_close(accounts_t *self, const char *trade_id);               // false: it was not open
struct account *accounts_of(const accounts_t *self, const char *trade_id); // whose open trade it is; NULL: not open

// Whether a trade counts as open: it may still become a position, or is one. Closing trades never do.
bool trade_is_open(const TradeState *trade);
