// test_rates - prices that convert one currency into another: directly, the other way round, over USD, or not at all.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/domain/rates.h"

#define ONE DECIMAL_SCALE

static void quote(rates_t *rates, const char *symbol, int64_t bid, int64_t ask, uint64_t at) {
    Price p = PRICE__INIT;
    p.symbol = (char *)symbol;
    p.has_bid = bid > 0, p.bid = bid;
    p.has_ask = ask > 0, p.ask = ask;
    p.last = bid > 0 ? bid : ask;
    p.timestamp = at;
    rates_take(rates, &p);
}

static rates_t *board(void) {
    rates_t *rates = rates_new(10);
    quote(rates, "EURUSD", 110000000, 110100000, 100);
    quote(rates, "USDJPY", 150 * ONE, 15010000000, 100);
    quote(rates, "GBPUSD", 125000000, 125000000, 10);
    return rates;
}

static void an_amount_is_converted_by_what_is_known(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
        int64_t amount;
        uint64_t since;
        enum conversion how;
        int64_t result;
    } cases[] = {
        {"USD", "USD", 7, 0, CONVERTED, 7},
        {"XXX", "XXX", 7, 0, CONVERTED, 7},                   // needs no price
        {"EUR", "USD", 100 * ONE, 0, CONVERTED, 11010000000}, // direct, at the ask
        {"USD", "EUR", 110 * ONE, 0, CONVERTED, 100 * ONE},   // inverse, at the bid
        // 0.909… of the last digit: up
        {"USD", "EUR", 1, 0, CONVERTED, 1},
        // over USD: 100 * 1.101 * 150.1
        {"EUR", "JPY", 100 * ONE, 0, CONVERTED, INT64_C(1652601000000)},
        {"JPY", "EUR", 16500 * ONE, 0, CONVERTED, 100 * ONE}, // over USD, both inverse
        {"GBP", "EUR", 88 * ONE, 0, CONVERTED, 100 * ONE},    // direct, then inverse
        {"GBP", "USD", ONE, 10, CONVERTED, 125000000},        // exactly as old as may be
        {"GBP", "USD", ONE, 11, NO_RATE, 0},                  // one tick too old
        {"CHF", "USD", ONE, 0, NO_RATE, 0},
        {"CHF", "EUR", ONE, 0, NO_RATE, 0},
        {"EUR", "CHF", ONE, 0, NO_RATE, 0},
        {"USD", "JPY", INT64_MAX, 0, TOO_LARGE, 0},
        {"EUR", "JPY", INT64_MAX, 0, TOO_LARGE, 0},
        {"EUR", "USD", 0, 0, CONVERTED, 0},
    };
    rates_t *rates = board();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        decimal_t out = {0};
        const struct known_rates m = {rates, cases[i].since};
        assert_int_equal(rates_convert(&m,
                                       &(struct exchange){D(cases[i].amount), cases[i].from,
                                                          cases[i].to, ROUND_UP},
                                       &out),
                         cases[i].how);
        if (cases[i].how == CONVERTED) assert_int_equal(out.e8, cases[i].result);
    }
    rates_destroy(&rates);
}

static void what_an_amount_brings_is_reckoned_at_the_cheaper_side(void **state) {
    (void)state;
    rates_t *rates = board();
    const struct known_rates m = {rates, 0};
    decimal_t out;
    assert_int_equal(
        rates_convert(&m, &(struct exchange){D(100 * ONE), "EUR", "USD", ROUND_DOWN}, &out),
        CONVERTED);
    assert_int_equal(out.e8, 110 * ONE);
    assert_int_equal(
        rates_convert(&m, &(struct exchange){D(INT64_C(11010000000)), "USD", "EUR", ROUND_DOWN},
                      &out),
        CONVERTED);
    assert_int_equal(out.e8, 100 * ONE);
    assert_int_equal(rates_convert(&m, &(struct exchange){D(1), "USD", "EUR", ROUND_DOWN}, &out),
                     CONVERTED);
    assert_int_equal(out.e8, 0);
    rates_destroy(&rates);
}

static void without_any_prices_nothing_is_converted(void **state) {
    (void)state;
    decimal_t out;
    const struct known_rates m = {0};
    assert_int_equal(rates_convert(&m, &(struct exchange){D(1), "EUR", "USD", ROUND_UP}, &out),
                     NO_RATE);
}

static void an_older_price_is_passed_over(void **state) {
    (void)state;
    rates_t *rates = board();
    quote(rates, "EURUSD", 1, 1, 99);
    assert_int_equal(rates_find(rates, "EURUSD", 0)->bid.e8, 110000000);
    quote(rates, "EURUSD", 5, 6, 100);
    assert_int_equal(rates_find(rates, "EURUSD", 0)->bid.e8, 5);
    quote(rates, "EURUSD", 0, 7, 101);
    assert_int_equal(rates_find(rates, "EURUSD", 0)->bid.e8, 7); // the last stands in
    rates_destroy(&rates);
}

static void no_more_symbols_are_held_than_may_be(void **state) {
    (void)state;
    rates_t *rates = rates_new(1);
    quote(rates, "A", 1, 1, 1);
    quote(rates, "B", 1, 1, 1);
    assert_non_null(rates_find(rates, "A", 0));
    assert_null(rates_find(rates, "B", 0));
    rates_destroy(&rates);
}

static void currencies_are_as_configured_else_those_of_six_letters(void **state) {
    (void)state;
    static const struct {
        const char *symbol, *configured_profit, *configured_margin, *profit, *margin;
        bool pair;
    } cases[] = {
        {"GBPJPY", NULL, NULL, "JPY", "GBP", true},
        {"US30", NULL, NULL, "", "", false},
        {"EURUSD.m", NULL, NULL, "", "", false},
        {"EURUS", NULL, NULL, "", "", false},
        {"", NULL, NULL, "", "", false},
        {"US30", "USD", NULL, "USD", "", false},
        {"XAUUSD", "USD", NULL, "USD", "", false},
        {"GBPJPY", "JPY", "GBP", "JPY", "GBP", true},
        {"GER40", "EUR", "EUR", "EUR", "", false},
        {"XAUUSD", NULL, "USD", "USD", "", false},
        {"BTCUSDT", "TETHERUS", "BTC", "TETHERUS", "BTC", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SymbolConfig config = SYMBOL_CONFIG__INIT;
        config.profit_currency = (char *)cases[i].configured_profit;
        config.margin_currency = (char *)cases[i].configured_margin;
        const struct symbol_currencies c = symbol_currencies_of(&config, cases[i].symbol);
        assert_string_equal(c.profit, cases[i].profit);
        assert_string_equal(c.margin, cases[i].margin);
        assert_int_equal(c.pair, cases[i].pair);
    }
    assert_string_equal(symbol_currencies_of(NULL, "EURUSD").profit, "USD");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amount_is_converted_by_what_is_known),
        cmocka_unit_test(what_an_amount_brings_is_reckoned_at_the_cheaper_side),
        cmocka_unit_test(without_any_prices_nothing_is_converted),
        cmocka_unit_test(an_older_price_is_passed_over),
        cmocka_unit_test(no_more_symbols_are_held_than_may_be),
        cmocka_unit_test(currencies_are_as_configured_else_those_of_six_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
