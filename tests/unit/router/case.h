// case - what a test of a decision starts from: a signal that every account would take, and the
// account.
// SPDX-License-Identifier: MIT
#pragma once

#include <string.h>

#include "common/base/clock.h"
#include "services/router/decide/decide.h"

#define NOW      (UINT64_C(1742638530) * NS_PER_S)
#define E8(text) e8_of(text)

static inline int64_t e8_of(const char *text) {
    decimal_t d = {0};
    if (decimal_parse(text, strlen(text), &d)) return INT64_MIN;
    return d.e8;
}

struct given {
    Signal signal;
    AccountConfig account;
    Subscription subscription;
    BrokerConfig broker;
    SymbolConfig symbol;
    struct holding holding;
    struct trade meant;
    struct money money;
    struct rate quote;
    rates_t *rates;
    struct decide_input in;
};

static inline void given_rate(struct given *g, const char *symbol, const char *bid,
                              const char *ask) {
    Price p = PRICE__INIT;
    p.symbol = (char *)symbol;
    p.has_bid = p.has_ask = true;
    p.bid = E8(bid), p.ask = E8(ask), p.last = p.bid;
    p.timestamp = NOW;
    rates_take(g->rates, &p);
}

// EURUSD, buy at the market, price 1.1, 1 lot; an account of 10,000 USD with leverage 100;
// multiplier 1. No price from the feed.
static inline void given_make(struct given *g) {
    *g = (struct given){0};
    signal__init(&g->signal);
    g->signal.signal_id = (char *)"s1", g->signal.source = (char *)"tv",
    g->signal.symbol = (char *)"EURUSD";
    g->signal.order_type = SIGNAL__ORDER_TYPE__market;
    g->signal.direction = SIGNAL__DIRECTION__buy;
    g->signal.has_lot_size = g->signal.has_price = true;
    g->signal.lot_size = E8("1"), g->signal.price = E8("1.1");
    g->signal.created_at = NOW;
    account_config__init(&g->account);
    g->account.account_id = (char *)"a1", g->account.broker_id = (char *)"b1";
    subscription__init(&g->subscription);
    g->subscription.source = (char *)"tv";
    g->subscription.has_multiplier = true, g->subscription.multiplier = E8("1");
    broker_config__init(&g->broker);
    symbol_config__init(&g->symbol);
    g->symbol.symbol = (char *)"EURUSD";
    g->money = (struct money){.known = true,
                              .balance = D(E8("10000")),
                              .equity = D(E8("8000")),
                              .currency = "USD",
                              .leverage = 100};
    g->rates = rates_new(16);
    g->in = (struct decide_input){
        .signal = &g->signal,
        .account = &g->account,
        .subscription = &g->subscription,
        .broker = &g->broker,
        .symbol = &g->symbol,
        .global = RISK_STATE__MODE__trading,
        .mode = RISK_STATE__MODE__trading,
        .now = NOW,
        .holding = &g->holding,
        .money = &g->money,
        .market = {g->rates, 0},
    };
}

static inline void given_free(struct given *g) { rates_destroy(&g->rates); }

typedef void change_fn(struct given *g);

// For tables: set(g, lot_size, "2") sets an optional field and that it is there.
#define SET(message, field, text) ((message).has_##field = true, (message).field = E8(text))
