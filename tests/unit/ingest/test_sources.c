// test_sources - tokens, rates, floods.
// SPDX-License-Identifier: MIT
#include "services/ingest/door/bucket.h"
#include "services/ingest/door/sources.h"
#include "world.h"

static const SignalConfig *check(struct world *w, const char *name, const char *token) {
    return source_check(w->book, name, span_of(token), NOW);
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

static void the_token_before_counts_until_its_time_is_over(void **state) {
    struct world *w = *state;
    char now[65], before[65];
    token_hash("new-token-0123456789", 20, now);
    token_hash(TOKEN, strlen(TOKEN), before);
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.config_id = (char *)"tv";
    source.token_hash = now;
    source.old_token_hash = before;
    source.has_old_token_until = true;
    source.old_token_until = NOW;
    world_configure(w, &source);
    assert_non_null(source_check(w->book, "tv", span_of("new-token-0123456789"), NOW + 1));
    assert_non_null(source_check(w->book, "tv", span_of(TOKEN), NOW));
    assert_null(source_check(w->book, "tv", span_of(TOKEN), NOW + 1));
    source.has_old_token_until = false;
    world_configure(w, &source);
    assert_null(source_check(w->book, "tv", span_of(TOKEN), NOW));
}

static void a_license_is_its_own_or_the_token(void **state) {
    (void)state;
    char token[65], license[65];
    token_hash(TOKEN, strlen(TOKEN), token);
    token_hash("6012345678901", 13, license);
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.token_hash = token;
    assert_true(source_has_license(&source, span_of(TOKEN), NOW));
    assert_false(source_has_license(&source, span_of("6012345678901"), NOW));
    source.license_hash = license;
    assert_true(source_has_license(&source, span_of("6012345678901"), NOW));
    assert_false(source_has_license(&source, span_of(TOKEN), NOW));
    assert_false(source_has_license(&source, span_of(""), NOW));
}

// Trusted: 127.0.0.1 and 10.0.0.0/8.
static void who_sends_is_who_the_last_trusted_proxy_names(void **state) {
    (void)state;
    struct proxies proxies;
    char wrong[64];
    static const struct {
        const char *peer, *forwarded, *client;
    } cases[] = {
        {"203.0.113.9", "", "203.0.113.9"},
        {"203.0.113.9", "52.32.178.7", "203.0.113.9"}, // no proxy of ours says so
        {"127.0.0.1", "", "127.0.0.1"},
        {"127.0.0.1", "52.32.178.7", "52.32.178.7"},
        // the left one is what the right one wrote
        {"127.0.0.1", "52.32.178.7, 203.0.113.9", "203.0.113.9"},
        {"127.0.0.1", "52.32.178.7, 203.0.113.9, 10.1.2.3", "203.0.113.9"},
        {"127.0.0.1", " 203.0.113.9 ,10.1.2.3 , ", "203.0.113.9"},
        {"127.0.0.1", "10.9.9.9,10.1.2.3", "10.9.9.9"},
        {"127.0.0.1", "2001:db8::1", "2001:db8::1"},
        {"::ffff:127.0.0.1", "52.32.178.7", "52.32.178.7"},
        {"127.0.0.1", "somebody", "unknown"},
        {"127.0.0.1", "52.32.178.7, unknown", "unknown"},
        {"127.0.0.1", "52.32.178.7:443", "unknown"},
        {"", "52.32.178.7", "unknown"},
    };
    assert_true(proxies_read("127.0.0.1, 10.0.0.0/8", &proxies, wrong));
    assert_int_equal(proxies.n, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client client;
        client_find(&proxies, cases[i].peer, cases[i].forwarded, &client);
        if (strcmp(client.text, cases[i].client) != 0)
            fail_msg("%s for %s is %s, not %s", cases[i].peer, cases[i].forwarded, client.text,
                     cases[i].client);
        assert_int_equal(client.known, strcmp(cases[i].client, "unknown") != 0);
    }
    assert_true(proxies_read("", &proxies, wrong));
    assert_int_equal(proxies.n, 0);
    assert_false(proxies_read("127.0.0.1,localhost", &proxies, wrong));
    assert_string_equal(wrong, "localhost");
}

static void an_allow_list_holds_addresses_networks_and_tradingview(void **state) {
    (void)state;
    static const struct {
        const char *entry, *address;
        bool holds;
    } cases[] = {
        {"tradingview", "52.89.214.238", true},
        {"tradingview", "34.212.75.30", true},
        {"tradingview", "54.218.53.128", true},
        {"tradingview", "52.32.178.7", true},
        {"tradingview", "52.32.178.8", false},
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/9", "10.127.255.255", true},
        {"10.0.0.0/9", "10.128.0.0", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:1::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"::/0", "8.8.8.8", true},
    };
    static const char *const wrong[] = {"",          "tradingviews", "10.0.0.1/8",  "10.0.0.0/33",
                                        "10.0.0.0/", "10.0.0/8",     "10.0.0.0/8x", "a.b.c.d",
                                        "::/129"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SignalConfig source = SIGNAL_CONFIG__INIT;
        char *entry = (char *)(uintptr_t)cases[i].entry;
        struct client client = {.known = true};
        assert_true(networks_entry_is_valid(cases[i].entry));
        assert_true(address_parse(cases[i].address, strlen(cases[i].address), &client.address));
        assert_true(source_allows(&source, &client));
        source.allow = &entry;
        source.n_allow = 1;
        if (source_allows(&source, &client) != cases[i].holds)
            fail_msg("%s and %s", cases[i].entry, cases[i].address);
        client.known = false;
        assert_false(source_allows(&source, &client));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (networks_entry_is_valid(wrong[i])) fail_msg("%s is taken", wrong[i]);
}

static void a_source_is_held_to_its_rate(void **state) {
    struct world *w = *state;
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.config_id = (char *)"tv";
    source.has_rate_per_s = true;
    source.rate_per_s = 5;
    for (int i = 0; i < 5; i++)
        assert_true(sources_within_rate(w->ingest->sources, &source, false, 1, NS_PER_S));
    assert_false(sources_within_rate(w->ingest->sources, &source, false, 1, NS_PER_S));
    assert_false(
        sources_within_rate(w->ingest->sources, &source, false, 1, NS_PER_S + 199 * NS_PER_MS));
    assert_true(
        sources_within_rate(w->ingest->sources, &source, false, 1, NS_PER_S + 200 * NS_PER_MS));
    // prices have their own
    assert_true(
        sources_within_rate(w->ingest->sources, &source, true, 1, NS_PER_S + 200 * NS_PER_MS));
}

static void a_source_has_a_rate_and_a_budget_of_bytes_by_preset(void **state) {
    struct world *w = *state;
    const SignalConfig *tv = book_source(w->book, "tv"), *other = book_source(w->book, "other");
    size_t small = 0, large = 0;
    while (sources_within_rate(w->ingest->sources, tv, false, 100, NS_PER_S)) small++;
    while (sources_within_rate(w->ingest->sources, other, false, 57 * 1024, NS_PER_S)) large++;
    assert_int_equal(small, 500);
    assert_int_equal(large, 8 * 1048576 / (57 * 1024));
    for (uint64_t s = 2; s < 12; s++) {
        while (sources_within_rate(w->ingest->sources, other, false, 57 * 1024, s * NS_PER_S))
            large++;
    }
    assert_true(large * 57 * 1024 <= 18 * 1048576);
}

static void what_one_source_has_remembered_is_bounded(void **state) {
    struct world *w = *state;
    struct sender *sender = sources_sender(w->ingest->sources, "tv");
    const uint64_t day = 86400 * NS_PER_S;
    size_t n = 0;
    while (sender_may_be_remembered(sender, 1000, 2 * day, NS_PER_S)) n++;
    assert_int_equal(n, 1000);
    assert_false(sender_may_be_remembered(sender, 1000, 2 * day, NS_PER_S + 172 * NS_PER_S));
    assert_true(sender_may_be_remembered(sender, 1000, 2 * day, NS_PER_S + 174 * NS_PER_S));
    assert_true(sender_may_be_remembered(sources_sender(w->ingest->sources, "other"), 1000, 2 * day,
                                         NS_PER_S));
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
        world_test(the_token_before_counts_until_its_time_is_over),
        cmocka_unit_test(a_license_is_its_own_or_the_token),
        cmocka_unit_test(who_sends_is_who_the_last_trusted_proxy_names),
        cmocka_unit_test(an_allow_list_holds_addresses_networks_and_tradingview),
        world_test(a_source_is_held_to_its_rate),
        world_test(a_source_has_a_rate_and_a_budget_of_bytes_by_preset),
        world_test(what_one_source_has_remembered_is_bounded),
        world_test(strangers_are_borne_for_a_while_each_address_for_itself),
        cmocka_unit_test(a_bucket_never_holds_more_than_its_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
