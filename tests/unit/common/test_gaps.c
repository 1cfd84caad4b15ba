// test_gaps - what a configuration lacks to trade is named, one by one, with what to do; what is
// complete has no gap.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/own.h"
#include "common/domain/gaps.h"

static void put(book_t *book, ConfigChange__Kind kind, const char *id, ProtobufCMessage *row) {
    static uint64_t version;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = kind, change.id = (char *)id, change.version = ++version;
    if (kind == CONFIG_CHANGE__KIND__account_config) change.account = (AccountConfig *)row;
    if (kind == CONFIG_CHANGE__KIND__broker_config) change.broker = (BrokerConfig *)row;
    if (kind == CONFIG_CHANGE__KIND__instance_config) change.instance = (InstanceConfig *)row;
    if (kind == CONFIG_CHANGE__KIND__signal_config) change.signal = (SignalConfig *)row;
    assert_int_equal(book_apply(book, &change), ERR_OK);
}

static void put_account(book_t *book, const char *id, const char *source, bool enabled) {
    Subscription s = SUBSCRIPTION__INIT, *subscriptions[] = {&s};
    AccountConfig a = ACCOUNT_CONFIG__INIT;
    s.source = (char *)source;
    a.account_id = (char *)id, a.broker_id = (char *)"alpha";
    a.has_enabled = true, a.enabled = enabled;
    a.subscriptions = subscriptions, a.n_subscriptions = 1;
    put(book, CONFIG_CHANGE__KIND__account_config, id, &a.base);
}

static void put_source(book_t *book, const char *id, bool enabled, bool prices) {
    SignalConfig s = SIGNAL_CONFIG__INIT;
    s.config_id = (char *)id, s.token_hash = (char *)"00";
    s.has_enabled = s.has_prices = true;
    s.enabled = enabled, s.prices = prices;
    put(book, CONFIG_CHANGE__KIND__signal_config, id, &s.base);
}

static void put_broker(book_t *book, const char *id, const char *symbol, const char *currency) {
    SymbolConfig s = SYMBOL_CONFIG__INIT, *symbols[] = {&s};
    BrokerConfig b = BROKER_CONFIG__INIT;
    s.symbol = (char *)symbol, s.profit_currency = (char *)currency;
    b.broker_id = (char *)id, b.symbols = symbols, b.n_symbols = 1;
    put(book, CONFIG_CHANGE__KIND__broker_config, id, &b.base);
}

static void put_instance(book_t *book, const char *account) {
    InstanceConfig i = INSTANCE_CONFIG__INIT;
    char *accounts[] = {(char *)account};
    i.instance_id = (char *)"gw", i.broker_id = (char *)"alpha";
    i.accounts = accounts, i.n_accounts = 1;
    put(book, CONFIG_CHANGE__KIND__instance_config, "gw", &i.base);
}

// Account anna at broker alpha, served, subscribed to the open source tv; EURUSD.
static book_t *complete(void) {
    book_t *book = book_new();
    put_broker(book, "alpha", "EURUSD", NULL);
    put_account(book, "anna", "tv", true);
    put_instance(book, "anna");
    put_source(book, "tv", true, true);
    return book;
}

static void add_gap(void *arg, const struct gap *gap) {
    buffer_format(arg, "%s: %s\n", gap->what, gap->text);
}

static void assert_gaps(const book_t *book, const struct gaps_asked *asked, const char *wanted) {
    own(buffer) out = {0};
    size_t n = gaps_each(book, asked, add_gap, &out), lines = 0;
    const char *text = buffer_string(&out);
    for (const char *at = text; (at = strchr(at, '\n')); at++) lines++;
    assert_int_equal(n, lines);
    assert_string_equal(text, wanted);
}

static const struct gaps_asked nobody = {NULL, NULL};

static void a_complete_configuration_has_none(void **state) {
    (void)state;
    own(book) *book = complete();
    assert_gaps(book, &nobody, "");
    own(book) *empty = book_new();
    assert_gaps(empty, &nobody, "");
}

static void an_account_without_a_gateway_is_named(void **state) {
    (void)state;
    own(book) *book = complete();
    put_account(book, "berta", "tv", true);
    put_account(book, "carla", "tv", false); // does not trade anyway
    assert_gaps(book, &nobody,
                "account_without_gateway: account berta: no gateway serves it, so its orders wait "
                "until they expire; name it in the "
                "accounts of an instance\n");
}

static void a_subscription_to_a_source_that_is_closed_or_unknown_is_named(void **state) {
    (void)state;
    own(book) *book = complete();
    put_source(book, "old", false, true);
    put_account(book, "anna", "old", true);
    assert_gaps(book, &nobody,
                "closed_source: account anna: it subscribes to old, which is closed (enabled: "
                "false); open it or take the subscription "
                "away\n");
    put_account(book, "anna", "none", true);
    assert_gaps(book, &nobody,
                "unknown_source: account anna: it subscribes to none, which is no source; "
                "configure it or take the subscription away\n");
}

static void a_symbol_without_a_currency_is_named_where_it_is_traded(void **state) {
    (void)state;
    own(book) *book = complete();
    put_broker(book, "bravo", "US30", NULL); // has no account
    assert_gaps(book, &nobody, "");
    put_broker(book, "alpha", "US30", NULL);
    assert_gaps(book, &nobody,
                "unknown_currency: symbol US30 of broker alpha: what its profit is counted in is "
                "not known, so it is not sized by risk, "
                "nor filled on paper; set its profit_currency\n");
    put_broker(book, "alpha", "US30", "USD");
    assert_gaps(book, &nobody, "");
}

static bool is_eurusd(const void *arg, const char *symbol) {
    (void)arg;
    return strcmp(symbol, "EURUSD") == 0;
}

static void what_has_no_price_is_named(void **state) {
    (void)state;
    const struct gaps_asked asked = {is_eurusd, NULL};
    own(book) *book = complete();
    assert_gaps(book, &asked, "");
    put_broker(book, "alpha", "GBPUSD", NULL);
    assert_gaps(book, &asked,
                "no_price: broker alpha: no price since the start of GBPUSD; post prices to "
                "/prices/<source>/<token>\n");
    put_source(book, "tv", true, false);
    assert_gaps(book, &nobody,
                "no_price_source: broker alpha: no open source may post the price of GBPUSD; set "
                "prices: true for a source, or name them in "
                "its price_symbols\n");
    assert_gaps(book, &asked, // what nobody may post is not missed as well
                "no_price_source: broker alpha: no open source may post the price of GBPUSD; set "
                "prices: true for a source, or name them in "
                "its price_symbols\n");
}

static void a_symbol_that_another_source_names_has_its_price_from_there(void **state) {
    (void)state;
    own(book) *book = complete();
    SignalConfig s = SIGNAL_CONFIG__INIT;
    char *symbols[] = {(char *)"EURUSD"};
    s.config_id = (char *)"feed", s.token_hash = (char *)"00";
    s.has_prices = s.prices = true;
    s.price_symbols = symbols, s.n_price_symbols = 1;
    put(book, CONFIG_CHANGE__KIND__signal_config, "feed", &s.base);
    put_source(book, "tv", true, false);
    assert_gaps(book, &nobody, "");
    put_broker(book, "alpha", "GBPUSD", NULL);
    assert_gaps(book, &nobody,
                "no_price_source: broker alpha: no open source may post the price of GBPUSD; set "
                "prices: true for a source, or name them in "
                "its price_symbols\n");
}

static void many_of_a_kind_are_counted(void **state) {
    (void)state;
    own(book) *book = complete();
    own(buffer) out = {0};
    char id[16];
    for (int i = 0; i < GAPS_MAX + 7; i++) {
        (void)snprintf(id, sizeof id, "acc%d", i);
        put_account(book, id, "tv", true);
    }
    put_broker(book, "alpha", "US30", NULL);
    assert_int_equal(gaps_each(book, &nobody, add_gap, &out), GAPS_MAX + 2);
    assert_non_null(strstr(buffer_string(&out), "account_without_gateway: and 7 more of the kind "
                                                "account_without_gateway\nunknown_currency: "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complete_configuration_has_none),
        cmocka_unit_test(an_account_without_a_gateway_is_named),
        cmocka_unit_test(a_subscription_to_a_source_that_is_closed_or_unknown_is_named),
        cmocka_unit_test(a_symbol_without_a_currency_is_named_where_it_is_traded),
        cmocka_unit_test(what_has_no_price_is_named),
        cmocka_unit_test(a_symbol_that_another_source_names_has_its_price_from_there),
        cmocka_unit_test(many_of_a_kind_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
