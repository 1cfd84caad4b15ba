// desk - everything that decisions depend on beside the signal and the time, and whose turn it is.
// Memory only: `tradecast simulate` has
// one, too.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/base/id.h"
#include "common/domain/book.h"
#include "common/domain/rates.h"
#include "services/router/accounts/accounts.h"
#include "services/router/accounts/risks.h"
#include "services/router/decide/decide.h"

// What is the same for all accounts at one broker, looked up once a signal.
struct venue {
    const BrokerConfig *broker; // NULL: not configured
    const SymbolConfig *symbol; // of the signal; NULL: the broker does not list it
    const zone_t *zone;         // the broker's clock; NULL: without it
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
    // ns: older prices say nothing of what a symbol costs, or convert nothing
    uint64_t price_age_max, rate_age_max;
    risks_t *risks;
    RiskState__Mode global;

    struct seats *seats; // by source, made when somebody asks
    struct venue *venues;
    uint64_t version;              // of the book that they were made from
    uint64_t fan_outs;             // begun
    uint64_t decided[REASONS_MAX]; // decisions since it was opened, by reason
};

void desk_open(struct desk *self, const book_t *book, unsigned shards);
void desk_close(struct desk *self);

// What became of a signal for one seat: one of its legs.
struct turn {
    const struct seat *seat;
    // inverted, if the subscription inverts; of one symbol, if it is for all of them
    const Signal *signal;
    uint64_t now;    // UTC ns
    bool everything; // the signal was for all symbols
    const struct decide_result *result;
};

// Decides for everyone who subscribes to the signal's source, by account_id; `visit` hears of each
// leg of each at once, so that what it does to the accounts counts for the next. Returns how many
// seats there are. The one place where decide_input is filled.
typedef void turn_fn(void *arg, const struct turn *turn);
size_t desk_fan_out(struct desk *self, const Signal *signal, uint64_t now, turn_fn *visit,
                    void *arg);

// The decision of a turn, its order (reason ordered) and its command (reason commanded). What they
// point to lives as long as the arena and the turn.
Decision *turn_decision(const struct turn *turn, arena_t *arena);
void turn_order(const struct turn *turn, arena_t *arena, Order *out);
void turn_command(const struct turn *turn, arena_t *arena, OrderCommand *out);

// What makes an order this order: the same gives the same id.
struct leg_id {
    const char *signal_id;
    const struct seat *seat;
    const char *leg;    // struct leg's name
    const char *symbol; // NULL: the signal's own
};
#define LEG_TEXT 96
void trade_id_of(const struct leg_id *id, char out[static ID_TEXT]);
