// test_risk - what risk rules say of an entry: every rule at its edge, and that a close is stopped by none.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "services/router/decide/risk.h"

#define NOW      (UINT64_C(1742638530) * NS_PER_S) // Saturday 2025-03-22T10:15:30Z
#define LOTS(x)  ((int64_t)((x)*100 + 0.5) * INT64_C(1000000))
#define PRICE(x) ((int64_t)((x)*100000 + 0.5) * INT64_C(1000))
#define MONEY(x) ((int64_t)(x)*DECIMAL_SCALE)
#define R(name)  REASON__CODE__##name

// What a case may change; everything else is a signal that is ordered: 1 lot of EURUSD at 1.1,
// account in USD.
struct world {
    Signal signal;
    AccountConfig account;
    Subscription subscription;
    BrokerConfig broker;
    SymbolConfig eur, gbp, *symbols[2];
    rates_t *rates;
    accounts_t *accounts;
    struct account *held;
    struct risk risk;
    zone_t *zone;
    Session session, *sessions[1];
    Session__Day days[7];
    Blackout blackout, *blackouts[1];
    struct decide_input in;
    struct decide_result out[DECIDE_LEGS];
};

static RiskRules *rules(struct world *w) {
    w->in.risk = &w->risk;
    w->risk.rules.layers[0] = &w->risk.rules.r;
    w->risk.rules.n_layers = 1;
    return &w->risk.rules.r;
}

static void price(struct world *w, const char *symbol, int64_t bid, int64_t ask) {
    Price p = PRICE__INIT;
    p.symbol = (char *)(uintptr_t)symbol;
    p.has_bid = p.has_ask = true;
    p.bid = bid;
    p.ask = ask;
    p.last = bid + (ask - bid) / 2;
    p.timestamp = NOW;
    rates_take(w->rates, &p);
}

static void open_trade(struct world *w, const char *symbol, bool is_short, int64_t open,
                       int64_t rest) {
    static unsigned n;
    char id[16];
    (void)snprintf(id, sizeof id, "t%u", ++n);
    const struct stake stake = {.is_short = is_short, .open = open, .rest = rest};
    (void)accounts_hold(w->accounts, id, w->held, accounts_symbol(w->accounts, symbol), &stake);
    w->in.open_trades = w->held->open;
    w->in.holding = account_holding(w->held, accounts_symbol(w->accounts, "EURUSD"));
}

static void world_make(struct world *w) {
    memset(w, 0, sizeof *w);
    signal__init(&w->signal);
    w->signal.signal_id = (char *)"s1";
    w->signal.source = (char *)"demo";
    w->signal.symbol = (char *)"EURUSD";
    w->signal.order_type = SIGNAL__ORDER_TYPE__market;
    w->signal.direction = SIGNAL__DIRECTION__buy;
    w->signal.has_lot_size = true;
    w->signal.lot_size = LOTS(1.0);
    w->signal.created_at = NOW;
    account_config__init(&w->account);
    w->account.account_id = (char *)"a1";
    w->account.broker_id = (char *)"b1";
    subscription__init(&w->subscription);
    w->subscription.has_multiplier = true;
    w->subscription.multiplier = LOTS(1.0);
    broker_config__init(&w->broker);
    symbol_config__init(&w->eur);
    symbol_config__init(&w->gbp);
    w->eur.symbol = (char *)"EURUSD";
    w->gbp.symbol = (char *)"GBPJPY";
    w->gbp.has_digits = true, w->gbp.digits = 3;
    w->symbols[0] = &w->eur, w->symbols[1] = &w->gbp;
    w->broker.symbols = w->symbols, w->broker.n_symbols = 2;
    w->rates = rates_new(16);
    w->accounts = router_accounts_new();
    w->held = router_accounts_get(w->accounts, "a1");
    w->zone = zone_new("UTC");
    risk_state__init(&w->risk.s);
    w->risk.rules.r = (RiskRules)RISK_RULES__INIT;
    w->risk.rules.zone = "UTC";
    w->risk.zone = w->zone;
    session__init(&w->session);
    w->session.days = w->days;
    w->sessions[0] = &w->session;
    blackout__init(&w->blackout);
    w->blackouts[0] = &w->blackout;
    w->in = (struct decide_input){.signal = &w->signal,
                                  .account = &w->account,
                                  .subscription = &w->subscription,
                                  .broker = &w->broker,
                                  .symbol = &w->eur,
                                  .global = RISK_STATE__MODE__trading,
                                  .mode = RISK_STATE__MODE__trading,
                                  .source = RISK_STATE__MODE__trading,
                                  .held = w->held,
                                  .money = &w->held->money,
                                  .market = {w->rates, 0},
                                  .market_zone = w->zone,
                                  .now = NOW};
    price(w, "EURUSD", PRICE(1.09990), PRICE(1.10010));
}

static void world_free(struct world *w) {
    rates_destroy(&w->rates);
    router_accounts_destroy(&w->accounts);
    zone_destroy(&w->zone);
}

#define HAS(message, field, value) ((message)->has_##field = true, (message)->field = (value))

static void no_rules(struct world *w) { (void)w; }
static void empty_rules(struct world *w) { (void)rules(w); }
static void source_halted(struct world *w) { w->in.source = RISK_STATE__MODE__halted; }
static void source_reducing(struct world *w) { w->in.source = RISK_STATE__MODE__reduce_only; }
static void allows(struct world *w, char **names, size_t n) {
    rules(w)->allowed_symbols = names, rules(w)->n_allowed_symbols = n;
}
static char *euro[] = {(char *)"GBPJPY", (char *)"EURUSD"}, *pound[] = {(char *)"GBPJPY"};
static void symbol_allowed(struct world *w) { allows(w, euro, 2); }
static void symbol_not_allowed(struct world *w) { allows(w, pound, 1); }

static void session(struct world *w, Session__Day day, const char *from, const char *to) {
    w->days[0] = day, w->session.n_days = 1;
    w->session.from = (char *)(uintptr_t)from, w->session.to = (char *)(uintptr_t)to;
    rules(w)->sessions = w->sessions, rules(w)->n_sessions = 1;
}
static void in_session(struct world *w) { session(w, SESSION__DAY__sat, "10:15", "10:16"); }
static void session_begins_next_minute(struct world *w) {
    session(w, SESSION__DAY__sat, "10:16", "24:00");
}
static void session_ended_this_minute(struct world *w) {
    session(w, SESSION__DAY__sat, "00:00", "10:15");
}
static void session_of_another_day(struct world *w) {
    session(w, SESSION__DAY__fri, "00:00", "24:00");
}
static void session_elsewhere(struct world *w) { // 06:15 in New York
    session(w, SESSION__DAY__sat, "07:00", "24:00");
    zone_destroy(&w->zone);
    w->risk.zone = w->zone = zone_new("America/New_York");
}
static void market(struct world *w, void (*as)(struct world *)) {
    as(w);
    rules(w)->n_sessions = 0;
    w->eur.sessions = w->sessions, w->eur.n_sessions = 1;
}
static void market_open(struct world *w) { market(w, in_session); }
static void market_shut(struct world *w) { market(w, session_of_another_day); }
static void market_shut_without_rules(struct world *w) { market_shut(w), w->in.risk = NULL; }

static void blackout(struct world *w, int64_t from_s, int64_t to_s) {
    w->blackout.from = NOW + (uint64_t)from_s * NS_PER_S,
    w->blackout.to = NOW + (uint64_t)to_s * NS_PER_S;
    w->blackout.note = (char *)"NFP";
    rules(w)->blackouts = w->blackouts, rules(w)->n_blackouts = 1;
}
static void dark_from_now(struct world *w) { blackout(w, 0, 10); }
static void dark_until_now(struct world *w) { blackout(w, -10, 0); }
static void dark_until_the_next_second(struct world *w) { blackout(w, -10, 1); }
static void dark_soon(struct world *w) { blackout(w, 1, 10); }
static void dark_for_another_symbol(struct world *w) {
    dark_from_now(w), w->blackout.symbols = pound, w->blackout.n_symbols = 1;
}
static void dark_for_this_symbol(struct world *w) {
    dark_from_now(w), w->blackout.symbols = euro, w->blackout.n_symbols = 2;
}
static char *dollar[] = {(char *)"USD"}, *yen[] = {(char *)"JPY"};
static void dark_for_its_currency(struct world *w) {
    dark_from_now(w), w->blackout.currencies = dollar, w->blackout.n_currencies = 1;
}
static void dark_for_another_currency(struct world *w) {
    dark_from_now(w), w->blackout.currencies = yen, w->blackout.n_currencies = 1;
}
static RiskRules global_rules;
static void dark_everywhere(struct world *w) { // the preset named global is the last layer
    dark_from_now(w);
    risk_rules__init(&global_rules);
    global_rules.blackouts = w->blackouts, global_rules.n_blackouts = 1;
    rules(w)->n_blackouts = 0;
    w->risk.rules.layers[w->risk.rules.n_layers++] = &global_rules;
}

static void sure(struct world *w, int64_t confidence) {
    HAS(rules(w), min_confidence, MONEY(70)), HAS(&w->signal, confidence, confidence);
}
static void just_sure(struct world *w) { sure(w, MONEY(70)); }
static void hardly_sure(struct world *w) { sure(w, MONEY(70) - 1); }
static void says_nothing(struct world *w) { HAS(rules(w), min_confidence, 0); }

static void spread(struct world *w, int64_t points) { HAS(rules(w), max_spread_points, points); }
static void spread_of_20(struct world *w) { spread(w, MONEY(20)); }
static void spread_of_less(struct world *w) { spread(w, MONEY(20) - 1); }
static void spread_by_point(struct world *w) {
    spread(w, MONEY(2)), HAS(&w->eur, point, PRICE(0.0001));
}
// The symbol's own limit, in price, with rules and without any.
static void symbol_spread(struct world *w) { HAS(&w->eur, max_spread, PRICE(0.00020)); }
static void symbol_spread_of_less(struct world *w) { HAS(&w->eur, max_spread, PRICE(0.00019)); }
static void symbol_spread_without_rules(struct world *w) {
    symbol_spread_of_less(w), w->in.risk = NULL;
}
static void symbol_spread_unknown(struct world *w) {
    symbol_spread(w), w->in.risk = NULL, w->in.now = NOW + 60 * NS_PER_S + 1,
                      w->signal.created_at = w->in.now;
}
static void price_of_a_minute(struct world *w) { spread_of_20(w), w->in.now = NOW + 60 * NS_PER_S; }
static void price_of_more(struct world *w) {
    spread_of_20(w), w->in.now = NOW + 60 * NS_PER_S + 1, w->signal.created_at = w->in.now;
}
static void price_of_an_hour(struct world *w) {
    HAS(rules(w), max_price_age_s, 3600), price_of_more(w);
}
static void no_price_at_all(struct world *w) {
    spread_of_20(w), w->signal.symbol = (char *)"GBPJPY", w->in.symbol = &w->gbp;
}

static void expects(struct world *w, int64_t p) { HAS(&w->signal, price, p); }
static void off_by_points(struct world *w) {
    HAS(rules(w), max_deviation_points, MONEY(50)), expects(w, PRICE(1.10050));
}
static void off_by_more_points(struct world *w) {
    off_by_points(w), expects(w, PRICE(1.09950) - 1);
}
static void off_by_percent(struct world *w) {
    HAS(rules(w), max_deviation_percent, MONEY(1)), expects(w, PRICE(1.111));
}
static void off_by_more_percent(struct world *w) {
    off_by_percent(w), expects(w, PRICE(1.111) + 1);
}
static void expects_nothing(struct world *w) { HAS(rules(w), max_deviation_points, 1); }

static void lots_order(struct world *w) { HAS(rules(w), max_lots_order, LOTS(1.0)); }
static void lots_order_less(struct world *w) { HAS(rules(w), max_lots_order, LOTS(1.0) - 1); }
static void lots_symbol(struct world *w) {
    HAS(rules(w), max_lots_symbol, LOTS(2.0)),
        open_trade(w, "EURUSD", true, LOTS(0.60), LOTS(0.40));
}
static void lots_symbol_more(struct world *w) {
    lots_symbol(w), open_trade(w, "EURUSD", false, LOTS(0.01), 0);
}
static void lots_of_other_symbol(struct world *w) {
    lots_symbol(w), open_trade(w, "GBPJPY", false, LOTS(9.0), 0);
}
static void lots_account(struct world *w) {
    HAS(rules(w), max_lots_account, LOTS(3.0)),
        open_trade(w, "GBPJPY", false, LOTS(1.0), LOTS(1.0));
}
static void lots_account_more(struct world *w) {
    lots_account(w), open_trade(w, "EURUSD", true, 0, LOTS(0.01));
}
static void two_open(struct world *w) {
    HAS(rules(w), max_open_trades, 3), open_trade(w, "EURUSD", false, 1, 0),
        open_trade(w, "GBPJPY", true, 1, 0);
}
static void three_open(struct world *w) { two_open(w), open_trade(w, "EURUSD", true, 1, 0); }

static void exposure(struct world *w, int64_t most) { HAS(rules(w), max_exposure, most); }
static void exposed_to_its_limit(struct world *w) { exposure(w, MONEY(110000)); }
static void exposed_to_more(struct world *w) { exposure(w, MONEY(110000) - 1); }
// 0.5 lots at 190.0 yen a pound, 150 yen a dollar: 63,333.33…
static void exposed_with_another(struct world *w) {
    exposure(w, MONEY(173334));
    price(w, "GBPJPY", PRICE(190.0), PRICE(190.0));
    price(w, "USDJPY", PRICE(150.0), PRICE(150.0));
    open_trade(w, "GBPJPY", true, LOTS(0.50), 0);
}
static void exposed_with_another_to_more(struct world *w) {
    exposed_with_another(w), exposure(w, MONEY(173333));
}
static void exposed_without_a_rate(struct world *w) {
    exposure(w, MONEY(1000000)), open_trade(w, "GBPJPY", true, LOTS(0.50), 0);
}
static void money(struct world *w, int64_t equity) {
    w->held->money.known = true, w->held->money.balance = w->held->money.equity = D(equity);
}
static void ten_times_equity(struct world *w) {
    HAS(rules(w), max_exposure_percent, MONEY(1000)), money(w, MONEY(11000));
}
static void more_than_ten_times(struct world *w) {
    ten_times_equity(w), money(w, MONEY(11000) - 1);
}
static void equity_unknown(struct world *w) { ten_times_equity(w), w->held->money.known = false; }

static void ordered_before(struct world *w, unsigned n, uint64_t ago) {
    while (n--) risk_note_order(&w->risk, NOW - ago);
}
static void one_order_left(struct world *w) {
    HAS(rules(w), max_orders, 3), ordered_before(w, 2, NS_PER_S);
}
static void no_order_left(struct world *w) {
    HAS(rules(w), max_orders, 3), ordered_before(w, 3, 60 * NS_PER_S - 1);
}
static void one_is_old(struct world *w) {
    HAS(rules(w), max_orders, 3), ordered_before(w, 1, 60 * NS_PER_S), ordered_before(w, 2, 1);
}
static void a_longer_window(struct world *w) { one_is_old(w), HAS(rules(w), order_window_s, 61); }

static void margin(struct world *w, int64_t percent) {
    HAS(rules(w), min_margin_level, MONEY(200)), money(w, MONEY(1000)),
        w->held->money.has_margin_level = true, w->held->money.margin_level = D(percent);
}
static void margin_enough(struct world *w) { margin(w, MONEY(200)); }
static void margin_too_low(struct world *w) { margin(w, MONEY(200) - 1); }
static void no_margin_in_use(struct world *w) {
    margin(w, 0), w->held->money.has_margin_level = false;
}

static void one_a_side(struct world *w) { HAS(rules(w), one_per_direction, true); }
static void other_side_open(struct world *w) {
    one_a_side(w), open_trade(w, "EURUSD", true, LOTS(1.0), 0);
}
static void same_side_open(struct world *w) {
    one_a_side(w), open_trade(w, "EURUSD", false, LOTS(0.01), 0);
}
static void same_side_working(struct world *w) {
    one_a_side(w), open_trade(w, "EURUSD", false, 0, LOTS(0.01));
}
static void allowed_twice(struct world *w) {
    same_side_open(w), HAS(rules(w), one_per_direction, false);
}

static void locked(struct world *w) {
    (void)rules(w);
    HAS(&w->risk.s, lock, ORDER_COMMAND__LOCK__blocked), HAS(&w->risk.s, rule, R(daily_loss)),
        HAS(&w->risk.s, value, 7), HAS(&w->risk.s, limit, 5);
}
static void locked_by_floor(struct world *w) { locked(w), w->risk.s.rule = R(total_drawdown); }
static void locked_by_trades(struct world *w) { locked(w), w->risk.s.rule = R(max_trades_day); }
static void locked_by_profit(struct world *w) { locked(w), w->risk.s.rule = R(profit_lock); }
static void locked_by_share(struct world *w) { locked(w), w->risk.s.rule = R(consistency); }
static void watched_and_told(struct world *w) {
    (void)rules(w), w->risk.is_watched = true, money(w, MONEY(1000));
}
static void watched_and_not_told(struct world *w) {
    watched_and_told(w), w->held->money.known = false;
}

static const struct example {
    void (*change)(struct world *w);
    Reason__Code reason;
} examples[] = {
    {no_rules, R(ordered)},
    {empty_rules, R(ordered)},
    {source_halted, R(halted_source)},
    {source_reducing, R(reduce_only)},
    {symbol_allowed, R(ordered)},
    {symbol_not_allowed, R(symbol_not_allowed)},
    {in_session, R(ordered)},
    {session_begins_next_minute, R(outside_session)},
    {session_ended_this_minute, R(outside_session)},
    {session_of_another_day, R(outside_session)},
    {session_elsewhere, R(outside_session)},
    {market_open, R(ordered)},
    {market_shut, R(market_closed)},
    {market_shut_without_rules, R(market_closed)},
    {dark_from_now, R(blackout)},
    {dark_until_now, R(ordered)},
    {dark_until_the_next_second, R(blackout)},
    {dark_soon, R(ordered)},
    {dark_for_another_symbol, R(ordered)},
    {dark_for_this_symbol, R(blackout)},
    {dark_for_its_currency, R(blackout)},
    {dark_for_another_currency, R(ordered)},
    {dark_everywhere, R(blackout)},
    {just_sure, R(ordered)},
    {hardly_sure, R(low_confidence)},
    {says_nothing, R(low_confidence)},
    {spread_of_20, R(ordered)},
    {spread_of_less, R(wide_spread)},
    {spread_by_point, R(ordered)},
    {symbol_spread, R(ordered)},
    {symbol_spread_of_less, R(wide_spread)},
    {symbol_spread_without_rules, R(wide_spread)},
    {symbol_spread_unknown, R(stale_price)},
    {price_of_a_minute, R(ordered)},
    {price_of_more, R(stale_price)},
    {price_of_an_hour, R(ordered)},
    {no_price_at_all, R(stale_price)},
    {off_by_points, R(ordered)},
    {off_by_more_points, R(price_deviation)},
    {off_by_percent, R(ordered)},
    {off_by_more_percent, R(price_deviation)},
    {expects_nothing, R(ordered)},
    {lots_order, R(ordered)},
    {lots_order_less, R(max_lots_order)},
    {lots_symbol, R(ordered)},
    {lots_symbol_more, R(max_lots_symbol)},
    {lots_of_other_symbol, R(ordered)},
    {lots_account, R(ordered)},
    {lots_account_more, R(max_lots_account)},
    {two_open, R(ordered)},
    {three_open, R(max_open_trades)},
    {exposed_to_its_limit, R(ordered)},
    {exposed_to_more, R(max_exposure)},
    {exposed_with_another, R(ordered)},
    {exposed_with_another_to_more, R(max_exposure)},
    {exposed_without_a_rate, R(no_rate)},
    {ten_times_equity, R(ordered)},
    {more_than_ten_times, R(max_exposure)},
    {equity_unknown, R(no_account_state)},
    {one_order_left, R(ordered)},
    {no_order_left, R(order_rate)},
    {one_is_old, R(ordered)},
    {a_longer_window, R(order_rate)},
    {margin_enough, R(ordered)},
    {margin_too_low, R(low_margin_level)},
    {no_margin_in_use, R(ordered)},
    {one_a_side, R(ordered)},
    {other_side_open, R(ordered)},
    {same_side_open, R(duplicate_direction)},
    {same_side_working, R(duplicate_direction)},
    {allowed_twice, R(ordered)},
    {locked, R(daily_loss)},
    {locked_by_floor, R(total_drawdown)},
    {locked_by_trades, R(max_trades_day)},
    {locked_by_profit, R(profit_lock)},
    {locked_by_share, R(consistency)},
    {watched_and_told, R(ordered)},
    {watched_and_not_told, R(no_account_state)},
};

#define EXAMPLES (sizeof examples / sizeof *examples)

static void an_entry_is_stopped_exactly_past_each_limit(void **state) {
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct world w;
        world_make(&w);
        examples[i].change(&w);
        assert_int_equal(decide_signal(&w.in, w.out), 1);
        if (w.out->reason != examples[i].reason)
            fail_msg("example %zu: %d, expected %d (%s)", i, (int)w.out->reason,
                     (int)examples[i].reason, w.out->detail);
        if (w.out->reason != R(ordered) && !w.out->detail[0])
            fail_msg("example %zu says nothing", i);
        world_free(&w);
    }
}

static void every_reason_of_risk_has_an_example(void **state) {
    (void)state;
    for (unsigned i = 0; i < reason__code__descriptor.n_values; i++) {
        int code = reason__code__descriptor.values[i].value;
        bool found = code < 200 || code >= 300;
        for (size_t k = 0; k < EXAMPLES; k++) found = found || (int)examples[k].reason == code;
        if (!found) fail_msg("no example of %s", reason__code__descriptor.values[i].name);
    }
}

// Whatever stops an entry, but a halt, lets a close through.
static void a_close_is_stopped_by_no_rule(void **state) {
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct world w;
        world_make(&w);
        examples[i].change(&w);
        open_trade(&w, "EURUSD", false, LOTS(1.0), 0);
        w.signal.direction = SIGNAL__DIRECTION__close;
        w.in.holding = account_holding(w.held, accounts_symbol(w.accounts, w.signal.symbol));
        (void)decide_signal(&w.in, w.out);
        bool halted = examples[i].change == source_halted;
        bool elsewhere = w.in.symbol == &w.gbp; // nothing is open there
        if (!halted && !elsewhere && w.out->reason != R(ordered))
            fail_msg("example %zu: a close was refused: %d", i, (int)w.out->reason);
        world_free(&w);
    }
}

static uint64_t dice(uint64_t *seed, uint64_t sides) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % sides;
}

// Generated: what is ordered is never more than a limit allows, and a close is always possible.
static void no_order_is_over_a_limit_whatever_is_open(void **state) {
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 2000; round++) {
        struct world w;
        world_make(&w);
        int64_t most[3];
        for (int i = 0; i < 3; i++) most[i] = LOTS(0.01) * (int64_t)(1 + dice(&seed, 400));
        HAS(rules(&w), max_lots_order, most[0]), HAS(rules(&w), max_lots_symbol, most[1]),
            HAS(rules(&w), max_lots_account, most[2]);
        int64_t here = 0, all = 0;
        for (uint64_t n = dice(&seed, 5); n; n--) {
            int64_t lots = LOTS(0.01) * (int64_t)(1 + dice(&seed, 100));
            bool euro_here = dice(&seed, 2) == 0;
            open_trade(&w, euro_here ? "EURUSD" : "GBPJPY", dice(&seed, 2) == 0, lots / 2,
                       lots - lots / 2);
            here += euro_here ? lots : 0;
            all += lots;
        }
        w.signal.lot_size = LOTS(0.01) * (int64_t)(1 + dice(&seed, 300));
        (void)decide_signal(&w.in, w.out);
        int64_t lots = w.signal.lot_size;
        bool fits = lots <= most[0] && here + lots <= most[1] && all + lots <= most[2];
        assert_int_equal(w.out->reason == R(ordered), fits);
        if (fits) assert_int_equal(w.out->lots.e8, lots);
        w.signal.direction = SIGNAL__DIRECTION__close;
        (void)decide_signal(&w.in, w.out);
        assert_true(w.out->reason == R(ordered) || here == 0);
        world_free(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_stopped_exactly_past_each_limit),
        cmocka_unit_test(every_reason_of_risk_has_an_example),
        cmocka_unit_test(a_close_is_stopped_by_no_rule),
        cmocka_unit_test(no_order_is_over_a_limit_whatever_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
