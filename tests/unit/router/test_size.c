// test_size - how many lots: every way of sizing, with its edges.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "case.h"
#include "services/router/decide/size.h"

#define R(name)   REASON__CODE__##name
#define ORDERED   R(ordered)
#define BY(name)  g->subscription.has_sizing = true, g->subscription.sizing = SIZING__BY__##name
#define SUB(f, v) SET(g->subscription, f, v)
#define SIG(f, v) SET(g->signal, f, v)
#define SYM(f, v) SET(g->symbol, f, v)
#define CASE(name, body)                                                                           \
    static void name(struct given *g) { body; }

// --- fixed, multiplier
CASE(fixed, (BY(fixed), SUB(fixed_lot, "0.25")))
CASE(fixed_unset, (BY(fixed)))
CASE(multiplier_of_one, (BY(multiplier), g->subscription.has_multiplier = false))
CASE(multiplier_half, (BY(multiplier), SUB(multiplier, "0.5")))
CASE(round_up_small,
     (SIG(lot_size, "0.004"), g->subscription.below_min = SIZING__BELOW_MIN__round_up))
CASE(round_up_to_min, (SIG(lot_size, "0.09"), SYM(min_lot, "0.1"),
                       g->subscription.below_min = SIZING__BELOW_MIN__round_up))
CASE(round_up_to_a_step, (SIG(lot_size, "0.09"), SYM(min_lot, "0.25"), SYM(lot_step, "0.1"),
                          g->subscription.below_min = SIZING__BELOW_MIN__round_up))
CASE(round_up_nothing,
     (SIG(lot_size, "0"), g->subscription.below_min = SIZING__BELOW_MIN__round_up))
CASE(round_up_above_own_most, (SIG(lot_size, "0.09"), SYM(min_lot, "0.5"), SUB(max_lot, "0.4"),
                               g->subscription.below_min = SIZING__BELOW_MIN__round_up))
CASE(at_min_needs_no_rounding, (SIG(lot_size, "0.1"), SYM(min_lot, "0.1"),
                                g->subscription.below_min = SIZING__BELOW_MIN__round_up))

// --- equity ratio: 8000 of equity
CASE(ratio, (BY(equity_ratio), SIG(provider_equity, "16000")))
CASE(ratio_times, (ratio(g), SUB(multiplier, "0.5")))
CASE(ratio_exact_third, (BY(equity_ratio), SIG(provider_equity, "24000"), SIG(lot_size, "3")))
CASE(ratio_by_balance, (BY(equity_ratio), SIG(provider_balance, "4000")))
CASE(ratio_equity_first, (ratio(g), SIG(provider_balance, "1")))
CASE(ratio_configured, (BY(equity_ratio), SUB(provider_equity, "80000")))
CASE(ratio_unknown, (BY(equity_ratio)))
CASE(ratio_of_nothing, (BY(equity_ratio), SIG(provider_equity, "0")))
CASE(ratio_no_equity, (ratio(g), g->money.equity = D(0)))
CASE(ratio_no_account, (ratio(g), g->money.known = false))
CASE(ratio_no_money, (ratio(g), g->in.money = NULL))
CASE(ratio_no_size, (ratio(g), g->signal.has_lot_size = false))
CASE(ratio_too_large,
     (BY(equity_ratio), SIG(provider_equity, "0.00000001"), SIG(lot_size, "10000000")))

// --- risk: 10,000 of balance, 8,000 of equity; 50 pips are 0.0050 * 100,000 = 500 USD a lot
CASE(stop, (SIG(stop_loss, "1.095")))
CASE(balance_one, (BY(balance_percent), SUB(risk_percent, "1"), stop(g)))
CASE(equity_one, (BY(equity_percent), SUB(risk_percent, "1"), stop(g)))
CASE(percent_of_signal, (BY(balance_percent), SIG(risk_percent, "2"), stop(g)))
CASE(percent_of_subscription_first, (percent_of_signal(g), SUB(risk_percent, "1")))
CASE(percent_of_nobody, (BY(balance_percent), stop(g)))
CASE(cash, (BY(cash_risk), SUB(risk_cash, "250"), stop(g)))
CASE(cash_of_signal, (BY(cash_risk), SIG(risk_amount, "125"), stop(g)))
CASE(cash_of_nobody, (BY(cash_risk), stop(g)))
CASE(cash_rounds_down, (BY(cash_risk), SUB(risk_cash, "254.99999999"), stop(g)))
CASE(cash_just_reaches, (BY(cash_risk), SUB(risk_cash, "255"), stop(g)))
CASE(no_stop, (BY(cash_risk), SUB(risk_cash, "250")))
CASE(no_stop_but_preset, (no_stop(g), SUB(default_stop_loss_points, "500")))
CASE(stop_at_entry, (no_stop(g), SIG(stop_loss, "1.1")))
CASE(stop_a_tick_away, (no_stop(g), SIG(stop_loss, "1.09999")))
CASE(stop_beyond, (no_stop(g), SIG(stop_loss, "1.10001")))
CASE(no_entry, (cash(g), g->signal.has_price = false))
CASE(entry_of_feed,
     (no_entry(g), g->quote = (struct rate){D(E8("1.0998")), D(E8("1.1")), D(E8("1.1")), NOW},
      g->in.quote = &g->quote))
CASE(sell_at_bid,
     (entry_of_feed(g), g->signal.direction = SIGNAL__DIRECTION__sell, SIG(stop_loss, "1.1048")))
CASE(risk_no_account, (balance_one(g), g->money.known = false))
CASE(risk_no_balance, (balance_one(g), g->money.balance = D(0)))
CASE(risk_overdrawn, (equity_one(g), g->money.equity = D(E8("-5"))))
CASE(cash_needs_no_account, (cash(g), g->in.money = NULL))
// 50 ticks of 5: 250 a lot
CASE(tick_value, (cash(g), SYM(tick_size, "0.0001"), SYM(tick_value, "5")))
CASE(tick_value_part, (cash(g), SYM(tick_size, "0.003"), SYM(tick_value, "100")))
CASE(contract, (cash(g), SYM(contract_size, "1000")))
CASE(risk_max, (cash(g), SIG(stop_loss, "1.09999"), SYM(max_lot, "100")))
CASE(risk_cap, (cash(g), SIG(stop_loss, "1.09999"), SUB(max_lot, "7")))
CASE(risk_small, (BY(cash_risk), SUB(risk_cash, "4.99"), stop(g)))
CASE(risk_small_up, (risk_small(g), g->subscription.below_min = SIZING__BELOW_MIN__round_up))
// by the signal
CASE(signal_risk, (g->signal.has_lot_size = false, SIG(risk_percent, "1"), stop(g)))
CASE(signal_risk_twice, (signal_risk(g), SUB(multiplier, "2")))
CASE(signal_cash, (g->signal.has_lot_size = false, SIG(risk_amount, "250"), stop(g)))
CASE(signal_lots_first, (SIG(risk_amount, "250"), stop(g)))
CASE(signal_margin, (g->signal.has_lot_size = false, SIG(margin_percent, "11"),
                     given_rate(g, "EURUSD", "1.1", "1.1")))
CASE(signal_margin_no_rate, (g->signal.has_lot_size = false, SIG(margin_percent, "11")))
CASE(margin_of_a_share,
     (g->signal.has_lot_size = false, SIG(margin_percent, "10"),
      g->symbol.profit_currency = (char *)"USD", g->signal.symbol = (char *)"AAPL",
      SIG(price, "200"), SYM(contract_size, "1")))

// --- currencies
CASE(in_yen,
     (cash(g), g->signal.symbol = (char *)"USDJPY", SIG(price, "150"), SIG(stop_loss, "149.5")))
CASE(yen_inverse, (in_yen(g), given_rate(g, "USDJPY", "150", "150.1")))
CASE(yen_direct, (in_yen(g), given_rate(g, "JPYUSD", "0.0066", "0.00667")))
CASE(yen_unknown, (in_yen(g)))
CASE(yen_stale, (yen_inverse(g), g->in.market.since = NOW + 1))
CASE(cross, (cash(g), g->signal.symbol = (char *)"EURGBP",
             snprintf(g->money.currency, sizeof g->money.currency, "CHF"),
             given_rate(g, "GBPUSD", "1.25", "1.25"), given_rate(g, "USDCHF", "0.8", "0.8")))
CASE(account_says_currency, (cash(g), g->money.currency[0] = 0, g->account.currency = (char *)"EUR",
                             given_rate(g, "EURUSD", "1.25", "1.25")))
CASE(index_unknown, (cash(g), g->signal.symbol = (char *)"US30"))
CASE(index_known, (index_unknown(g), g->symbol.profit_currency = (char *)"USD"))
CASE(risk_overflow, (cash(g), SIG(price, "90000000000"), SIG(stop_loss, "1")))

static const struct example {
    const char *name;
    change_fn *change;
    Reason__Code reason;
    const char *lots; // when ordered
} examples[] = {
#define OK(name, lots)                                                                             \
    { #name, name, ORDERED, lots }
#define NO(name, reason_)                                                                          \
    { #name, name, R(reason_), NULL }
    OK(fixed, "0.25"),
    NO(fixed_unset, no_lot_size),
    OK(multiplier_of_one, "1"),
    OK(multiplier_half, "0.5"),
    OK(round_up_small, "0.01"),
    OK(round_up_to_min, "0.1"),
    OK(round_up_to_a_step, "0.3"),
    NO(round_up_nothing, below_min_lot),
    NO(round_up_above_own_most, below_min_lot),
    OK(at_min_needs_no_rounding, "0.1"),
    OK(ratio, "0.5"),
    OK(ratio_times, "0.25"),
    OK(ratio_exact_third, "1"),
    OK(ratio_by_balance, "2"),
    OK(ratio_equity_first, "0.5"),
    OK(ratio_configured, "0.1"),
    NO(ratio_unknown, no_provider_equity),
    NO(ratio_of_nothing, no_provider_equity),
    NO(ratio_no_equity, no_account_state),
    NO(ratio_no_account, no_account_state),
    NO(ratio_no_money, no_account_state),
    NO(ratio_no_size, no_lot_size),
    NO(ratio_too_large, out_of_range),
    OK(balance_one, "0.2"),
    OK(equity_one, "0.16"),
    OK(percent_of_signal, "0.4"),
    OK(percent_of_subscription_first, "0.2"),
    NO(percent_of_nobody, no_lot_size),
    OK(cash, "0.5"),
    OK(cash_of_signal, "0.25"),
    NO(cash_of_nobody, no_lot_size),
    OK(cash_rounds_down, "0.5"),
    OK(cash_just_reaches, "0.51"),
    NO(no_stop, no_stop_loss),
    OK(no_stop_but_preset, "0.5"),
    NO(stop_at_entry, zero_stop_distance),
    OK(stop_a_tick_away, "250"),
    NO(stop_beyond, wrong_side),
    NO(no_entry, no_price),
    OK(entry_of_feed, "0.5"),
    OK(sell_at_bid, "0.5"),
    NO(risk_no_account, no_account_state),
    NO(risk_no_balance, no_account_state),
    NO(risk_overdrawn, no_account_state),
    OK(cash_needs_no_account, "0.5"),
    OK(tick_value, "1"),
    OK(tick_value_part, "1.5"),
    OK(contract, "50"),
    NO(risk_max, above_max_lot),
    OK(risk_cap, "7"),
    NO(risk_small, below_min_lot),
    OK(risk_small_up, "0.01"),
    OK(signal_risk, "0.2"),
    OK(signal_risk_twice, "0.4"),
    OK(signal_cash, "0.5"),
    OK(signal_lots_first, "1"),
    OK(signal_margin, "1"),
    NO(signal_margin_no_rate, no_rate),
    OK(margin_of_a_share, "500"),
    OK(yen_inverse, "0.75"), // 250 USD are 37,500 JPY at the bid, of 50,000
    OK(yen_direct, "0.74"),  // at the ask: 333.5
    NO(yen_unknown, no_rate),
    NO(yen_stale, no_rate),
    OK(cross, "0.5"),                  // 500 GBP are 625 USD are 500 CHF
    OK(account_says_currency, "0.62"), // 500 USD are 400 EUR: 250 / 400 = 0.625
    NO(index_unknown, unknown_currency),
    OK(index_known, "0.5"),
    NO(risk_overflow, out_of_range),
};

static void every_way_of_sizing_gives_what_is_written(void **state) {
    (void)state;
    bool ok = true;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *e = &examples[i];
        struct given g;
        struct decide_result got[DECIDE_LEGS];
        given_make(&g);
        e->change(&g);
        size_t n = decide_signal(&g.in, got);
        bool good = n == 1 && got->reason == e->reason && got->has_lots == (e->lots != NULL) &&
                    (!e->lots || got->lots.e8 == E8(e->lots));
        if (!good) {
            char lots[DECIMAL_TEXT] = "";
            if (got->has_lots) (void)decimal_print(got->lots, lots);
            print_error("%s: reason %d, lots %s, \"%s\"\n", e->name, got->reason, lots,
                        got->detail);
        }
        ok = ok && good;
        given_free(&g);
    }
    assert_true(ok);
}

// --- properties over generated cases

static uint64_t draw(uint64_t *seed, uint64_t below) { // xorshift
    *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
    return *seed % below;
}

static void generate(struct given *g, uint64_t *seed) {
    static const Sizing__By by[] = {SIZING__BY__fixed,          SIZING__BY__multiplier,
                                    SIZING__BY__equity_ratio,   SIZING__BY__balance_percent,
                                    SIZING__BY__equity_percent, SIZING__BY__cash_risk};
    static const char *const steps[] = {"0.01", "0.1", "1", "0.001", "0.03"};
    given_make(g);
    g->subscription.has_sizing = true, g->subscription.sizing = by[draw(seed, 6)];
    SET(g->subscription, fixed_lot, "1");
    g->subscription.fixed_lot = (int64_t)draw(seed, 500000000);
    g->subscription.multiplier = (int64_t)draw(seed, 300000000);
    SET(g->subscription, risk_percent, "1");
    g->subscription.risk_percent = (int64_t)draw(seed, 500000000);
    SET(g->subscription, risk_cash, "1");
    g->subscription.risk_cash = (int64_t)draw(seed, 100000000000);
    SET(g->subscription, provider_equity, "5000");
    if (draw(seed, 2))
        g->subscription.has_max_lot = true,
        g->subscription.max_lot = (int64_t)draw(seed, 300000000);
    if (draw(seed, 2)) g->subscription.below_min = SIZING__BELOW_MIN__round_up;
    SET(g->symbol, lot_step, steps[draw(seed, 5)]);
    if (draw(seed, 2))
        g->symbol.has_min_lot = true, g->symbol.min_lot = (int64_t)draw(seed, 50000000);
    if (draw(seed, 2))
        g->symbol.has_max_lot = true, g->symbol.max_lot = (int64_t)draw(seed, 900000000);
    g->signal.direction = draw(seed, 2) ? SIGNAL__DIRECTION__buy : SIGNAL__DIRECTION__sell;
    g->signal.lot_size = (int64_t)draw(seed, 900000000);
    int64_t away = 1000 + (int64_t)draw(seed, 2000000);
    g->signal.has_stop_loss = true;
    g->signal.stop_loss =
        g->signal.price + (g->signal.direction == SIGNAL__DIRECTION__buy ? -away : away);
}

// What was ordered keeps every bound, and is no more at risk than allowed, unless it was rounded up
// to the smallest order as configured.
static void check(const struct given *g, const struct decide_result *got) {
    const Subscription *sub = &g->subscription;
    int64_t lots = got->lots.e8, step = g->symbol.lot_step;
    assert_int_equal(got->leg.side, g->signal.direction);
    assert_true(lots > 0 && lots % step == 0);
    if (g->symbol.has_min_lot) assert_true(lots >= g->symbol.min_lot);
    if (g->symbol.has_max_lot) assert_true(lots <= g->symbol.max_lot);
    if (sub->has_max_lot) assert_true(lots <= sub->max_lot);
    bool lifted = sub->below_min == SIZING__BELOW_MIN__round_up &&
                  lots < (g->symbol.has_min_lot ? g->symbol.min_lot : step) + step;
    if (lifted) return;
    __int128 away = g->signal.stop_loss > g->signal.price ? g->signal.stop_loss - g->signal.price
                                                          : g->signal.price - g->signal.stop_loss;
    __int128 risk = away * lots / DECIMAL_SCALE * 100000;
    if (sub->sizing == SIZING__BY__balance_percent)
        assert_true(risk <=
                    (__int128)g->money.balance.e8 * sub->risk_percent / DECIMAL_SCALE / 100);
    if (sub->sizing == SIZING__BY__equity_percent)
        assert_true(risk <= (__int128)g->money.equity.e8 * sub->risk_percent / DECIMAL_SCALE / 100);
    if (sub->sizing == SIZING__BY__cash_risk) assert_true(risk <= sub->risk_cash);
    if (sub->sizing == SIZING__BY__fixed) assert_true(lots <= sub->fixed_lot);
    if (sub->sizing == SIZING__BY__multiplier)
        assert_true((__int128)lots * DECIMAL_SCALE <=
                    (__int128)g->signal.lot_size * sub->multiplier);
}

static void nothing_generated_breaks_a_bound(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252;
    unsigned ordered = 0;
    for (unsigned i = 0; i < 20000; i++) {
        struct given g;
        struct decide_result got[DECIDE_LEGS];
        generate(&g, &seed);
        assert_int_equal(decide_signal(&g.in, got), 1);
        if (got->reason == ORDERED) check(&g, got), ordered++;
        given_free(&g);
    }
    assert_in_range(ordered, 4000, 19000);
}

// --- how long it takes: printed, not asserted

static void print_cost(const char *name, change_fn *change) {
    enum { TIMES = 100000 };
    struct given g;
    struct decide_result got[DECIDE_LEGS];
    struct timespec from, to;
    given_make(&g);
    change(&g);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < TIMES; i++) (void)decide_signal(&g.in, got);
    clock_gettime(CLOCK_MONOTONIC, &to);
    print_message("decide, %s: %lld ns\n", name,
                  (long long)((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec) /
                      TIMES);
    given_free(&g);
}

static void a_decision_is_quick(void **state) {
    (void)state;
    print_cost("multiplier", multiplier_half);
    print_cost("risk", balance_one);
    print_cost("risk over two currencies", cross);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_sizing_gives_what_is_written),
        cmocka_unit_test(nothing_generated_breaks_a_bound),
        cmocka_unit_test(a_decision_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
