// test_sources - tokens, rates, floods.
// SPDX-License-Identifier: MIT
#include "services/ingest/bucket.h"
#include "services/ingest/sources.h"
#include "world.h"

static const SignalConfig *check(struct world *w, const char *name, const char *token) {
    return source_check(w->book, name, span_of(token));
}

static void only_the_right_token_opens(void **state) {
    struct world *w = *state;
    assert_non_null(check(w, "tv", TOKEN));
    assert_null(check(w, "tv", TOKEN "x"));
    assert_null(check(w, "tv", ""));
    assert_null(check(w, "nobody", TOKEN));
    assert_null(check(w, "nobody", ""));
}

static void a_source_that_is_disabled_does_not_open(void **state) {
    struct world *w = *state;
    char hash[65];
    token_hash(TOKEN, strlen(TOKEN), hash);
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.config_id = (char *)"tv";
    source.token_hash = hash;
    source.has_enabled = true;
    source.enabled = false;
    world_configure(w, &source);
    assert_null(check(w, "tv", TOKEN));
}

static void a_source_is_held_to_its_rate(void **state) {
    struct world *w = *state;
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.config_id = (char *)"tv";
    source.has_rate_per_s = true;
    source.rate_per_s = 5;
    for (int i = 0; i < 5; i++) assert_true(sources_within_rate(w->ingest->sources, &source, NS_PER_S));
    assert_false(sources_within_rate(w->ingest->sources, &source, NS_PER_S));
    assert_false(sources_within_rate(w->ingest->sources, &source, NS_PER_S + 199 * NS_PER_MS));
    assert_true(sources_within_rate(w->ingest->sources, &source, NS_PER_S + 200 * NS_PER_MS));
    source.has_rate_per_s = false;
    for (int i = 0; i < 100; i++) assert_true(sources_within_rate(w->ingest->sources, &source, NS_PER_S));
}

static void strangers_are_borne_for_a_while_each_address_for_itself(void **state) {
    struct world *w = *state;
    unsigned borne = 0;
    for (int i = 0; i < 1000; i++) borne += sources_bear(w->ingest->sources, "10.0.0.1", NS_PER_S);
    assert_int_equal(borne, 200);
    assert_true(sources_bear(w->ingest->sources, "10.0.0.2", NS_PER_S));
}

static void a_bucket_never_holds_more_than_its_burst(void **state) {
    (void)state;
    struct bucket b = {0};
    unsigned taken = 0;
    assert_true(bucket_take(&b, 10, 10, 1));
    while (bucket_take(&b, 10, 10, UINT64_MAX / 2)) taken++;
    assert_int_equal(taken, 10);
    assert_false(bucket_take(&b, 10, 10, 5)); // a clock that goes back gives nothing
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(only_the_right_token_opens),
        world_test(a_source_that_is_disabled_does_not_open),
        world_test(a_source_is_held_to_its_rate),
        world_test(strangers_are_borne_for_a_while_each_address_for_itself),
        cmocka_unit_test(a_bucket_never_holds_more_than_its_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
