// accounts - accounts, and their holdings: what an account does in one symbol. Memory only.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#include "common/base/buffer.h"
#include "execution.pb-c.h"
#include "services/executor/trade/gate.h"

struct session;
struct symbol;
struct trade;

// What is guarded here again, from its risk rules.
struct limits {
    uint64_t version;       // of the book they are from; 0: none yet
    int64_t max_lots_order; // e8; 0: no limit
    bool watched;           // its balance and equity are looked at
};

struct account {
    char *id;
    struct session *session; // the gateway that serves it; NULL: none is configured or has come
    RiskState__Mode mode;
    OrderCommand__Lock lock; // what its risk rules left it; open: it is not locked
    struct limits limits;
    unsigned unknown;         // trades in doubt
    unsigned working;         // orders that work at the broker, as far as is known here
    unsigned unreadable;      // … of which the symbol cannot be read
    AccountState *state;      // owned
    bool dirty;               // to be kept at the next tick
    uint64_t snapshot_at;     // monotonic ns: when its last snapshot was told on the topic
    uint64_t told_at;         // likewise its state
    bool told_money;          // and that with its balance
    buffer_t snapshot;        // its last snapshot's frame, as it came
    struct holding *holdings; // through next_of_account
    struct account *next;     // of all
};

struct holding {
    struct account *account;
    char *broker_symbol;
    struct symbol *symbol; // by the signal's name
    int64_t contract_size; // e8
    unsigned submitting;   // opening trades on their way
    unsigned unknown;      // trades in doubt: no new exposure
    struct trade *waiting; // pending, in order; through prev, next
    bool listed;           // among the holdings where something waits
    struct holding *prev, *next;

    // Positions, oldest first (through older, newer), and their sums; prices weighted by lots,
    // scaled by 10^16.
    struct trade *positions;
    int64_t long_lots, short_lots;
    __int128 long_cost, short_cost;
    struct holding *next_of_symbol, *next_of_account;
    struct holding *next_dirty;
    bool dirty; // its view is to be written
    bool shown; // there is a view in Redis
};

typedef struct accounts accounts_t;

accounts_t *accounts_new(void);
void accounts_destroy(accounts_t **self);
struct account *accounts_get(accounts_t *self, const char *account_id); // made when new
struct account *accounts_find(const accounts_t *self, const char *account_id);
struct account *accounts_first(const accounts_t *self); // then ->next
// Made when new: *is_new then, and symbol and contract_size are to be set.
struct holding *accounts_get_holding(accounts_t *self, const char *account_id,
                                     const char *broker_symbol, bool *is_new);
struct holding *accounts_next_holding(const accounts_t *self, size_t *cursor);

// The queue of what is pending in a holding, by sequence, and the list of holdings that have one.
void holding_add_waiting(accounts_t *self, struct holding *p, struct trade *t);
void holding_remove_waiting(accounts_t *self, struct holding *p, struct trade *t);
struct holding *accounts_waiting(const accounts_t *self); // then ->next
