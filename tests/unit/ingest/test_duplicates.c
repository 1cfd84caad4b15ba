// test_duplicates - a swallowed duplicate leaves a trace, and what is held of them has a bound.
// SPDX-License-Identifier: MIT
#include "services/ingest/identity/duplicates.h"
#include "world.h"

static void what_comes_again_is_counted_logged_and_kept(void **state) {
    struct world *w = *state;
    post(w, "buy EURUSD signal_id=a-1");
    assert_false(wrote(w, "signal:state:duplicates")); // who comes once costs nothing
    for (unsigned i = 1; i < 4; i++) {
        world_begin(w);
        assert_says(post(w, "buy EURUSD signal_id=a-1"), "\"duplicate\":true");
        assert_true(w->ingest->wrote);
        batch_gather(w->batch);
        assert_true(wrote(w, "HSET\r\n$23\r\nsignal:state:duplicates\r\n$3\r\na-1"));
        assert_int_equal(batch_commands(w->batch), 1);
        assert_int_equal(w->ingest->counts.duplicates, i);
    }
    assert_int_equal(duplicates_count(w->ingest->duplicates), 1);
}

static void a_resend_of_what_was_refused_is_counted_too(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 3; i++) assert_int_equal(post(w, "buy signal_id=a-1").status, 422);
    assert_int_equal(w->ingest->counts.refused, 1);
    assert_int_equal(w->ingest->counts.duplicates, 2);
}

static void what_came_again_longest_ago_is_forgotten(void **state) {
    struct world *w = *state;
    duplicates_t *d = duplicates_new(2);
    duplicates_add(d, w->batch, "a");
    duplicates_add(d, w->batch, "b");
    duplicates_add(d, w->batch, "a");
    duplicates_add(d, w->batch, "c");
    assert_int_equal(duplicates_count(d), 2);
    batch_gather(w->batch);
    assert_true(wrote(w, "HDEL\r\n$23\r\nsignal:state:duplicates\r\n$1\r\nb"));
    world_begin(w);
    duplicates_retire(d, w->batch, w->now);
    assert_int_equal(duplicates_count(d), 2);
    duplicates_retire(d, w->batch, w->now + 1);
    assert_int_equal(duplicates_count(d), 0);
    duplicates_destroy(&d);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(what_comes_again_is_counted_logged_and_kept),
        world_test(a_resend_of_what_was_refused_is_counted_too),
        world_test(what_came_again_longest_ago_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
