// order - one client order id at this broker: the order, and the position that it opened.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "common/base/decimal.h"
#include "common/base/hash.h"
#include "execution.pb-c.h"
#include "gateways/paper/ledger/account.h"
#include "gateways/paper/orders/market.h"

#define REASON_TEXT 24

struct reduction { // what a closing order has still to take from a position
    char *trade_id;
    decimal_t lots;
};

// A price, stop loss, take profit of 0 is none; so is a time of 0. What `live` orders are is in
// memory; the rest is in the books only.
struct order {
    UT_hash_handle hh;
    struct order *touched_next; // of this batch
    struct order *timed_prev, *timed_next;
    struct order *watched_prev, *watched_next;
    struct order *prev, *next;           // of its account
    struct order *part_prev, *part_next; // of a netting account's position
    struct account *account;
    struct symbol *symbol;
    uint64_t ticket;      // the broker's own id
    uint64_t received_at; // UTC ns: last acceptance
    uint64_t due_at;      // UTC ns: next piece
    uint64_t expires_at;  // UTC ns
    uint64_t updated_at;
    // average price of what is filled and, while open, of the position
    decimal_t lots, filled, average;
    // lots of the position; netting account: of all of it, at who carries it
    decimal_t open;
    // netting account: lots that it opened and that are still open (netting.h)
    decimal_t attributed;
    // stop_limit: price is the stop, then it rests at `limit`
    decimal_t price, limit, expected, stop_loss, take_profit;
    decimal_t pnl, commission, fees;
    uint32_t submissions; // how often the id arrived
    uint32_t acceptances; // how often it was taken as a new order
    uint32_t executions;  // how often it was executed: more than 1 is what must never be
    uint32_t fills;
    uint32_t pieces_left; // fills to come; 0: nothing more
    Signal__OrderType type;
    Signal__Direction side;
    TradeState__State state;
    bool touched, save, timed, watched, linked, history_known;
    bool is_part;   // in the list of its netting account's position
    bool forgotten; // the broker denies it (a fault)
    bool latent;    // not yet visible (a fault)
    bool silent;    // its reports are lost (a fault)
    bool orphan;    // nobody asked for it
    bool unheard;   // something happened to it of which no report told
    bool triggered; // stop_limit: its stop has been reached
    struct reduction *closes;
    size_t n_closes;
    // packed Submit (gateways/link/evidence.h); empty: nobody asked for it, or books of an earlier
    // version
    buffer_t submit;
    // packed OrderStatus with nothing but fills and closings; only while history_known
    buffer_t history;
    char reason[REASON_TEXT];
    char trade_id[];
};

struct order *order_new(const char *trade_id);
void order_free(struct order *o);
static inline bool order_is_live(const struct order *o) {
    return o->pieces_left || o->open.e8 || o->attributed.e8;
}
// What is still open of what it opened.
static inline decimal_t order_position(const struct order *o) {
    return o->account->netting ? o->attributed : o->open;
}
static inline bool order_is_resting(const struct order *o) {
    return o->pieces_left && !o->due_at && o->type != SIGNAL__ORDER_TYPE__market;
}
static inline bool order_is_limit(const struct order *o) {
    return o->type == SIGNAL__ORDER_TYPE__limit ||
           (o->type == SIGNAL__ORDER_TYPE__stop_limit && o->triggered);
}
// What it waits for when it rests; a limit order never fills worse.
static inline decimal_t order_level(const struct order *o) {
    return o->triggered ? o->limit : o->price;
}
static inline int order_leg(const struct order *o) {
    return o->side == SIGNAL__DIRECTION__buy ? LONG : SHORT;
}
void order_because(struct order *o, const char *reason);
void order_drop_closes(struct order *o);
// "trade_id=lots trade_id=lots", as the books keep it.
void order_print_closes(const struct order *o, buffer_t *out);
err_t order_parse_closes(struct order *o, const char *text);
void order_add_close(struct order *o, const char *trade_id, size_t length, decimal_t lots);

// What waits for a price, by symbol: resting orders; positions with stop loss or take profit.
void order_watch(struct order *o); // or stops watching, as its state asks for
void order_unwatch(struct order *o);
// Whether the symbol's present price triggers it; *level is the price it named, *reason why a
// position closes.
bool order_triggers(const struct order *o, decimal_t *level, const char **reason);
// takes the order's levels into the bounds
void symbol_narrow(struct symbol *s, const struct order *o);
