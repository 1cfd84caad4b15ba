// desk - everything that decisions depend on beside the signal and the time, and whose turn it is. Memory only: `tradecast simulate` has
// one, too. SPDX-License-Identifier: MIT
#pragma once

#include "common/arena.h"
#include "common/book.h"
#include "common/id.h"
#include "services/router/accounts.h"
#include "services/router/decide.h"
#include "services/router/rates.h"

// What is the same for all accounts at one broker, looked up once a signal.
struct venue {
    const BrokerConfig *broker; // NULL: not configured
    const SymbolConfig *symbol; // of the signal; NULL: the broker does not list it
    char broker_symbol[64];
    uint64_t fan_out; // for which the symbol was looked up
    struct venue *next;
    const char *broker_id;
};

// One subscription of one account, with what is held of the account.
struct seat {
    const AccountConfig *account;
    const Subscription *subscription;
    struct account *held;
    struct venue *venue;
    unsigned leg; // counts an account's subscriptions to one source
    unsigned shard;
};

#define REASONS_MAX 512 // Reason.Code is below

struct desk {
    const book_t *book;
    unsigned shards;
    accounts_t *accounts;
    rates_t *rates;
    RiskState__Mode global;

    struct seats *seats; // by source, made when somebody asks
    struct venue *venues;
    uint64_t version;              // of the book that they were made from
    uint64_t fan_outs;             // begun
    uint64_t decided[REASONS_MAX]; // decisions since it was opened, by reason
};

void desk_open(struct desk *self, const book_t *book, unsigned shards);
void desk_close(struct desk *self);

// What became of a signal for one seat.
struct turn {
    const struct seat *seat;
    const Signal *signal;
    uint64_t now; // UTC ns
    struct decide_result result;
};

// The one place where decide_input is filled. `seat` comes from a fan-out that is going on.
void decide_for(const struct desk *self, const struct seat *seat, struct turn *turn);

// Decides for everyone who subscribes to the signal's source, by account_id; `visit` hears of each at once, so that what it does to the
// accounts counts for the next. Returns how many there are.
typedef void turn_fn(void *arg, const struct turn *turn);
size_t desk_fan_out(struct desk *self, const Signal *signal, uint64_t now, turn_fn *visit, void *arg);

// The decision and (when ordered) the order of a turn. What they point to lives as long as the arena and the turn.
Decision *turn_decision(const struct turn *turn, arena_t *arena);
void turn_order(const struct turn *turn, arena_t *arena, Order *out);
