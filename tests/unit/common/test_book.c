// test_book - configuration: the snapshot, changes in any order, and the fan-out.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/decimal.h"
#include "common/base/own.h"
#include "common/domain/book.h"

static Subscription subscription_to(const char *source) {
    Subscription s = SUBSCRIPTION__INIT;
    s.source = (char *)source;
    s.has_fixed_lot = true;
    s.fixed_lot = DECIMAL_SCALE;
    return s;
}

// An account's row at a version, subscribed to up to two sources.
static err_t apply_account(book_t *book, uint64_t version, const char *id, const char *source,
                           const char *other) {
    Subscription a = subscription_to(source), b = subscription_to(other ? other : "");
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.account_id = (char *)id;
    account.broker_id = (char *)"broker-1";
    account.has_leverage = true;
    account.leverage = (uint32_t)version;
    account.subscriptions = (Subscription *[]){&a, &b};
    account.n_subscriptions = !source ? 0 : other ? 2 : 1;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.version = version;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = (char *)id;
    change.account = &account;
    return book_apply(book, &change);
}

static err_t remove_account(book_t *book, uint64_t version, const char *id) {
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.version = version;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = (char *)id;
    change.has_removed = change.removed = true;
    return book_apply(book, &change);
}

static size_t subscribers(const book_t *book, const char *source, char out[static 256]) {
    const struct subscriber *list;
    size_t n = book_subscribers(book, source, &list), at = 0;
    out[0] = 0;
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(list[i].subscription->source, source);
        at +=
            (size_t)snprintf(out + at, 256 - at, "%s%s", i ? "," : "", list[i].account->account_id);
    }
    return n;
}

static void an_empty_book_knows_nothing(void **state) {
    (void)state;
    own(book) *book = book_new();
    char list[256];
    assert_null(book_account(book, "a"));
    assert_null(book_broker(book, "a"));
    assert_null(book_instance(book, "a"));
    assert_null(book_source(book, "a"));
    assert_int_equal(subscribers(book, "tv", list), 0);
}

static void a_change_is_copied_and_moves_the_version(void **state) {
    (void)state;
    own(book) *book = book_new();
    uint64_t before = book_version(book);
    char id[] = "a";
    assert_int_equal(apply_account(book, 5, id, "tv", NULL), ERR_OK);
    id[0] = 'x';
    assert_true(book_version(book) > before);
    assert_string_equal(book_account(book, "a")->account_id, "a");
    assert_int_equal(book_account(book, "a")->leverage, 5);
}

static void an_older_change_changes_nothing(void **state) {
    (void)state;
    own(book) *book = book_new();
    assert_int_equal(apply_account(book, 5, "a", "tv", NULL), ERR_OK);
    uint64_t before = book_version(book);
    assert_int_equal(apply_account(book, 4, "a", "other", NULL), ERR_OK);
    assert_int_equal(apply_account(book, 5, "a", "other", NULL), ERR_OK);
    assert_int_equal(remove_account(book, 3, "a"), ERR_OK);
    assert_int_equal(book_version(book), before);
    assert_int_equal(book_account(book, "a")->leverage, 5);
    assert_int_equal(apply_account(book, 6, "a", "other", NULL), ERR_OK);
    assert_int_equal(book_account(book, "a")->leverage, 6);
}

static void a_removed_row_is_not_brought_back_by_an_older_change(void **state) {
    (void)state;
    own(book) *book = book_new();
    char list[256];
    assert_int_equal(apply_account(book, 5, "a", "tv", NULL), ERR_OK);
    assert_int_equal(remove_account(book, 7, "a"), ERR_OK);
    assert_null(book_account(book, "a"));
    assert_int_equal(subscribers(book, "tv", list), 0);
    assert_int_equal(apply_account(book, 6, "a", "tv", NULL), ERR_OK);
    assert_null(book_account(book, "a"));
    assert_int_equal(remove_account(book, 9, "never-seen"), ERR_OK);
    assert_int_equal(apply_account(book, 8, "never-seen", "tv", NULL), ERR_OK);
    assert_null(book_account(book, "never-seen"));
    assert_int_equal(apply_account(book, 10, "a", "tv", NULL), ERR_OK);
    assert_non_null(book_account(book, "a"));
}

static void a_change_must_say_one_thing(void **state) {
    (void)state;
    own(book) *book = book_new();
    BrokerConfig broker = BROKER_CONFIG__INIT;
    broker.broker_id = (char *)"b";
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.version = 1;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = (char *)"b";
    change.broker = &broker; // a broker under the kind of accounts
    assert_int_equal(book_apply(book, &change), ERR_INPUT);
    change.kind = CONFIG_CHANGE__KIND__broker_config;
    change.has_removed = change.removed = true; // set and removed at once
    assert_int_equal(book_apply(book, &change), ERR_INPUT);
    change.removed = false;
    assert_int_equal(book_apply(book, &change), ERR_OK);
    assert_non_null(book_broker(book, "b"));
    change.kind = (ConfigChange__Kind)99;
    assert_int_equal(book_apply(book, &change), ERR_INPUT);
}

static void subscribers_are_sorted_and_follow_changes(void **state) {
    (void)state;
    own(book) *book = book_new();
    char list[256];
    assert_int_equal(apply_account(book, 1, "c", "tv", "bot"), ERR_OK);
    assert_int_equal(apply_account(book, 2, "a", "tv", NULL), ERR_OK);
    assert_int_equal(apply_account(book, 3, "b", "bot", "tv"), ERR_OK);
    assert_int_equal(apply_account(book, 4, "d", NULL, NULL), ERR_OK);
    assert_int_equal(subscribers(book, "tv", list), 3);
    assert_string_equal(list, "a,b,c");
    assert_int_equal(subscribers(book, "bot", list), 2);
    assert_string_equal(list, "b,c");
    assert_int_equal(subscribers(book, "nobody", list), 0);
    assert_int_equal(apply_account(book, 5, "a", "bot", NULL), ERR_OK);
    assert_int_equal(remove_account(book, 6, "b"), ERR_OK);
    assert_int_equal(subscribers(book, "tv", list), 1);
    assert_string_equal(list, "c");
    assert_int_equal(subscribers(book, "bot", list), 2);
    assert_string_equal(list, "a,c");
}

static void an_account_may_take_a_source_twice(void **state) {
    (void)state;
    own(book) *book = book_new();
    char list[256];
    assert_int_equal(apply_account(book, 1, "a", "tv", "tv"), ERR_OK);
    assert_int_equal(subscribers(book, "tv", list), 2);
    const struct subscriber *s;
    assert_int_equal(book_subscribers(book, "tv", &s), 2);
    assert_ptr_equal(s[0].subscription, s[0].account->subscriptions[0]);
    assert_ptr_equal(s[1].subscription, s[1].account->subscriptions[1]);
}

static void symbols_have_the_broker_s_names(void **state) {
    (void)state;
    SymbolConfig plain = SYMBOL_CONFIG__INIT, named = SYMBOL_CONFIG__INIT,
                 long_one = SYMBOL_CONFIG__INIT;
    plain.symbol = (char *)"EURUSD";
    named.symbol = (char *)"GOLD";
    named.broker_symbol = (char *)"XAUUSD.cash";
    long_one.symbol = (char *)"SIXTY_FOUR_CHARACTERS_ARE_ONE_TOO_MANY_FOR_A_NAME_AT_THE_BROKER";
    BrokerConfig broker = BROKER_CONFIG__INIT;
    broker.broker_id = (char *)"b";
    broker.symbol_prefix = (char *)"#";
    broker.symbol_suffix = (char *)".m";
    broker.symbols = (SymbolConfig *[]){&plain, &named, &long_one};
    broker.n_symbols = 3;
    char name[64];
    assert_true(book_broker_symbol(&broker, "EURUSD", name));
    assert_string_equal(name, "#EURUSD.m");
    assert_true(book_broker_symbol(&broker, "GOLD", name));
    assert_string_equal(name, "XAUUSD.cash");
    assert_false(book_broker_symbol(&broker, "GBPUSD", name));
    assert_false(book_broker_symbol(&broker, long_one.symbol, name));
    assert_ptr_equal(book_symbol_of_broker(&broker, "#EURUSD.m"), &plain);
    assert_ptr_equal(book_symbol_of_broker(&broker, "XAUUSD.cash"), &named);
    assert_null(book_symbol_of_broker(&broker, "EURUSD"));
    assert_ptr_equal(book_symbol(&broker, "GOLD"), &named);
    broker.symbol_prefix = broker.symbol_suffix = NULL;
    assert_true(book_broker_symbol(&broker, "EURUSD", name));
    assert_string_equal(name, "EURUSD");
}

static err_t apply_instance(book_t *book, uint64_t version, InstanceConfig *instance) {
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__instance_config;
    change.version = version;
    change.id = instance->instance_id;
    change.instance = instance;
    return book_apply(book, &change);
}

static void accounts_of_an_instance_are_with_one_executor(void **state) {
    (void)state;
    own(book) *book = book_new();
    char *ids[] = {(char *)"a", (char *)"b"};
    InstanceConfig instance = INSTANCE_CONFIG__INIT;
    instance.instance_id = (char *)"gw", instance.broker_id = (char *)"x", instance.n_accounts = 2,
    instance.accounts = ids;
    assert_int_equal(apply_account(book, 1, "a", "tv", NULL), ERR_OK);
    assert_int_equal(apply_account(book, 2, "b", "tv", NULL), ERR_OK);
    assert_int_equal(apply_instance(book, 3, &instance), ERR_OK);
    unsigned at = book_shard(book, book_account(book, "a"), 8);
    assert_int_equal(at, shard_hash("gw", 8));
    assert_int_equal(book_shard(book, book_account(book, "b"), 8), at);
    assert_int_equal(book_instance_shard(book, book_instance(book, "gw"), 8), at);
    instance.has_shard = true, instance.shard = (at + 1) % 8;
    assert_int_equal(apply_instance(book, 4, &instance), ERR_OK);
    assert_int_equal(book_shard(book, book_account(book, "a"), 8), (at + 1) % 8);
    assert_int_equal(book_shard(book, book_account(book, "a"), 1), 0);
}

// --- the snapshot: a store that holds these rows

static const ProtobufCMessage *stored[8];
static size_t n_stored;
static err_t store_answer;

err_t store_records(store_t *self, const char *set_key, const char *prefix,
                    const ProtobufCMessageDescriptor *d, store_record_fn *visit, void *arg) {
    (void)self;
    char index[64];
    (void)snprintf(index, sizeof index, "%sindex", prefix);
    assert_string_equal(set_key, index);
    for (size_t i = 0; i < n_stored && !store_answer; i++) {
        if (stored[i]->descriptor == d) assert_int_equal(visit(arg, stored[i]), ERR_OK);
    }
    return store_answer;
}

static const char *const recorded[][2] = {{"a", "3"}};
err_t store_pairs(store_t *self, const char *hash_key, store_pair_fn *visit, void *arg) {
    (void)self;
    assert_string_equal(hash_key, SHARDS_ACCOUNTS);
    return visit(arg, span_of(recorded[0][0]), span_of(recorded[0][1]));
}

static void a_snapshot_is_as_new_as_its_rows_say(void **state) {
    (void)state;
    own(book) *book = book_new();
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    BrokerConfig broker = BROKER_CONFIG__INIT;
    InstanceConfig instance = INSTANCE_CONFIG__INIT;
    SignalConfig source = SIGNAL_CONFIG__INIT;
    account.account_id = (char *)"a", account.broker_id = (char *)"b", account.has_version = true,
    account.version = 5;
    broker.broker_id = (char *)"b", broker.has_version = true, broker.version = 2;
    instance.instance_id = (char *)"i", instance.broker_id = (char *)"b";
    source.config_id = (char *)"tv", source.token_hash = (char *)"00";
    const ProtobufCMessage *all[] = {&account.base, &broker.base, &instance.base, &source.base};
    memcpy(stored, all, sizeof all);
    n_stored = 4;
    assert_int_equal(book_load(book, NULL), ERR_OK);
    assert_non_null(book_account(book, "a"));
    assert_string_equal(book_broker(book, "b")->broker_id, "b");
    assert_string_equal(book_instance(book, "i")->instance_id, "i");
    assert_string_equal(book_source(book, "tv")->config_id, "tv");
    assert_int_equal(book_shard(book, book_account(book, "a"), 4), 3); // as recorded
    assert_int_equal(apply_account(book, 5, "a", "tv", NULL), ERR_OK);
    assert_int_equal(book_account(book, "a")->n_subscriptions, 0);
    assert_int_equal(apply_account(book, 6, "a", "tv", NULL), ERR_OK);
    assert_int_equal(book_account(book, "a")->n_subscriptions, 1);
    store_answer = ERR_STORE;
    assert_int_equal(book_load(book, NULL), ERR_STORE);
    store_answer = ERR_OK;
}

static void count_account(void *arg, const AccountConfig *account) {
    assert_non_null(account);
    ++*(size_t *)arg;
}

static void each_account_that_is_there_is_visited(void **state) {
    (void)state;
    own(book) *book = book_new();
    size_t n = 0;
    assert_int_equal(apply_account(book, 1, "a", "tv", NULL), ERR_OK);
    assert_int_equal(apply_account(book, 2, "b", "tv", NULL), ERR_OK);
    assert_int_equal(remove_account(book, 3, "a"), ERR_OK);
    book_each_account(book, count_account, &n);
    assert_int_equal(n, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_book_knows_nothing),
        cmocka_unit_test(a_change_is_copied_and_moves_the_version),
        cmocka_unit_test(an_older_change_changes_nothing),
        cmocka_unit_test(a_removed_row_is_not_brought_back_by_an_older_change),
        cmocka_unit_test(a_change_must_say_one_thing),
        cmocka_unit_test(subscribers_are_sorted_and_follow_changes),
        cmocka_unit_test(an_account_may_take_a_source_twice),
        cmocka_unit_test(symbols_have_the_broker_s_names),
        cmocka_unit_test(accounts_of_an_instance_are_with_one_executor),
        cmocka_unit_test(a_snapshot_is_as_new_as_its_rows_say),
        cmocka_unit_test(each_account_that_is_there_is_visited),
    };
    return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}
