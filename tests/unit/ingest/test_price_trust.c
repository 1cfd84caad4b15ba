// test_price_trust - whose price of a symbol counts, and which is believed.
// SPDX-License-Identifier: MIT
#include "services/ingest/prices/price_trust.h"
#include "world.h"

#define PERCENT(n) D((n)*DECIMAL_SCALE)

static bool say(struct price_held *held, int64_t last, uint64_t at_s) {
    Price p = PRICE__INIT;
    p.last = last;
    return price_is_believed(held, &p, PERCENT(10), at_s * NS_PER_S);
}

static bool may(struct world *w, const char *source, const char *symbol) {
    return price_is_from(book_source(w->book, source), symbol, price_owners(w->book, symbol));
}

static void give(struct world *w, const char *name, bool prices, char **symbols, size_t n) {
    SignalConfig source = SIGNAL_CONFIG__INIT;
    source.config_id = (char *)name;
    source.token_hash = (char *)"";
    source.has_prices = prices;
    source.prices = prices;
    source.price_symbols = symbols;
    source.n_price_symbols = n;
    world_configure(w, &source);
}

static void no_source_posts_prices_unless_it_is_said(void **state) {
    struct world *w = *state;
    give(w, "new", false, NULL, 0);
    assert_false(may(w, "new", "EURUSD"));
    give(w, "new", true, NULL, 0);
    assert_true(may(w, "new", "EURUSD"));
}

static void a_symbol_that_no_broker_lists_and_nobody_names_has_no_price(void **state) {
    struct world *w = *state;
    char *symbols[] = {(char *)"USDTRY"};
    assert_false(may(w, "tv", "USDTRY"));
    give(w, "new", true, symbols, 1);
    assert_true(may(w, "new", "USDTRY"));
    assert_false(may(w, "tv", "USDTRY"));
}

static void a_symbol_that_is_named_is_only_of_those_that_name_it(void **state) {
    struct world *w = *state;
    char *symbols[] = {(char *)"EURUSD"};
    assert_true(may(w, "tv", "EURUSD"));
    give(w, "feed", true, symbols, 1);
    assert_false(may(w, "tv", "EURUSD"));
    assert_true(may(w, "feed", "EURUSD"));
    assert_false(may(w, "feed", "GBPUSD"));
    assert_true(may(w, "tv", "GBPUSD"));
    give(w, "feed", false, symbols, 1); // it may not any more
    assert_true(may(w, "tv", "EURUSD"));
}

static void a_price_within_the_bound_is_believed(void **state) {
    (void)state;
    struct price_held h = {0};
    assert_true(say(&h, 100000000, 1)); // the first one
    assert_true(say(&h, 110000000, 2)); // ten percent up
    assert_true(say(&h, 99000000, 3));  // and down
    assert_false(say(&h, 89099999, 4));
    assert_false(say(&h, 108900001, 4));
    assert_true(say(&h, 99000000, 5));
}

static void a_jump_is_believed_when_it_stays(void **state) {
    (void)state;
    struct price_held h = {0};
    assert_true(say(&h, 100000000, 10));
    assert_false(say(&h, 50000000, 11));
    assert_false(say(&h, 50000000, 11)); // at once as often as you like
    assert_false(say(&h, 51000000, 11));
    assert_false(say(&h, 52000000, 15));
    assert_true(say(&h, 52000000, 16));
    assert_true(say(&h, 50000000, 17));
}

static void a_jump_that_does_not_stay_begins_anew(void **state) {
    (void)state;
    struct price_held h = {0};
    assert_true(say(&h, 100000000, 10));
    assert_false(say(&h, 50000000, 11));
    assert_false(say(&h, 50000000, 14));
    assert_true(say(&h, 100000000, 15)); // back
    assert_false(say(&h, 50000000, 17));
    assert_false(say(&h, 200000000, 20)); // elsewhere
    assert_false(say(&h, 50000000, 22));
    assert_false(say(&h, 50000000, 24));
    assert_true(say(&h, 50000000, 27));
}

static void from_an_old_price_nothing_is_a_jump(void **state) {
    (void)state;
    struct price_held h = {0};
    assert_true(say(&h, 100000000, 10));
    assert_false(say(&h, 50000000, 3610));
    assert_true(say(&h, 50000000, 3611));
}

static void a_bid_or_an_ask_far_from_its_own_price_is_never_believed(void **state) {
    (void)state;
    struct price_held h = {0};
    Price p = PRICE__INIT;
    p.last = 100000000;
    p.has_bid = true;
    p.bid = 50000000;
    for (uint64_t s = 1; s < 20; s++)
        assert_false(price_is_believed(&h, &p, PERCENT(10), s * NS_PER_S));
    p.bid = 90000000;
    assert_true(price_is_believed(&h, &p, PERCENT(10), 20 * NS_PER_S));
    p.has_ask = true;
    p.ask = 110000001;
    assert_false(price_is_believed(&h, &p, PERCENT(10), 21 * NS_PER_S));
    p.last = p.bid = p.ask = INT64_MAX;
    assert_false(price_is_believed(&h, &p, PERCENT(100000), 22 * NS_PER_S));
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(no_source_posts_prices_unless_it_is_said),
        world_test(a_symbol_that_no_broker_lists_and_nobody_names_has_no_price),
        world_test(a_symbol_that_is_named_is_only_of_those_that_name_it),
        cmocka_unit_test(a_price_within_the_bound_is_believed),
        cmocka_unit_test(a_jump_is_believed_when_it_stays),
        cmocka_unit_test(a_jump_that_does_not_stay_begins_anew),
        cmocka_unit_test(from_an_old_price_nothing_is_a_jump),
        cmocka_unit_test(a_bid_or_an_ask_far_from_its_own_price_is_never_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
