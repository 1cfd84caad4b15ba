// test_guard - identities: found again, overwritten, forgotten by whole hours, the same after a
// restart.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/batch/batch_commit.h"
#include "common/batch/guard.h"

#define HOUR (UINT64_C(3600) * NS_PER_S)
#define T0   (UINT64_C(484066) * HOUR)

// --- Redis, as far as guards use it: every command ever written, read again from its start

static buffer_t redis;

static void commit(batch_t *batch) {
    char why[160];
    assert_int_equal(batch_fault(batch, why), ERR_OK);
    struct span bytes = batch_bytes(batch);
    buffer_add(&redis, bytes.data, bytes.length);
}

struct words {
    struct span word[4];
    unsigned n;
};

static size_t read_number(const char **at) {
    char *end;
    size_t n = strtoul(*at + 1, &end, 10);
    *at = end + 2;
    return n;
}

static bool next_command(const char **at, struct words *out) {
    if (*at >= (const char *)redis.data + redis.length) return false;
    out->n = (unsigned)read_number(at);
    assert_true(out->n <= 4);
    for (unsigned i = 0; i < out->n; i++) {
        size_t length = read_number(at);
        out->word[i] = (struct span){*at, length};
        *at += length + 2;
    }
    return true;
}

static bool is(struct span s, const char *text) {
    return s.length == strlen(text) && memcmp(s.data, text, s.length) == 0;
}
static bool same(struct span a, struct span b) {
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

// Whether a later command than the one that ends at `at` takes back or repeats what it did.
static bool is_undone(const char *at, const struct words *w) {
    struct words later;
    while (next_command(&at, &later)) {
        if (!same(later.word[1], w->word[1])) continue;
        if (is(later.word[0], "UNLINK") || same(later.word[2], w->word[2])) return true;
    }
    return false;
}

err_t store_members(store_t *self, const char *set_key, store_member_fn *visit, void *arg) {
    (void)self;
    struct words w;
    for (const char *at = buffer_string(&redis); next_command(&at, &w);) {
        if (is(w.word[0], "SADD") && is(w.word[1], set_key) && !is_undone(at, &w))
            assert_int_equal(visit(arg, w.word[2]), ERR_OK);
    }
    return ERR_OK;
}

err_t store_pairs(store_t *self, const char *hash_key, store_pair_fn *visit, void *arg) {
    (void)self;
    struct words w;
    for (const char *at = buffer_string(&redis); next_command(&at, &w);) {
        if (is(w.word[0], "HSET") && is(w.word[1], hash_key) && !is_undone(at, &w))
            assert_int_equal(visit(arg, w.word[2], w.word[3]), ERR_OK);
    }
    return ERR_OK;
}

// ---

static const char *const slice[] = {"test:guard:", NULL};
static batch_t *batch;

static int fresh(void **state) {
    (void)state;
    buffer_clear(&redis);
    batch = batch_new("test", slice, NULL, 0);
    batch_begin(batch, 1, T0, 0);
    return 0;
}

static int done(void **state) {
    (void)state;
    batch_destroy(&batch);
    return 0;
}

static struct digest key_of(unsigned n) { return digest_of(&n, sizeof n); }

static void put_at(guard_t *guard, uint64_t now, unsigned n, uint64_t value) {
    batch_begin(batch, 1, now, 0);
    assert_true(guard_put(guard, batch, key_of(n), value));
    commit(batch);
}

static void retire(guard_t *guard, uint64_t now, uint64_t before) {
    batch_begin(batch, 1, now, 0);
    guard_retire(guard, batch, before);
    commit(batch);
}

static bool has(const guard_t *guard, unsigned n, uint64_t value) {
    uint64_t found = ~value;
    return guard_find(guard, key_of(n), &found) && found == value;
}

static void what_was_put_is_found_and_nothing_else(void **state) {
    (void)state;
    own(guard) *guard = guard_new("test:guard", 100000);
    for (unsigned i = 0; i < 50000; i++) assert_true(guard_put(guard, batch, key_of(i), i * 3));
    assert_int_equal(guard_count(guard), 50000);
    for (unsigned i = 0; i < 50000; i++) assert_true(has(guard, i, i * 3));
    for (unsigned i = 50000; i < 60000; i++) assert_false(guard_find(guard, key_of(i), NULL));
}

static void a_value_is_overwritten(void **state) {
    (void)state;
    own(guard) *guard = guard_new("test:guard", 10);
    put_at(guard, T0, 1, 5);
    put_at(guard, T0, 1, 6);
    assert_true(has(guard, 1, 6));
    assert_int_equal(guard_count(guard), 1);
}

static void a_full_guard_takes_no_more_and_keeps_what_it_has(void **state) {
    (void)state;
    own(guard) *guard = guard_new("test:guard", 3);
    for (unsigned i = 0; i < 3; i++) put_at(guard, T0, i, i);
    assert_false(guard_put(guard, batch, key_of(3), 3));
    assert_false(guard_find(guard, key_of(3), NULL));
    put_at(guard, T0, 2, 7); // what it knows may change
    assert_true(has(guard, 2, 7));
}

static void a_restart_remembers(void **state) {
    (void)state;
    own(guard) *guard = guard_new("test:guard", 1000);
    for (unsigned i = 0; i < 100; i++) put_at(guard, T0 + i * HOUR / 10, i, i + 7);
    own(guard) *again = guard_new("test:guard", 1000);
    assert_int_equal(guard_load(again, NULL), ERR_OK);
    assert_int_equal(guard_count(again), 100);
    for (unsigned i = 0; i < 100; i++) assert_true(has(again, i, i + 7));
    retire(again, T0 + 50 * HOUR, T0 + HOUR);
    assert_int_equal(guard_count(again), 90);
}

static void the_later_of_two_values_survives_a_restart(void **state) {
    (void)state;
    own(guard) *guard = guard_new("test:guard", 1000);
    put_at(guard, T0 + HOUR, 1, 5);
    put_at(guard, T0, 2, 0); // the hours' order in Redis is not the order of time
    put_at(guard, T0 + 2 * HOUR, 1, 6);
    put_at(guard, T0 + 3 * HOUR, 2, 9);
    own(guard) *again = guard_new("test:guard", 1000);
    assert_int_equal(guard_load(again, NULL), ERR_OK);
    assert_true(has(again, 1, 6));
    assert_true(has(again, 2, 9));
    retire(again, T0 + 60 * HOUR, T0 + 2 * HOUR); // hour 0
    retire(again, T0 + 60 * HOUR, T0 + 2 * HOUR); // hour 1
    assert_true(has(again, 1, 6));
    assert_true(has(again, 2, 9));
}

static void an_hour_is_forgotten_whole_when_it_has_ended(void **state) {
    (void)state;
    own(guard) *guard = guard_new("test:guard", 100000);
    for (unsigned i = 0; i < 3000; i++) put_at(guard, T0 + (i % 3) * HOUR, i, i);
    retire(guard, T0 + 99 * HOUR, T0 + HOUR - 1);
    assert_int_equal(guard_count(guard), 3000);
    retire(guard, T0 + 99 * HOUR, T0 + HOUR);
    assert_int_equal(guard_count(guard), 2000);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(guard_find(guard, key_of(i), NULL), i % 3 != 0);
    retire(guard, T0 + 99 * HOUR, T0 + 99 * HOUR);
    assert_int_equal(guard_count(guard), 1000);
    own(guard) *again = guard_new("test:guard", 100000);
    assert_int_equal(guard_load(again, NULL), ERR_OK);
    assert_int_equal(guard_count(again), 1000);
    for (unsigned i = 2; i < 3000; i += 3) assert_true(has(again, i, i));
}

static void nothing_is_forgotten_by_mistake_while_an_hour_is_swept_out(void **state) {
    (void)state;
    own(guard) *guard = guard_new("test:guard", 1000000);
    const unsigned n = 150000; // more places than one sweep looks at
    for (unsigned i = 0; i < n; i++) {
        batch_begin(batch, 1, T0 + (i % 2) * HOUR, 0);
        assert_true(guard_put(guard, batch, key_of(i), i));
    }
    unsigned calls = 0, more = n;
    do {
        batch_begin(batch, 1, T0 + 99 * HOUR, 0);
        guard_retire(guard, batch, T0 + HOUR);
        // the table grows meanwhile
        for (unsigned i = 0; i < 20000; i++, more++)
            assert_true(guard_put(guard, batch, key_of(more), more));
        calls++;
    } while (guard_find(guard, key_of(0), NULL) || guard_count(guard) > n / 2 + 20000 * calls);
    assert_true(calls > 1);
    for (unsigned i = 1; i < n; i += 2) assert_true(has(guard, i, i));
    for (unsigned i = n; i < more; i++) assert_true(has(guard, i, i));
    for (unsigned i = 0; i < n; i += 2) assert_false(guard_find(guard, key_of(i), NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_found_and_nothing_else, fresh, done),
        cmocka_unit_test_setup_teardown(a_value_is_overwritten, fresh, done),
        cmocka_unit_test_setup_teardown(a_full_guard_takes_no_more_and_keeps_what_it_has, fresh,
                                        done),
        cmocka_unit_test_setup_teardown(a_restart_remembers, fresh, done),
        cmocka_unit_test_setup_teardown(the_later_of_two_values_survives_a_restart, fresh, done),
        cmocka_unit_test_setup_teardown(an_hour_is_forgotten_whole_when_it_has_ended, fresh, done),
        cmocka_unit_test_setup_teardown(nothing_is_forgotten_by_mistake_while_an_hour_is_swept_out,
                                        fresh, done),
    };
    int failed = cmocka_run_group_tests_name("guard", tests, NULL, NULL);
    buffer_destroy(&redis);
    return failed;
}
