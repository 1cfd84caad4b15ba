// test_sums - several executors: who serves whom, who writes what, and the views over all accounts.
// SPDX-License-Identifier: MIT
#include "world.h"

static const char executions_1[] = "executions.1";

// This executor is number `shard` of two, and its accounts are with number `home`.
static struct world *of_two(void **state, unsigned shard, unsigned home) {
    struct world *w = *state;
    InstanceConfig instance = *book_instance(w->book, "g1");
    instance.has_shard = true;
    instance.shard = home;
    ConfigChange row = CONFIG_CHANGE__INIT;
    row.kind = CONFIG_CHANGE__KIND__instance_config;
    row.id = instance.instance_id;
    row.instance = &instance;
    world_apply(w, &row);
    w->context.shard = shard;
    w->context.shards = 2;
    w->outlets[0].shard = shard;
    (void)snprintf(w->outlets[0].name, sizeof w->outlets[0].name, "%s",
                   shard ? executions_1 : "executions.0");
    executor_service.destroy((void **)&w->x);
    w->x = world_executor(w);
    world_begin(w);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    return w;
}

static const ExecutorSums *last_sums(const struct world *w) {
    for (size_t i = w->n_told; i > 0; i--) {
        if (w->told[i - 1]->descriptor == &executor_sums__descriptor)
            return (const ExecutorSums *)w->told[i - 1];
    }
    return NULL;
}

static void an_executor_tells_what_it_has_and_leaves_the_view_of_all_to_executor_0(void **state) {
    struct world *w = of_two(state, 1, 1);
    have_position(w, "t1");
    world_pass(w, NS_PER_S);
    world_tick(w);
    assert_non_null(strstr(w->committed, "positions:active:a1:EURUSD"));
    assert_null(strstr(w->committed, "positions:active:EURUSD"));
    assert_null(strstr(w->committed, "broker_state:"));
    assert_non_null(strstr(w->committed, "execution_state:sums:1"));
    const ExecutorSums *m = last_sums(w);
    assert_non_null(m);
    assert_int_equal(m->shard, 1);
    assert_int_equal(m->n_symbols, 1);
    assert_string_equal(m->symbols[0]->symbol, "EURUSD");
    assert_int_equal(m->symbols[0]->long_lots, LOT);
    assert_int_equal(m->n_brokers, 1);
}

static void what_is_told_at_leisure_is_told_every_second(void **state) {
    struct world *w = of_two(state, 1, 1);
    world_tick(w);
    size_t before = w->n_told;
    world_pass(w, 100 * MS);
    world_tick(w);
    assert_int_equal(w->n_told, before);
    world_pass(w, NS_PER_S);
    world_tick(w);
    assert_int_equal(w->n_told, before + 1);
}

static SymbolSum sum_of(const char *symbol, int64_t lots, int64_t price) {
    SymbolSum s = SYMBOL_SUM__INIT;
    __int128 cost = (__int128)lots * price;
    s.symbol = (char *)(uintptr_t)symbol;
    s.long_lots = lots;
    s.long_cost_high = (int64_t)(cost >> 64);
    s.long_cost_low = (uint64_t)cost;
    s.price = price;
    s.executed_at = START;
    return s;
}

static void other_tells(struct world *w, uint64_t epoch, SymbolSum *sum, BrokerState *broker) {
    ExecutorSums m = EXECUTOR_SUMS__INIT;
    m.shard = 1;
    m.epoch = epoch;
    m.symbols = &sum;
    m.n_symbols = sum != NULL;
    m.brokers = &broker;
    m.n_brokers = broker != NULL;
    engine_begin(w->x, w->batch);
    sums_take(w->x, &m);
    world_pass(w, NS_PER_S);
    world_tick(w);
}

static void executor_0_adds_up_what_all_have(void **state) {
    struct world *w = of_two(state, 0, 0);
    have_position(w, "t1"); // one lot at 1.1
    SymbolSum eur = sum_of("EURUSD", 3 * LOT, LOT + LOT / 5),
              jpy = sum_of("USDJPY", 5 * LOT, 150 * LOT);
    other_tells(w, 1, &eur, NULL);
    assert_non_null(strstr(w->committed, "positions:active:EURUSD"));
    assert_non_null(strstr(w->committed, "\"entry_price\":1.175"));
    assert_non_null(strstr(w->committed, "\"quantity\":4,"));
    other_tells(w, 1, &jpy, NULL); // its euros are gone, and it has what we never had
    assert_non_null(strstr(w->committed, "\"entry_price\":1.1,"));
    assert_non_null(strstr(w->committed, "positions:active:USDJPY"));
    assert_non_null(strstr(w->committed, "\"current_price\":150,"));
    other_tells(w, 1, NULL, NULL);
    assert_non_null(strstr(w->committed, "UNLINK\r\n$23\r\npositions:active:USDJPY"));
}

static void what_an_older_executor_still_tells_is_not_heard(void **state) {
    struct world *w = of_two(state, 0, 0);
    SymbolSum now = sum_of("EURUSD", 2 * LOT, LOT), old = sum_of("EURUSD", 9 * LOT, LOT);
    other_tells(w, 7, &now, NULL);
    assert_non_null(strstr(w->committed, "\"quantity\":2,"));
    other_tells(w, 6, &old, NULL);
    assert_null(strstr(w->committed, "\"quantity\":9,"));
}

static void a_broker_s_figures_are_over_all_executors(void **state) {
    struct world *w = of_two(state, 0, 0);
    world_tick(w);
    BrokerState b = BROKER_STATE__INIT;
    b.broker_id = (char *)"b1";
    b.instances = 2;
    b.has_commission = true, b.commission = 5 * LOT;
    b.updated_at = w->now;
    other_tells(w, 1, NULL, &b);
    const char *at = strstr(w->committed, "broker_state:b1");
    assert_non_null(at);
    assert_non_null(strstr(at, "instances\r\n$1\r\n3"));
    assert_non_null(strstr(at, "commission\r\n$1\r\n5"));
}

static void a_gateway_is_sent_to_the_executor_that_has_its_accounts(void **state) {
    struct world *w = of_two(state, 0, 1);
    assert_int_equal(letters_of(w, &welcome__descriptor, NULL), 0);
    assert_int_equal(letters_of(w, &elsewhere__descriptor, NULL), 1);
    const Elsewhere *m = (const Elsewhere *)w->letters[w->n_letters - 1];
    assert_int_equal(m->shard, 1);
    assert_int_equal(m->shards, 2);
    world_pass(w, NS_PER_S);
    // and whatever else it says: an epoch of ours would make it deaf to its own executor
    gateway_beat(w);
    world_commit(w);
    assert_int_equal(letters_of(w, &elsewhere__descriptor, NULL), 2);
    assert_int_equal(w->n_letters, 2);
}

static void an_account_of_another_executor_is_halted_here_and_told_there(void **state) {
    struct world *w = of_two(state, 0, 1);
    operator_says(w, COMMAND__ACTION__halt, "a1", NULL);
    world_tick(w);
    assert_non_null(strstr(w->committed, "execution_state:risk:0"));
    assert_null(strstr(w->committed, "account_state:a1"));
    for (size_t i = 0; i < w->n_told; i++)
        assert_ptr_not_equal(w->told[i]->descriptor, &account_state__descriptor);
}

static void a_trade_ownership_account_goes_elsewhere_is_an_alert(void **state) {
    struct world *w = of_two(state, 0, 0);
    unsigned shard;
    have_position(w, "t1");
    assert_null(ownership_misplaced(w->x, &shard));
    InstanceConfig instance = *book_instance(w->book, "g1");
    instance.shard = 1;
    ConfigChange row = CONFIG_CHANGE__INIT;
    row.kind = CONFIG_CHANGE__KIND__instance_config;
    row.id = instance.instance_id;
    row.instance = &instance;
    world_apply(w, &row);
    assert_string_equal(ownership_misplaced(w->x, &shard)->s->trade_id, "t1");
    assert_int_equal(shard, 1);
    executor_service.configured(w->x);
    world_tick(w);
    assert_int_equal(alerts(w, "account_elsewhere"), 1);
    assert_int_equal(letters_of(w, &elsewhere__descriptor, NULL), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        TEST(an_executor_tells_what_it_has_and_leaves_the_view_of_all_to_executor_0),
        TEST(what_is_told_at_leisure_is_told_every_second),
        TEST(executor_0_adds_up_what_all_have),
        TEST(what_an_older_executor_still_tells_is_not_heard),
        TEST(a_broker_s_figures_are_over_all_executors),
        TEST(a_gateway_is_sent_to_the_executor_that_has_its_accounts),
        TEST(an_account_of_another_executor_is_halted_here_and_told_there),
        TEST(a_trade_ownership_account_goes_elsewhere_is_an_alert),
    };
    return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
