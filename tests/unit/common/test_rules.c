// test_rules - which of an account's own rules, its preset's and the global ones hold.
// SPDX-License-Identifier: MIT
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "common/domain/rules.h"

static void put(book_t *book, const char *id, RiskRules *rules) {
    static uint64_t version;
    RiskConfig preset = RISK_CONFIG__INIT;
    ConfigChange change = CONFIG_CHANGE__INIT;
    preset.preset_id = (char *)(uintptr_t)id;
    preset.rules = rules;
    change.kind = CONFIG_CHANGE__KIND__risk_config;
    change.id = preset.preset_id;
    change.version = ++version;
    change.risk = &preset;
    assert_int_equal(book_apply(book, &change), ERR_OK);
}

#define HAS(message, field, value) ((message).has_##field = true, (message).field = (value))

static void the_first_layer_that_has_a_field_gives_it(void **state) {
    (void)state;
    book_t *book = book_new();
    RiskRules own = RISK_RULES__INIT, preset = RISK_RULES__INIT, global = RISK_RULES__INIT;
    DailyLoss loss = DAILY_LOSS__INIT, other = DAILY_LOSS__INIT;
    Blackout dark = BLACKOUT__INIT, *darks[] = {&dark, &dark};
    char *symbols[] = {(char *)"EURUSD"};
    HAS(own, max_lots_order, 1);
    own.preset = (char *)"p";
    own.daily_loss = &loss;
    HAS(preset, max_lots_order, 2), HAS(preset, max_lots_symbol, 2), HAS(preset, max_orders, 2),
        HAS(preset, one_per_direction, true);
    preset.daily_loss = &other;
    preset.time_zone = (char *)"America/New_York";
    preset.reset_at = (char *)"17:00";
    preset.blackouts = darks, preset.n_blackouts = 1;
    HAS(global, max_lots_order, 3), HAS(global, max_lots_account, 3),
        HAS(global, one_per_direction, false);
    global.allowed_symbols = symbols, global.n_allowed_symbols = 1;
    global.blackouts = darks, global.n_blackouts = 2;
    put(book, "p", &preset);
    put(book, RULES_GLOBAL, &global);
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.risk = &own;
    struct rules r;
    rules_of(book, &account, &r);
    assert_int_equal(r.r.max_lots_order, 1);
    assert_int_equal(r.r.max_lots_symbol, 2);
    assert_int_equal(r.r.max_lots_account, 3);
    assert_int_equal(r.r.max_orders, 2);
    assert_true(r.r.has_one_per_direction && r.r.one_per_direction);
    assert_ptr_equal(r.r.daily_loss, &loss); // whole
    assert_string_equal(r.zone, "America/New_York");
    assert_int_equal(r.day_starts, 17 * 60);
    assert_int_equal(r.r.n_allowed_symbols, 1);
    assert_int_equal(r.n_layers, 3);
    assert_int_equal(r.layers[1]->n_blackouts + r.layers[2]->n_blackouts, 3);
    book_destroy(&book);
}

static void without_rules_the_account_s_own_day_holds(void **state) {
    (void)state;
    book_t *book = book_new();
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.time_zone = (char *)"Asia/Tokyo";
    account.day_starts_at = (char *)"06:30";
    struct rules r;
    rules_of(book, &account, &r);
    assert_int_equal(r.n_layers, 0);
    assert_string_equal(r.zone, "Asia/Tokyo");
    assert_int_equal(r.day_starts, 390);
    book_destroy(&book);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_layer_that_has_a_field_gives_it),
        cmocka_unit_test(without_rules_the_account_s_own_day_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
