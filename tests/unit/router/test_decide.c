// test_decide - what one account makes of a signal: every reason, and the edges.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/base/clock.h"
#include "services/router/decide/decide.h"

#define NOW     (UINT64_C(1742638530) * NS_PER_S)
#define LOTS(x) ((int64_t)((x)*100 + 0.5) * INT64_C(1000000)) // hundredths of a lot, positive

// What a case may change; everything else is a signal that is ordered.
struct world {
    Signal signal;
    AccountConfig account;
    Subscription subscription;
    BrokerConfig broker;
    SymbolConfig symbol;
    struct decide_input in;
};

static void world_make(struct world *w) {
    signal__init(&w->signal);
    w->signal.signal_id = (char *)"s1";
    w->signal.symbol = (char *)"EURUSD";
    w->signal.strategy = (char *)"trend";
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
    symbol_config__init(&w->symbol);
    w->in = (struct decide_input){
        .signal = &w->signal,
        .account = &w->account,
        .subscription = &w->subscription,
        .broker = &w->broker,
        .symbol = &w->symbol,
        .global = RISK_STATE__MODE__trading,
        .mode = RISK_STATE__MODE__trading,
        .now = NOW,
    };
}

typedef void change_fn(struct world *w);

static char *trend[] = {(char *)"scalp", (char *)"trend"}, *scalp[] = {(char *)"scalp"};
static char *euro[] = {(char *)"GBPUSD", (char *)"EURUSD"}, *pound[] = {(char *)"GBPUSD"};

static void nothing(struct world *w) { (void)w; }
static void takes_trend(struct world *w) {
    w->subscription.strategies = trend, w->subscription.n_strategies = 2;
}
static void takes_scalp(struct world *w) {
    w->subscription.strategies = scalp, w->subscription.n_strategies = 1;
}
static void no_strategy_named(struct world *w) { takes_trend(w), w->signal.strategy = NULL; }
static void takes_euro(struct world *w) {
    w->subscription.symbols = euro, w->subscription.n_symbols = 2;
}
static void takes_pound(struct world *w) {
    w->subscription.symbols = pound, w->subscription.n_symbols = 1;
}
static void filtered_twice(struct world *w) { takes_scalp(w), takes_pound(w); }
static void off(struct world *w) { w->account.has_enabled = true, w->account.enabled = false; }
static void all_halted(struct world *w) { w->in.global = RISK_STATE__MODE__halted; }
static void halted(struct world *w) { w->in.mode = RISK_STATE__MODE__halted; }
static void halted_twice(struct world *w) { all_halted(w), halted(w); }
static void all_reduce(struct world *w) { w->in.global = RISK_STATE__MODE__reduce_only; }
static void reduce(struct world *w) { w->in.mode = RISK_STATE__MODE__reduce_only; }
static void no_broker(struct world *w) { w->in.broker = NULL, w->in.symbol = NULL; }
static void no_symbol(struct world *w) { w->in.symbol = NULL; }
static void as_old_as_allowed(struct world *w) { w->in.now = NOW + 60 * NS_PER_S; }
static void a_tick_too_old(struct world *w) { w->in.now = NOW + 60 * NS_PER_S + 1; }
static void own_age(struct world *w) {
    w->account.has_max_signal_age_s = true, w->account.max_signal_age_s = 5;
}
static void own_age_reached(struct world *w) { own_age(w), w->in.now = NOW + 5 * NS_PER_S; }
static void own_age_passed(struct world *w) { own_age(w), w->in.now = NOW + 5 * NS_PER_S + 1; }
static void from_the_future(struct world *w) { w->in.now = NOW - 3600 * NS_PER_S; }
static void expires(struct world *w) {
    w->signal.has_expiration_time = true, w->signal.expiration_time = NOW + NS_PER_S;
}
static void a_tick_before_expiry(struct world *w) { expires(w), w->in.now = NOW + NS_PER_S - 1; }
static void at_expiry(struct world *w) { expires(w), w->in.now = NOW + NS_PER_S; }
static void open_trades(struct world *w, uint32_t open) {
    w->account.has_max_open_trades = true, w->account.max_open_trades = 3, w->in.open_trades = open;
}
static void room_for_one(struct world *w) { open_trades(w, 2); }
static void no_room(struct world *w) { open_trades(w, 3); }
static void no_limit(struct world *w) { w->in.open_trades = 1000000; }
static void none_allowed(struct world *w) { w->account.has_max_open_trades = true; }
static void fixed(struct world *w) {
    w->subscription.has_multiplier = false, w->subscription.has_fixed_lot = true,
    w->subscription.fixed_lot = LOTS(0.25);
}
static void fixed_without_size(struct world *w) { fixed(w), w->signal.has_lot_size = false; }
static void no_size(struct world *w) { w->signal.has_lot_size = false; }
static void no_sizing(struct world *w) { w->subscription.has_multiplier = false; }
static void times(struct world *w, int64_t multiplier) { w->subscription.multiplier = multiplier; }
static void times_half(struct world *w) { times(w, LOTS(0.50)); }
static void times_third(struct world *w) { times(w, INT64_C(33333333)); }
static void step_of_a_tenth(struct world *w) {
    w->symbol.has_lot_step = true, w->symbol.lot_step = LOTS(0.10);
}
static void almost_next_step(struct world *w) {
    step_of_a_tenth(w), w->signal.lot_size = LOTS(0.40) - 1;
}
static void wrong_step(struct world *w) {
    w->symbol.has_lot_step = true, w->symbol.lot_step = 0, times_third(w);
}
static void least_of_symbol(struct world *w) {
    w->symbol.has_min_lot = true, w->symbol.min_lot = LOTS(0.50);
}
static void at_least_of_symbol(struct world *w) {
    least_of_symbol(w), w->signal.lot_size = LOTS(0.50);
}
static void below_least_of_symbol(struct world *w) {
    least_of_symbol(w), w->signal.lot_size = LOTS(0.49);
}
static void rounds_below_least(struct world *w) {
    least_of_symbol(w), w->signal.lot_size = LOTS(0.50) - 1;
}
static void least_of_subscription(struct world *w) {
    w->subscription.has_min_lot = true, w->subscription.min_lot = LOTS(0.80),
    w->signal.lot_size = LOTS(0.79);
}
static void at_least_of_subscription(struct world *w) {
    least_of_subscription(w), w->signal.lot_size = LOTS(0.80);
}
static void lower_least_of_subscription(struct world *w) {
    below_least_of_symbol(w), w->subscription.has_min_lot = true,
                              w->subscription.min_lot = LOTS(0.10);
}
static void below_a_step(struct world *w) { w->signal.lot_size = LOTS(0.01) - 1; }
static void at_a_step(struct world *w) { w->signal.lot_size = LOTS(0.01); }
static void nothing_at_all(struct world *w) { w->signal.lot_size = 0; }
static void negative(struct world *w) { w->signal.lot_size = -LOTS(1.0); }
static void most_of_symbol(struct world *w) {
    w->symbol.has_max_lot = true, w->symbol.max_lot = LOTS(2.0);
}
static void at_most_of_symbol(struct world *w) {
    most_of_symbol(w), w->signal.lot_size = LOTS(2.0);
}
static void above_most_of_symbol(struct world *w) {
    most_of_symbol(w), w->signal.lot_size = LOTS(2.01);
}
static void rounds_to_most_of_symbol(struct world *w) {
    most_of_symbol(w), w->signal.lot_size = LOTS(2.01) - 1;
}
static void cap(struct world *w) {
    w->subscription.has_max_lot = true, w->subscription.max_lot = LOTS(0.70);
}
static void capped(struct world *w) { cap(w), w->signal.lot_size = LOTS(5.0); }
static void capped_before_the_symbols_most(struct world *w) { capped(w), most_of_symbol(w); }
static void cap_off_the_steps(struct world *w) {
    capped(w), step_of_a_tenth(w), w->subscription.max_lot = LOTS(0.75);
}
static void cap_above_the_symbols_most(struct world *w) {
    capped(w), most_of_symbol(w), w->subscription.max_lot = LOTS(3.0);
}
static void out_of_range(struct world *w) { w->signal.lot_size = INT64_MAX, times(w, INT64_MAX); }

static void closing(struct world *w) {
    w->signal.direction = SIGNAL__DIRECTION__close, w->signal.has_lot_size = false;
}
static void closing_reduce(struct world *w) { closing(w), reduce(w), all_reduce(w); }
static void closing_no_room(struct world *w) { closing(w), no_room(w); }
static void closing_below_least(struct world *w) {
    closing(w), below_least_of_symbol(w), w->signal.has_lot_size = true;
}
static void closing_above_most(struct world *w) {
    closing(w), above_most_of_symbol(w), w->signal.has_lot_size = true;
}
static void closing_nothing(struct world *w) {
    closing(w), w->signal.has_lot_size = true, below_a_step(w);
}
static void closing_part(struct world *w) {
    closing(w), w->signal.has_lot_size = true, times_half(w);
}
static void closing_part_of_fixed(struct world *w) {
    closing(w), w->signal.has_lot_size = true, fixed(w);
}
static void closing_halted(struct world *w) { closing(w), halted(w); }
static void closing_all_halted(struct world *w) { closing(w), all_halted(w); }
static void closing_too_old(struct world *w) { closing(w), a_tick_too_old(w); }
static void closing_filtered(struct world *w) { closing(w), takes_pound(w); }

static void only_a_part(struct world *w) { w->signal.has_part_only = w->signal.part_only = true; }

#define EVERYTHING (-1)

static const struct example {
    const char *name;
    change_fn *change;
    Reason__Code reason;
    int64_t lots;       // when ordered
    const char *detail; // NULL: any
} examples[] = {
    {"a plain signal", nothing, REASON__CODE__ordered, LOTS(1.0), "1 lots"},
    {"a part of a consensus", only_a_part, REASON__CODE__part_only, 0, NULL},
    {"strategy listed", takes_trend, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"strategy not listed", takes_scalp, REASON__CODE__filtered_strategy, 0, "strategy trend"},
    {"strategy not given", no_strategy_named, REASON__CODE__filtered_strategy, 0,
     "strategy not given"},
    {"symbol listed", takes_euro, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"symbol not listed", takes_pound, REASON__CODE__filtered_symbol, 0, "symbol EURUSD"},
    {"the first reason counts", filtered_twice, REASON__CODE__filtered_strategy, 0, NULL},
    {"disabled", off, REASON__CODE__account_disabled, 0, NULL},
    {"halted, all", all_halted, REASON__CODE__halted_global, 0, NULL},
    {"halted, account", halted, REASON__CODE__halted_account, 0, NULL},
    {"halted, both", halted_twice, REASON__CODE__halted_global, 0, NULL},
    {"reduce only, all", all_reduce, REASON__CODE__reduce_only, 0, "global"},
    {"reduce only, account", reduce, REASON__CODE__reduce_only, 0, "account"},
    {"no such broker", no_broker, REASON__CODE__unknown_broker, 0, "broker b1"},
    {"no such symbol", no_symbol, REASON__CODE__unknown_symbol, 0, "symbol EURUSD at broker b1"},
    {"exactly at the age", as_old_as_allowed, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"one tick too old", a_tick_too_old, REASON__CODE__signal_too_old, 0,
     "age 60.000 s, at most 60 s"},
    {"exactly at its own age", own_age_reached, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"one tick over its own age", own_age_passed, REASON__CODE__signal_too_old, 0,
     "age 5.000 s, at most 5 s"},
    {"a clock that is behind", from_the_future, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"one tick before expiry", a_tick_before_expiry, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"exactly at expiry", at_expiry, REASON__CODE__signal_expired, 0,
     "expired at 2025-03-22T10:15:31Z"},
    {"room for one more trade", room_for_one, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"no room for a trade", no_room, REASON__CODE__max_open_trades, 0, "3 open, at most 3"},
    {"no limit of trades", no_limit, REASON__CODE__ordered, LOTS(1.0), NULL},
    {"no trade allowed", none_allowed, REASON__CODE__max_open_trades, 0, "0 open, at most 0"},
    {"fixed size", fixed, REASON__CODE__ordered, LOTS(0.25), "0.25 lots"},
    {"fixed size, signal without", fixed_without_size, REASON__CODE__ordered, LOTS(0.25), NULL},
    {"nothing to multiply", no_size, REASON__CODE__no_lot_size, 0,
     "the signal has no size to multiply"},
    {"no sizing configured", no_sizing, REASON__CODE__no_lot_size, 0,
     "neither fixed_lot nor multiplier"},
    {"half", times_half, REASON__CODE__ordered, LOTS(0.50), "0.5 lots"},
    {"a third is rounded down", times_third, REASON__CODE__ordered, LOTS(0.33),
     "0.33 lots, from 0.33333333"},
    {"just below a step is rounded down", almost_next_step, REASON__CODE__ordered, LOTS(0.30),
     "0.3 lots, from 0.39999999"},
    {"a step of zero is the usual one", wrong_step, REASON__CODE__ordered, LOTS(0.33), NULL},
    {"exactly the symbol's least", at_least_of_symbol, REASON__CODE__ordered, LOTS(0.50), NULL},
    {"below the symbol's least", below_least_of_symbol, REASON__CODE__below_min_lot, 0,
     "0.49 lots, at least 0.5"},
    {"rounded below the least", rounds_below_least, REASON__CODE__below_min_lot, 0,
     "0.49 lots, at least 0.5"},
    {"exactly the subscription's least", at_least_of_subscription, REASON__CODE__ordered,
     LOTS(0.80), NULL},
    {"below the subscription's least", least_of_subscription, REASON__CODE__below_min_lot, 0,
     "0.79 lots, at least 0.8"},
    {"the higher least counts", lower_least_of_subscription, REASON__CODE__below_min_lot, 0, NULL},
    {"below one step", below_a_step, REASON__CODE__below_min_lot, 0, "0 lots, at least 0.01"},
    {"exactly one step", at_a_step, REASON__CODE__ordered, LOTS(0.01), NULL},
    {"size zero", nothing_at_all, REASON__CODE__below_min_lot, 0, NULL},
    {"negative size", negative, REASON__CODE__below_min_lot, 0, NULL},
    {"exactly the symbol's most", at_most_of_symbol, REASON__CODE__ordered, LOTS(2.0), NULL},
    {"above the symbol's most", above_most_of_symbol, REASON__CODE__above_max_lot, 0,
     "2.01 lots, at most 2"},
    {"rounded down to the most", rounds_to_most_of_symbol, REASON__CODE__ordered, LOTS(2.0), NULL},
    {"capped by the subscription", capped, REASON__CODE__ordered, LOTS(0.70), "0.7 lots, from 5"},
    {"capped below the symbol's most", capped_before_the_symbols_most, REASON__CODE__ordered,
     LOTS(0.70), NULL},
    {"a cap is rounded down, too", cap_off_the_steps, REASON__CODE__ordered, LOTS(0.70), NULL},
    {"a cap above the symbol's most", cap_above_the_symbols_most, REASON__CODE__above_max_lot, 0,
     "3 lots, at most 2"},
    {"a product out of range", out_of_range, REASON__CODE__above_max_lot, 0, NULL},
    {"close", closing, REASON__CODE__ordered, EVERYTHING, "everything"},
    {"close when reducing only", closing_reduce, REASON__CODE__ordered, EVERYTHING, NULL},
    {"close with no room for trades", closing_no_room, REASON__CODE__ordered, EVERYTHING, NULL},
    {"close below the least", closing_below_least, REASON__CODE__ordered, LOTS(0.49), NULL},
    {"close above the most", closing_above_most, REASON__CODE__ordered, LOTS(2.01), NULL},
    {"close less than a step", closing_nothing, REASON__CODE__below_min_lot, 0, NULL},
    {"close a part", closing_part, REASON__CODE__ordered, LOTS(0.50), NULL},
    {"close a part, sizes of its own", closing_part_of_fixed, REASON__CODE__ordered, EVERYTHING,
     NULL},
    {"close when halted", closing_halted, REASON__CODE__halted_account, 0, NULL},
    {"close when all is halted", closing_all_halted, REASON__CODE__halted_global, 0, NULL},
    {"close too late", closing_too_old, REASON__CODE__signal_too_old, 0, NULL},
    {"close of another symbol", closing_filtered, REASON__CODE__filtered_symbol, 0, NULL},
};

static bool holds(const struct example *e) {
    struct world w;
    struct decide_result all[DECIDE_LEGS], *got = all;
    memset(all, 0x5A, sizeof all);
    world_make(&w);
    e->change(&w);
    size_t n = decide_signal(&w.in, all);
    bool lots = got->has_lots ? got->lots.e8 == e->lots : e->lots <= 0;
    bool ok = n == 1 && got->reason == e->reason && lots &&
              (!e->detail || strcmp(got->detail, e->detail) == 0);
    if (!ok)
        print_error("%s: reason %d, lots %lld, detail \"%s\"\n", e->name, got->reason,
                    (long long)got->lots.e8, got->detail);
    return ok;
}

static void every_example_is_decided_as_written(void **state) {
    (void)state;
    bool ok = true;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) ok = holds(&examples[i]) && ok;
    assert_true(ok);
}

static void every_reason_has_an_example(void **state) {
    (void)state;
    for (unsigned i = 0; i < reason__code__descriptor.n_values; i++) {
        int code = reason__code__descriptor.values[i].value;
        // those have tests of their own, as have those of a whole signal (test_router)
        bool found = (code >= 100 && code < 300) || code >= 400;
        for (size_t k = 0; k < sizeof examples / sizeof *examples; k++)
            found = found || (int)examples[k].reason == reason__code__descriptor.values[i].value;
        if (!found) print_error("no example of %s\n", reason__code__descriptor.values[i].name);
        assert_true(found);
    }
}

static void an_order_is_valid_until_the_signal_is_too_old_or_expired(void **state) {
    (void)state;
    struct world w;
    struct decide_result got[DECIDE_LEGS];
    world_make(&w);
    (void)decide_signal(&w.in, got);
    assert_int_equal(got->valid_until, NOW + 60 * NS_PER_S);
    expires(&w);
    (void)decide_signal(&w.in, got);
    assert_int_equal(got->valid_until, NOW + NS_PER_S);
    w.signal.expiration_time = NOW + 86400 * NS_PER_S;
    (void)decide_signal(&w.in, got);
    assert_int_equal(got->valid_until, NOW + 60 * NS_PER_S);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_decided_as_written),
        cmocka_unit_test(every_reason_has_an_example),
        cmocka_unit_test(an_order_is_valid_until_the_signal_is_too_old_or_expired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
