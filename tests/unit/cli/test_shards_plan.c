// Which accounts move when executors are added or taken away, or when somebody says so.
// SPDX-License-Identifier: MIT
#include "cli/cluster/shards_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka needs those before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"

// Two gateways with two accounts each, and an account without one. By hash, of two executors gw-a
// is with 1 and gw-b with 0.
static const char *const accounts[] = {"a1", "a2", "b1", "b2", "lonely"};

static void apply(book_t *book, ConfigChange *change) {
    change->version = book_version(book) + 1;
    assert_int_equal(book_apply(book, change), ERR_OK);
}

static book_t *book_of(int configured_b) {
    book_t *book = book_new();
    for (size_t i = 0; i < 5; i++) {
        AccountConfig a = ACCOUNT_CONFIG__INIT;
        a.account_id = (char *)(uintptr_t)accounts[i];
        a.broker_id = (char *)"x";
        ConfigChange c = CONFIG_CHANGE__INIT;
        c.kind = CONFIG_CHANGE__KIND__account_config, c.id = a.account_id, c.account = &a;
        apply(book, &c);
    }
    for (size_t i = 0; i < 2; i++) {
        char *ids[] = {(char *)(uintptr_t)accounts[2 * i], (char *)(uintptr_t)accounts[2 * i + 1]};
        InstanceConfig gw = INSTANCE_CONFIG__INIT;
        gw.instance_id = i ? (char *)"gw-b" : (char *)"gw-a";
        gw.broker_id = (char *)"x", gw.accounts = ids, gw.n_accounts = 2;
        if (i && configured_b >= 0) gw.has_shard = true, gw.shard = (uint32_t)configured_b;
        ConfigChange c = CONFIG_CHANGE__INIT;
        c.kind = CONFIG_CHANGE__KIND__instance_config, c.id = gw.instance_id, c.instance = &gw;
        apply(book, &c);
    }
    return book;
}

struct row {
    const char *what;
    unsigned before, after;
    // of a1 a2 b1 b2 lonely: a digit, upper case letters for digits by hand (A is 0), '-' none
    const char *recorded;
    int configured_b;
    const char *name;
    unsigned to;
    const char *from, *wanted; // '?': not looked at; wanted as `recorded`
};

static const struct row rows[] = {
    {"nothing is wished, nothing moves", 1, 1, "-----", -1, NULL, 0, "00000", "00000"},
    {"a new executor gets its share", 1, 2, "00000", -1, NULL, 0, "00000", "1100?"},
    {"and what was not recorded before, too", 1, 2, "-----", -1, NULL, 0, "00000", "1100?"},
    {"what was placed by hand stays", 1, 2, "AA000", -1, NULL, 0, "00000", "AA00?"},
    {"what is configured to be there stays there", 1, 2, "00000", 0, NULL, 0, "00000", "1100?"},
    {"one that goes gives what it had to the others", 2, 1, "11000", -1, NULL, 0, "1100?", "00000"},
    {"and by hand it is there no more", 2, 1, "BB000", -1, NULL, 0, "1100?", "00000"},
    {"what is configured goes where it says", 3, 2, "11222", 1, NULL, 0, "1122?", "1111?"},
    {"one account takes its gateway along", 2, 2, "00000", -1, "a2", 1, "0000?", "BB00?"},
    {"a gateway is a name, too", 2, 2, "00000", -1, "gw-b", 1, "0000?", "00BB?"},
    {"where it is already it is by hand from now on", 2, 2, "11000", -1, "a1", 1, "1100?", "BB00?"},
    {"without a gateway it goes alone", 2, 2, "00000", -1, "lonely", 1, "00000", "0000B"},
};

static bool is(char wanted, unsigned shard, bool by_hand) {
    if (wanted == '?') return true;
    return by_hand ? wanted == (char)('A' + shard) : wanted == (char)('0' + shard);
}

static void accounts_move_with_their_gateway_and_no_more_than_must(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        own(book) *book = book_of(r->configured_b);
        own(shard_record) *record = shard_record_new();
        for (size_t k = 0; k < 5; k++) {
            char c = r->recorded[k];
            bool hand = c >= 'A';
            if (c != '-')
                shard_record_put(record, accounts[k],
                                 (struct shard_entry){(unsigned)(hand ? c - 'A' : c - '0'), hand});
        }
        struct shard_plan plan;
        const struct shards_wish wish = {r->before, r->after, &r->name, r->name != NULL, r->to};
        shard_plan_make(&plan, book, record, &wish);
        assert_int_equal(plan.n, 5);
        for (size_t k = 0; k < 5; k++) {
            const struct shard_place *p = &plan.places[k];
            assert_string_equal(p->account->account_id, accounts[k]);
            if (!is(r->from[k], p->from, false) || !is(r->wanted[k], p->to, p->by_hand))
                fail_msg("%s: %s from %u to %u%s", r->what, accounts[k], p->from, p->to,
                         p->by_hand ? " by hand" : "");
            assert_int_equal(shard_plan_of(&plan, accounts[k], 7), p->to);
        }
        shard_plan_clear(&plan);
    }
}

static void
what_is_kept_of_an_account_that_is_not_configured_stays_as_long_as_its_executor(void **state) {
    (void)state;
    own(book) *book = book_of(-1);
    struct shard_plan plan;
    const struct shards_wish wish = {.before = 3, .after = 2};
    shard_plan_make(&plan, book, NULL, &wish);
    assert_int_equal(shard_plan_of(&plan, "gone", 1), 1);
    assert_int_equal(shard_plan_of(&plan, "gone", 2), 0);
    shard_plan_clear(&plan);
}

static void a_name_that_is_nobody_s_is_told(void **state) {
    (void)state;
    own(book) *book = book_of(-1);
    static const char *const names[] = {"a1", "gw-b", "who"};
    struct shard_plan plan;
    const struct shards_wish wish = {1, 1, names, 3, 0};
    shard_plan_make(&plan, book, NULL, &wish);
    assert_string_equal(shard_plan_stranger(&plan, book), "who");
    plan.wish.n_names = 2;
    assert_null(shard_plan_stranger(&plan, book));
    shard_plan_clear(&plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_move_with_their_gateway_and_no_more_than_must),
        cmocka_unit_test(
            what_is_kept_of_an_account_that_is_not_configured_stays_as_long_as_its_executor),
        cmocka_unit_test(a_name_that_is_nobody_s_is_told),
    };
    return cmocka_run_group_tests_name("shards_plan", tests, NULL, NULL);
}
