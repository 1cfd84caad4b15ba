// test_config_walk - what the walk over rows visits, and what it calls it.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "common/base/buffer.h"
#include "config.pb-c.h"
#include "services/archiver/config/walk.h"

// "+path" only after, "-path" only before, "=path" both; goes down into everything.
static bool note_path(void *arg, const struct config_spot *spot) {
    char sign = spot->was && spot->is ? '=' : spot->is ? '+' : '-';
    buffer_format(arg, "%c%s%s ", sign, spot->path, spot->is_list ? "[]" : "");
    return true;
}

static void visits(const AccountConfig *before, const AccountConfig *after, const char *path,
                   enum config_lists lists, const char *expected) {
    buffer_t paths = {0};
    config_walk(before ? &before->base : NULL, after ? &after->base : NULL, path, lists, note_path,
                &paths);
    assert_string_equal(buffer_string(&paths), expected);
    buffer_destroy(&paths);
}

static Subscription subscription(char *source) {
    Subscription s = SUBSCRIPTION__INIT;
    s.source = source;
    return s;
}

static void lists_by_index_are_visited_value_by_value(void **state) {
    (void)state;
    char *symbols[] = {(char[]){"EURUSD"}, (char[]){"XAUUSD"}};
    Subscription one = subscription((char[]){"tv"}), *all[] = {&one};
    one.symbols = symbols;
    one.n_symbols = 2;
    AccountConfig a = ACCOUNT_CONFIG__INIT;
    a.account_id = a.broker_id = (char[]){"anna"};
    a.subscriptions = all;
    a.n_subscriptions = 1;
    visits(NULL, &a, "accounts[2]", CONFIG_BY_INDEX,
           "+accounts[2].account_id +accounts[2].broker_id +accounts[2].subscriptions[0] "
           "+accounts[2].subscriptions[0].source +accounts[2].subscriptions[0].symbols[0] "
           "+accounts[2].subscriptions[0].symbols[1] ");
}

static void lists_by_key_are_matched_and_others_are_whole(void **state) {
    (void)state;
    char *symbols[] = {(char[]){"EURUSD"}};
    Subscription gone = subscription((char[]){"gone"}), stays = subscription((char[]){"tv"}),
                 changed = stays, new = subscription((char[]){"new"});
    changed.symbols = symbols;
    changed.n_symbols = 1;
    Subscription *was[] = {&gone, &stays}, *is[] = {&new, &changed};
    AccountConfig before = ACCOUNT_CONFIG__INIT;
    before.account_id = before.broker_id = (char[]){"anna"};
    AccountConfig after = before;
    before.name = (char[]){"Anna"};
    before.subscriptions = was;
    after.subscriptions = is;
    before.n_subscriptions = after.n_subscriptions = 2;
    visits(&before, &after, "", CONFIG_BY_KEY,
           "=account_id =broker_id -name -subscriptions.gone -subscriptions.gone.source "
           "=subscriptions.tv =subscriptions.tv.source +subscriptions.tv.symbols[] "
           "+subscriptions.new +subscriptions.new.source ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_by_index_are_visited_value_by_value),
        cmocka_unit_test(lists_by_key_are_matched_and_others_are_whole),
    };
    return cmocka_run_group_tests_name("config_walk", tests, NULL, NULL);
}
