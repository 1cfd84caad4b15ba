// Which executor has an account.
// SPDX-License-Identifier: MIT
#include "common/domain/shard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka needs those before it
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/own.h"

static AccountConfig accounts[2];

static const AccountConfig *account_of(const void *arg, const char *id) {
    (void)arg;
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(accounts[i].account_id, id) == 0) return &accounts[i];
    }
    return NULL;
}

#define NONE (-1)
struct row {
    const char *what;
    unsigned shards;
    int recorded_a, recorded_b, configured_a, configured_b, configured_instance; // NONE: not said
    // of an instance with both; HASH: by its name
    unsigned a, b;
};
#define HASH 99

// The accounts of one instance, a and b.
static const struct row rows[] = {
    {"one executor has all", 1, NONE, NONE, NONE, NONE, NONE, 0, 0},
    {"one executor has all, whatever is said", 1, NONE, NONE, 3, NONE, 2, 0, 0},
    {"nothing is said", 4, NONE, NONE, NONE, NONE, NONE, HASH, HASH},
    {"an account begins where it is configured, and the other with it", 4, NONE, NONE, NONE, 2,
     NONE, 2, 2},
    {"the instance says it for both", 4, NONE, NONE, NONE, NONE, 3, 3, 3},
    {"an account's word goes before its instance's", 4, NONE, NONE, 1, NONE, 3, 1, 1},
    {"what is recorded goes before what is configured", 4, 2, 2, 1, 1, 3, 2, 2},
    {"a new account goes where the others are recorded", 4, NONE, 2, 1, NONE, 3, 2, 2},
    {"what is configured beyond the executors is not heard", 2, NONE, NONE, 2, NONE, 3, HASH, HASH},
};

static void a_place_is_recorded_or_configured_or_follows_from_the_instance_s_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        own(shard_record) *record = shard_record_new();
        char *ids[] = {(char *)"a", (char *)"b"};
        const int recorded[] = {r->recorded_a, r->recorded_b},
                  configured[] = {r->configured_a, r->configured_b};
        for (size_t k = 0; k < 2; k++) {
            account_config__init(&accounts[k]);
            accounts[k].account_id = ids[k];
            accounts[k].has_shard = configured[k] != NONE;
            accounts[k].shard = (uint32_t)configured[k];
            if (recorded[k] != NONE)
                shard_record_put(record, ids[k],
                                 (struct shard_entry){(unsigned)recorded[k], false});
        }
        InstanceConfig gw = INSTANCE_CONFIG__INIT;
        gw.instance_id = (char *)"gw", gw.n_accounts = 2, gw.accounts = ids;
        gw.has_shard = r->configured_instance != NONE, gw.shard = (uint32_t)r->configured_instance;
        const struct shard_map map = {r->shards, record, account_of, NULL};
        unsigned hash = shard_hash("gw", r->shards);
        unsigned a = shard_of_account(&map, &accounts[0], &gw),
                 b = shard_of_account(&map, &accounts[1], &gw);
        if (a != (r->a == HASH ? hash : r->a) || b != (r->b == HASH ? hash : r->b))
            fail_msg("%s: %u, %u", r->what, a, b);
        if (shard_of_instance(&map, &gw) != b && r->recorded_a == NONE)
            fail_msg("%s: the instance", r->what);
    }
}

static void an_account_without_a_gateway_has_a_place_too(void **state) {
    (void)state;
    AccountConfig a = ACCOUNT_CONFIG__INIT;
    a.account_id = (char *)"lonely";
    const struct shard_map map = {5, NULL, account_of, NULL};
    assert_int_equal(shard_of_account(&map, &a, NULL), shard_hash("lonely", 5));
    a.has_shard = true, a.shard = 4;
    assert_int_equal(shard_of_account(&map, &a, NULL), 4);
}

// So growing moves few, and none between those that were there.
static void one_more_executor_takes_some_and_moves_nothing_else(void **state) {
    (void)state;
    unsigned counts[8] = {0};
    for (unsigned i = 0; i < 1000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "gw-%u", i);
        for (unsigned n = 1; n < 8; n++) {
            unsigned before = shard_hash(id, n), after = shard_hash(id, n + 1);
            assert_true(after == before || after == n);
        }
        counts[shard_hash(id, 8)]++;
    }
    for (unsigned k = 0; k < 8; k++) assert_in_range(counts[k], 80, 180);
}

static const char *stored_value;
err_t store_pairs(store_t *self, const char *hash_key, store_pair_fn *visit, void *arg) {
    (void)self;
    assert_string_equal(hash_key, SHARDS_ACCOUNTS);
    return visit(arg, span_of("a"), span_of(stored_value));
}

static void what_is_recorded_is_read_again(void **state) {
    (void)state;
    own(shard_record) *record = shard_record_new();
    stored_value = "31 by hand";
    assert_int_equal(shard_record_load(record, NULL), ERR_OK);
    assert_int_equal(shard_record_find(record, "a")->shard, 31);
    assert_true(shard_record_find(record, "a")->by_hand);
    stored_value = "0";
    assert_int_equal(shard_record_load(record, NULL), ERR_OK);
    assert_int_equal(shard_record_find(record, "a")->shard, 0);
    assert_false(shard_record_find(record, "a")->by_hand);
    static const char *const bad[] = {"", "x", "32"};
    for (size_t i = 0; i < 3; i++) {
        stored_value = bad[i];
        assert_int_equal(shard_record_load(record, NULL), ERR_INPUT);
    }
    assert_null(shard_record_find(record, "a")); // of before
    assert_null(shard_record_find(NULL, "a"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_recorded_or_configured_or_follows_from_the_instance_s_name),
        cmocka_unit_test(an_account_without_a_gateway_has_a_place_too),
        cmocka_unit_test(one_more_executor_takes_some_and_moves_nothing_else),
        cmocka_unit_test(what_is_recorded_is_read_again),
    };
    return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
