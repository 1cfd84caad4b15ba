// test_halts - what the operator and the risk rules forbid: by source, by lock, by size; flattening
// until nothing is left, over restarts.
// SPDX-License-Identifier: MIT
#include "tests/unit/executor/world.h"

#define LOCK(name) ORDER_COMMAND__LOCK__##name

static int setup(void **state) {
    (void)world_setup(state);
    gateway_hello(*state, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static void give_from(struct world *w, const char *trade_id, const char *source) {
    Order o = order_of(w, trade_id);
    o.source = (char *)(uintptr_t)source;
    give(w, &o);
}

static void give_limit(struct world *w, const char *trade_id, const char *source) {
    Order o = order_of(w, trade_id);
    o.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    o.terms->has_price = true;
    o.terms->price = LOT;
    o.source = (char *)(uintptr_t)source;
    give(w, &o);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, trade_id);
    world_commit(w);
}

static void have_position_from(struct world *w, const char *trade_id, const char *source) {
    give_from(w, trade_id, source);
    world_commit(w);
    gateway_fills(w, trade_id, trade_id, LOT);
    world_commit(w);
    assert_state(w, trade_id, filled);
}

struct word {
    Command__Action action;
    const char *account_id, *source;
    bool flatten;
};

static void say(struct world *w, struct word word) {
    static unsigned n;
    char id[16];
    (void)snprintf(id, sizeof id, "c%u", ++n);
    Command c = COMMAND__INIT;
    c.command_id = id;
    c.action = word.action;
    c.account_id = (char *)(uintptr_t)word.account_id;
    c.source = (char *)(uintptr_t)word.source;
    c.has_flatten = c.flatten = word.flatten;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_commands, &c.base), ERR_OK);
}

static void lock(struct world *w, const char *account_id, OrderCommand__Lock how) {
    static unsigned n;
    char id[16];
    (void)snprintf(id, sizeof id, "l%u", ++n);
    OrderCommand c = ORDER_COMMAND__INIT;
    c.amendment = new_amendment();
    c.trailing = new_trailing();
    c.command_id = id;
    c.account_id = (char *)(uintptr_t)account_id;
    c.action = ORDER_COMMAND__ACTION__set_lock;
    c.has_lock = true;
    c.lock = how;
    c.created_at = w->now;
    assert_int_equal(handle(w, TOPIC_orders, &c.base), ERR_OK);
}

// Closes that went to the gateway: orders that name the position they close.
static size_t closes_of(const struct world *w, const char *trade_id) {
    size_t n = 0;
    for (size_t i = 0; i < w->n_letters; i++) {
        if (w->letters[i]->descriptor != &submit__descriptor) continue;
        const Submit *m = (const Submit *)w->letters[i];
        for (size_t k = 0; k < m->n_closes; k++) n += strcmp(m->closes[k]->trade_id, trade_id) == 0;
    }
    return n;
}

static void refused_with(struct world *w, const char *trade_id, const char *reason) {
    assert_int_equal(submits(w, trade_id), 0);
    assert_state(w, trade_id, rejected);
    assert_string_equal(last_told(w, trade_id)->reason, reason);
}

// Another executor that starts from what Redis has, of which the test gives it the risk fields.
static void restart(struct world *w, const char *const fields[][2], size_t n) {
    executor_service.destroy((void **)&w->x);
    w->x = world_executor(w);
    for (size_t i = 0; i < n; i++) assert_true(halts_load(w->x, fields[i][0], fields[i][1]));
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
}

static void a_halted_source_stops_its_own_orders_and_no_others(void **state) {
    struct world *w = *state;
    say(w, (struct word){COMMAND__ACTION__halt, NULL, "noisy", false});
    give_from(w, "t1", "noisy");
    give_from(w, "t2", "calm");
    give_from(w, "t3", NULL); // journalled before orders knew their source
    world_commit(w);
    refused_with(w, "t1", "halted_source");
    assert_int_equal(submits(w, "t2") + submits(w, "t3"), 2);
    assert_non_null(strstr(w->committed, "source:noisy"));
    say(w, (struct word){COMMAND__ACTION__reduce_only, NULL, "noisy", false});
    give_from(w, "t4", "noisy");
    world_commit(w);
    refused_with(w, "t4", "reduce_only");
    say(w, (struct word){COMMAND__ACTION__resume, NULL, "noisy", false});
    give_from(w, "t5", "noisy");
    world_commit(w);
    assert_int_equal(submits(w, "t5"), 1);
}

static void a_halt_stops_what_the_same_batch_was_about_to_send(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    say(w, (struct word){COMMAND__ACTION__halt, NULL, NULL, false});
    world_commit(w);
    world_tick(w);
    refused_with(w, "t1", "halted_global");
}

static void a_lock_stops_entries_and_lets_closes_through(void **state) {
    struct world *w = *state;
    have_position_from(w, "t1", NULL);
    give_limit(w, "t2", NULL);
    lock(w, "a1", LOCK(blocked));
    give_market(w, "t3");
    give_close(w, "c1");
    world_commit(w);
    refused_with(w, "t3", "locked");
    assert_int_equal(submits(w, "c1"), 1);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, "t2"), 0); // it may still be filled
    lock(w, "a1", LOCK(reduce_only));
    world_commit(w);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, "t2"), 1); // now it may not
    lock(w, "a1", LOCK(open));
    give_market(w, "t4");
    world_commit(w);
    assert_int_equal(submits(w, "t4"), 1);
}

static void a_flatten_closes_and_cancels_what_it_concerns(void **state) {
    static const struct {
        struct word word;
        size_t noisy, calm;
    } cases[] = {
        {{COMMAND__ACTION__halt, NULL, NULL, true}, 1, 1},
        {{COMMAND__ACTION__reduce_only, NULL, NULL, true}, 1, 1},
        {{COMMAND__ACTION__halt, "a1", NULL, true}, 1, 1},
        {{COMMAND__ACTION__halt, "a2", NULL, true}, 0, 0},
        {{COMMAND__ACTION__halt, NULL, "noisy", true}, 1, 0},
        {{COMMAND__ACTION__halt, NULL, "nobody", true}, 0, 0},
        {{COMMAND__ACTION__halt, NULL, NULL, false}, 0, 0},
        {{COMMAND__ACTION__resume, NULL, NULL, true}, 0, 0},
        {{COMMAND__ACTION__reduce_only, NULL, "calm", true}, 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *made = NULL;
        (void)setup(&made);
        struct world *w = made;
        have_position_from(w, "t1", "noisy");
        have_position_from(w, "t2", "calm");
        give_limit(w, "t3", "noisy");
        give_limit(w, "t4", "calm");
        say(w, cases[i].word);
        world_commit(w);
        assert_int_equal(closes_of(w, "t1"), cases[i].noisy);
        assert_int_equal(closes_of(w, "t2"), cases[i].calm);
        assert_int_equal(letters_of(w, &cancel_order__descriptor, "t3"), cases[i].noisy);
        assert_int_equal(letters_of(w, &cancel_order__descriptor, "t4"), cases[i].calm);
        (void)world_teardown(&made);
    }
}

static void a_position_is_closed_once_while_its_close_is_under_way(void **state) {
    struct world *w = *state;
    have_position_from(w, "t1", NULL);
    say(w, (struct word){COMMAND__ACTION__halt, NULL, NULL, true});
    world_commit(w);
    world_live(w, 4);
    assert_int_equal(closes_of(w, "t1"), 1);
}

static void a_fill_that_comes_after_the_flatten_is_closed_as_well(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    say(w, (struct word){COMMAND__ACTION__halt, "a1", NULL, true});
    world_commit(w);
    gateway_fills(w, "t1", "e1", LOT); // it was on its way
    world_commit(w);
    world_live(w, 2);
    assert_int_equal(closes_of(w, "t1"), 1);
}

static void a_close_that_was_refused_is_tried_again(void **state) {
    struct world *w = *state;
    have_position_from(w, "t1", NULL);
    lock(w, "a1", LOCK(flattened));
    world_commit(w);
    assert_int_equal(closes_of(w, "t1"), 1);
    gateway_reports(w, REPORT__KIND__rejected, last_submit(w)->trade_id);
    world_commit(w);
    world_live(w, 31);
    assert_int_equal(closes_of(w, "t1"), 2);
    lock(w, "a1", LOCK(open));
    gateway_reports(w, REPORT__KIND__rejected, last_submit(w)->trade_id);
    world_commit(w);
    world_live(w, 31);
    assert_int_equal(closes_of(w, "t1"), 2); // nobody wants it any more
}

static void what_was_forbidden_is_forbidden_after_a_restart(void **state) {
    struct world *w = *state;
    static const char *const fields[][2] = {
        {"source:noisy", "halted"}, {"lock:a2", "flattened"}, {"flatten:lock:a2", "l1"}};
    restart(w, fields, 3);
    give_from(w, "t1", "noisy");
    Order other = order_of(w, "t2");
    other.account_id = (char *)"a2";
    give(w, &other);
    give_market(w, "t3");
    world_commit(w);
    refused_with(w, "t1", "halted_source");
    refused_with(w, "t2", "locked");
    assert_int_equal(submits(w, "t3"), 1);
    assert_false(halts_load(w->x, "lock:a1", "ajar")); // and so it is locked
    assert_int_equal(accounts_get(w->x->accounts, "a1")->lock, ORDER_COMMAND__LOCK__reduce_only);
    assert_false(halts_load(w->x, "source:s1", "ajar"));
    assert_int_equal(halts_source(w->x->halts, "s1"), RISK_STATE__MODE__halted);
}

static void an_order_over_the_most_lots_is_stopped_here_too(void **state) {
    struct world *w = *state;
    RiskRules preset_rules = RISK_RULES__INIT, rules = RISK_RULES__INIT;
    preset_rules.has_max_lots_order = true;
    preset_rules.max_lots_order = LOT;
    RiskConfig preset = RISK_CONFIG__INIT;
    preset.preset_id = (char *)"p1";
    preset.rules = &preset_rules;
    ConfigChange row = CONFIG_CHANGE__INIT;
    row.kind = CONFIG_CHANGE__KIND__risk_config;
    row.id = preset.preset_id;
    row.risk = &preset;
    world_apply(w, &row);
    AccountConfig account = ACCOUNT_CONFIG__INIT;
    account.account_id = (char *)"a1";
    account.broker_id = (char *)"b1";
    rules.preset = preset.preset_id;
    account.risk = &rules;
    ConfigChange change = CONFIG_CHANGE__INIT;
    change.kind = CONFIG_CHANGE__KIND__account_config;
    change.id = account.account_id;
    change.account = &account;
    world_apply(w, &change);
    Order o = order_of(w, "t1");
    give(w, &o); // exactly as many
    o.trade_id = (char *)"t2";
    o.terms->lot_size = LOT + 1;
    give(w, &o);
    world_commit(w);
    assert_int_equal(submits(w, "t1"), 1);
    refused_with(w, "t2", "max_lots_order");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_halted_source_stops_its_own_orders_and_no_others, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_halt_stops_what_the_same_batch_was_about_to_send, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_lock_stops_entries_and_lets_closes_through, setup,
                                        world_teardown),
        cmocka_unit_test(a_flatten_closes_and_cancels_what_it_concerns),
        cmocka_unit_test_setup_teardown(a_position_is_closed_once_while_its_close_is_under_way,
                                        setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_fill_that_comes_after_the_flatten_is_closed_as_well,
                                        setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_close_that_was_refused_is_tried_again, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(what_was_forbidden_is_forbidden_after_a_restart, setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(an_order_over_the_most_lots_is_stopped_here_too, setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
