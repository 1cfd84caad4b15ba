// test_changes - changes to orders and positions, stops that follow the price: asked for until they
// are answered, dropped visibly.
// SPDX-License-Identifier: MIT
#include "world.h"

#define PRICE(points) ((int64_t)(points)*1000) // 5 digits

static int ready(void **state) {
    world_setup(state);
    gateway_hello(*state, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static const TradeState *trade(const struct world *w, const char *trade_id) {
    return trades_find(w->x->trades, trade_id)->s;
}

static const ModifyOrder *last_change(const struct world *w) {
    for (size_t i = w->n_letters; i > 0; i--) {
        if (w->letters[i - 1]->descriptor == &modify_order__descriptor)
            return (const ModifyOrder *)w->letters[i - 1];
    }
    fail_msg("nothing was changed");
    return NULL;
}

static size_t changes(const struct world *w) {
    return letters_of(w, &modify_order__descriptor, NULL);
}

static void answer(struct world *w, Report__Kind kind, const char *trade_id, uint64_t wanted_at,
                   const char *reason) {
    Report r = report_of(w, kind, trade_id);
    r.has_wanted_at = true;
    r.wanted_at = wanted_at;
    r.reason = (char *)(uintptr_t)reason;
    gateway_says(w, &r.base);
    world_commit(w);
}

static void taken(struct world *w, const char *trade_id) {
    answer(w, REPORT__KIND__modified, trade_id, last_change(w)->wanted_at, NULL);
}

static OrderCommand command_of(const struct world *w, const char *id, OrderCommand__Action action,
                               const char *trade_id) {
    OrderCommand c = ORDER_COMMAND__INIT;
    c.amendment = new_amendment();
    c.trailing = new_trailing();
    c.command_id = (char *)(uintptr_t)id;
    c.account_id = (char *)"a1";
    c.action = action;
    c.trade_id = (char *)(uintptr_t)trade_id;
    c.created_at = w->now;
    return c;
}

static void command(struct world *w, const OrderCommand *c) {
    assert_int_equal(handle(w, TOPIC_orders, &c->base), ERR_OK);
    world_commit(w);
}

static void move_stop(struct world *w, const char *id, const char *trade_id, int64_t stop) {
    OrderCommand c = command_of(w, id, ORDER_COMMAND__ACTION__modify, trade_id);
    c.amendment->has_stop_loss = true;
    c.amendment->stop_loss = stop;
    command(w, &c);
}

static void have_limit(struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    o.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    o.terms->has_price = true;
    o.terms->price = PRICE(109000);
    o.terms->requested_price = PRICE(109000);
    give(w, &o);
    world_commit(w);
    gateway_reports(w, REPORT__KIND__accepted, trade_id);
    world_commit(w);
}

static void price(struct world *w, int bid) {
    Price p = PRICE__INIT;
    p.symbol = (char *)"EURUSD";
    p.has_bid = p.has_ask = true;
    p.bid = p.last = PRICE(bid);
    p.ask = PRICE(bid + 10);
    engine_begin(w->x, w->batch);
    const struct symbol *s = positions_price(w->x->positions, &p);
    if (s) follow_price(w->x, w->batch, s);
    world_commit(w);
}

// --- changes

static void the_price_of_an_order_that_works_is_moved(void **state) {
    struct world *w = *state;
    have_limit(w, "t1");
    OrderCommand c = command_of(w, "k1", ORDER_COMMAND__ACTION__modify, "t1");
    c.amendment->has_price = true;
    c.amendment->price = PRICE(109500);
    command(w, &c);
    assert_int_equal(last_change(w)->amendment->price, PRICE(109500));
    assert_int_equal(trade(w, "t1")->terms->price, PRICE(109000)); // until the broker says so
    taken(w, "t1");
    assert_int_equal(trade(w, "t1")->terms->price, PRICE(109500));
    assert_int_equal(last_told(w, "t1")->terms->requested_price, PRICE(109500));
    assert_non_null(strstr(w->committed, "requested_price"));
    assert_non_null(strstr(w->committed, "HDEL"));
    assert_false(trade(w, "t1")->wanted->has_price);
}

static void what_is_pending_is_changed_where_it_is(void **state) {
    struct world *w = *state;
    w->wire_full = true;
    give_market(w, "t1");
    world_commit(w);
    world_tick(w); // it did not leave
    assert_state(w, "t1", pending);
    move_stop(w, "k1", "t1", PRICE(108000));
    assert_int_equal(changes(w), 0);
    w->wire_full = false;
    gateway_beat(w);
    world_commit(w);
    world_tick(w);
    assert_int_equal(last_submit(w)->terms->stop_loss, PRICE(108000));
}

static void a_change_during_submission_is_sent_with_the_fill(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    world_commit(w);
    move_stop(w, "k1", "t1", PRICE(108000));
    assert_int_equal(changes(w), 0);
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_int_equal(changes(w), 1);
}

static void a_change_is_done_once_however_often_it_is_decided(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    move_stop(w, "k1", "t1", PRICE(108000));
    taken(w, "t1");
    move_stop(w, "k2", "t1", PRICE(109000));
    taken(w, "t1");
    move_stop(w, "k1", "t1", PRICE(108000)); // decided again after a rollback
    assert_int_equal(changes(w), 2);
    assert_int_equal(trade(w, "t1")->terms->stop_loss, PRICE(109000));
}

static void the_answer_to_an_older_change_is_not_taken_for_the_newer(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    move_stop(w, "k1", "t1", PRICE(108000));
    uint64_t first = last_change(w)->wanted_at;
    move_stop(w, "k2", "t1", PRICE(109000));
    assert_true(last_change(w)->wanted_at > first);
    answer(w, REPORT__KIND__modified, "t1", first, NULL);
    assert_false(trade(w, "t1")->terms->has_stop_loss);
    taken(w, "t1");
    assert_int_equal(trade(w, "t1")->terms->stop_loss, PRICE(109000));
}

static void a_change_without_an_answer_is_asked_for_again(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    move_stop(w, "k1", "t1", PRICE(108000));
    uint64_t wanted_at = last_change(w)->wanted_at;
    world_live(w, 9);
    assert_int_equal(changes(w), 1);
    world_live(w, 2);
    assert_int_equal(changes(w), 2);
    world_restart(w);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    world_live(w, 1);
    assert_int_equal(changes(w), 3);
    assert_int_equal(last_change(w)->wanted_at, wanted_at); // the same change
    taken(w, "t1");
    world_live(w, 30);
    assert_int_equal(changes(w), 3);
}

static void a_refused_change_is_dropped_visibly(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    move_stop(w, "k1", "t1", PRICE(120000));
    answer(w, REPORT__KIND__modify_rejected, "t1", last_change(w)->wanted_at, "invalid_stops");
    assert_false(trade(w, "t1")->wanted->has_stop_loss);
    assert_false(trade(w, "t1")->terms->has_stop_loss);
    assert_string_equal(last_told(w, "t1")->modify_rejected, "invalid_stops");
    assert_int_equal(alerts(w, "modify_rejected"), 1);
    assert_int_equal(questions(w, "t1"), 1); // it may just have been closed
    move_stop(w, "k2", "t1", PRICE(108000));
    taken(w, "t1");
    assert_null(last_told(w, "t1")->modify_rejected);
}

static void a_price_cannot_be_moved_once_it_is_filled(void **state) {
    struct world *w = *state;
    have_limit(w, "t1");
    OrderCommand c = command_of(w, "k1", ORDER_COMMAND__ACTION__modify, "t1");
    c.amendment->has_price = c.amendment->has_stop_loss = true;
    c.amendment->price = PRICE(109500);
    c.amendment->stop_loss = PRICE(108000);
    w->wire_full = true; // the change does not leave before the fill comes
    command(w, &c);
    w->wire_full = false;
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_int_equal(changes(w), 1);
    assert_false(last_change(w)->amendment->has_price);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(108000));
    assert_non_null(trade(w, "t1")->modify_rejected);
}

static void what_a_gateway_cannot_do_is_refused_here(void **state) {
    struct world *w = *state;
    Hello h = HELLO__INIT;
    h.instance_id = (char *)"g1";
    h.broker_id = (char *)"b1";
    h.kind = (char *)"paper";
    h.duplicate_check = HELLO__DUPLICATE_CHECK__forever;
    h.can_query = true;
    h.books = 77;
    h.has_can_modify = h.has_can_stop_limit = true;
    h.can_modify = h.can_stop_limit = false;
    gateway_says(w, &h.base);
    have_position(w, "t1");
    move_stop(w, "k1", "t1", PRICE(108000));
    assert_int_equal(changes(w), 0);
    assert_non_null(trade(w, "t1")->modify_rejected);
    Order o = order_of(w, "t2");
    o.terms->order_type = SIGNAL__ORDER_TYPE__stop_limit;
    o.terms->has_price = o.terms->has_limit_price = true;
    o.terms->price = o.terms->limit_price = PRICE(111000);
    give(w, &o);
    world_commit(w);
    assert_string_equal(last_told(w, "t2")->reason, "stop_limit_unsupported");
}

static void a_stop_limit_order_carries_both_prices(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.terms->order_type = SIGNAL__ORDER_TYPE__stop_limit;
    o.terms->has_price = o.terms->has_limit_price = true;
    o.terms->price = PRICE(111000);
    o.terms->limit_price = PRICE(111050);
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->terms->price, PRICE(111000));
    assert_int_equal(last_submit(w)->terms->limit_price, PRICE(111050));
    o.trade_id = (char *)"t2";
    o.terms->has_limit_price = false;
    give(w, &o);
    world_commit(w);
    assert_string_equal(last_told(w, "t2")->reason, "no_price");
}

static void a_command_for_many_concerns_what_it_names(void **state) {
    struct world *w = *state;
    have_limit(w, "t1");
    have_position(w, "t2");
    Order o = order_of(w, "t3");
    o.direction = SIGNAL__DIRECTION__sell;
    o.signal_id = (char *)"s2";
    give(w, &o);
    world_commit(w);
    gateway_fills(w, "t3", "e3", LOT);
    world_commit(w);
    OrderCommand c = command_of(w, "k1", ORDER_COMMAND__ACTION__modify, NULL);
    c.has_side = c.amendment->has_take_profit = c.amendment->has_price = true;
    c.side = SIGNAL__DIRECTION__buy;
    c.amendment->take_profit = PRICE(120000);
    c.amendment->price = PRICE(109100);
    command(w, &c);
    assert_int_equal(letters_of(w, &modify_order__descriptor, "t1"), 1);
    assert_int_equal(letters_of(w, &modify_order__descriptor, "t2"), 1);
    assert_int_equal(letters_of(w, &modify_order__descriptor, "t3"), 0);
    assert_null(trade(w, "t2")->modify_rejected); // prices are of orders
    c = command_of(w, "k2", ORDER_COMMAND__ACTION__cancel, NULL);
    c.symbol = (char *)"GBPUSD";
    command(w, &c);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, NULL), 0);
    c.command_id = (char *)"k3";
    c.symbol = (char *)"EURUSD";
    command(w, &c);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, NULL), 1);
    c = command_of(w, "k4", ORDER_COMMAND__ACTION__close, NULL);
    c.signal_id = (char *)"s2";
    command(w, &c);
    assert_int_equal(last_submit(w)->n_closes, 1);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "t3");
}

// --- stops that follow

static void have_trailing(struct world *w, const char *trade_id) {
    Order o = order_of(w, trade_id);
    o.terms->requested_price = PRICE(110000);
    o.terms->has_trail_distance = true;
    o.terms->trail_distance = PRICE(200);
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->terms->stop_loss, PRICE(109800)); // from the start
    gateway_fills(w, trade_id, "e1", LOT);
    world_commit(w);
}

static void a_stop_follows_the_price_and_only_forward(void **state) {
    struct world *w = *state;
    have_trailing(w, "t1");
    price(w, 110000);
    assert_int_equal(changes(w), 0);
    price(w, 110100);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(109900));
    assert_int_equal(trade(w, "t1")->terms->stop_loss, PRICE(109800)); // still there
    price(w, 110300);                                                  // one change at a time
    assert_int_equal(changes(w), 1);
    taken(w, "t1"); // and then the price has gone on
    assert_int_equal(changes(w), 2);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(110100));
    taken(w, "t1");
    price(w, 110150);
    price(w, 110300);
    assert_int_equal(changes(w), 2);
    assert_int_equal(trade(w, "t1")->trail_stop, PRICE(110100));
    assert_int_equal(trade(w, "t1")->trail_high, PRICE(110300));
}

static void a_price_that_moves_no_stop_writes_nothing(void **state) {
    struct world *w = *state;
    have_trailing(w, "t1");
    price(w, 110100);
    taken(w, "t1");
    price(w, 110050);
    assert_null(strstr(w->committed, "trade_state"));
}

static void a_stop_is_where_it_was_after_a_restart(void **state) {
    struct world *w = *state;
    have_trailing(w, "t1");
    price(w, 110500);
    uint64_t wanted_at = last_change(w)->wanted_at;
    world_restart(w); // before the broker has answered
    price(w, 110200); // the feed speaks first
    assert_int_equal(submits(w, NULL), 1);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    world_live(w, 1);
    assert_int_equal(last_change(w)->wanted_at, wanted_at);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(110300));
    taken(w, "t1");
    size_t before = changes(w);
    price(w, 110400);
    assert_int_equal(changes(w), before); // the best price is not forgotten
    price(w, 110501);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(110301));
}

static void a_refused_stop_is_offered_again_and_closed_from_here_when_it_is_reached(void **state) {
    struct world *w = *state;
    have_trailing(w, "t1");
    price(w, 110500);
    answer(w, REPORT__KIND__modify_rejected, "t1", last_change(w)->wanted_at, "invalid_stops");
    assert_int_equal(trade(w, "t1")->terms->stop_loss, PRICE(109800));
    price(w, 110400);
    assert_int_equal(changes(w), 1); // not at once
    world_live(w, 6);
    price(w, 110400);
    assert_int_equal(changes(w), 2);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(110300));
    answer(w, REPORT__KIND__modify_rejected, "t1", last_change(w)->wanted_at, "invalid_stops");
    price(w, 110300);
    assert_int_equal(last_submit(w)->n_closes, 1);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "t1");
    assert_int_equal(alerts(w, "stop_reached"), 1);
    size_t n = submits(w, NULL);
    price(w, 110200);
    assert_int_equal(submits(w, NULL), n); // it is being closed
}

static void break_even_needs_no_trailing(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.direction = SIGNAL__DIRECTION__sell;
    o.terms->has_break_even_trigger = o.terms->has_break_even_offset = true;
    o.terms->break_even_trigger = PRICE(100);
    o.terms->break_even_offset = PRICE(10);
    give(w, &o);
    world_commit(w);
    assert_false(last_submit(w)->terms->has_stop_loss);
    gateway_fills(w, "t1", "e1", LOT); // at 1.1
    world_commit(w);
    price(w, 109891); // ask 109901
    assert_int_equal(changes(w), 0);
    price(w, 109890);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(109990));
    taken(w, "t1");
    price(w, 109000);
    assert_int_equal(changes(w), 1);
}

static void trailing_is_set_and_ended_by_command(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    price(w, 110000);
    assert_int_equal(changes(w), 0);
    OrderCommand c = command_of(w, "k1", ORDER_COMMAND__ACTION__modify, "t1");
    c.trailing->has_trail_distance = true;
    c.trailing->trail_distance = PRICE(300);
    command(w, &c);
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(109700)); // by the last price
    taken(w, "t1");
    c.command_id = (char *)"k2";
    c.trailing->trail_distance = 0;
    command(w, &c);
    price(w, 120000);
    assert_int_equal(changes(w), 1);
    assert_int_equal(trade(w, "t1")->terms->stop_loss, PRICE(109700));
}

static void a_stop_set_by_command_is_taken_as_it_is(void **state) {
    struct world *w = *state;
    have_trailing(w, "t1");
    price(w, 110500);
    taken(w, "t1");
    price(w, 110450);
    move_stop(w, "k1", "t1", PRICE(109000));
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(109000));
    taken(w, "t1");
    // trailing goes on from there
    assert_int_equal(last_change(w)->amendment->stop_loss, PRICE(110250));
}

int main(void) {
#define READY(test) cmocka_unit_test_setup_teardown(test, ready, world_teardown)
    const struct CMUnitTest tests[] = {
        READY(the_price_of_an_order_that_works_is_moved),
        READY(what_is_pending_is_changed_where_it_is),
        READY(a_change_during_submission_is_sent_with_the_fill),
        READY(a_change_is_done_once_however_often_it_is_decided),
        READY(the_answer_to_an_older_change_is_not_taken_for_the_newer),
        READY(a_change_without_an_answer_is_asked_for_again),
        READY(a_refused_change_is_dropped_visibly),
        READY(a_price_cannot_be_moved_once_it_is_filled),
        READY(what_a_gateway_cannot_do_is_refused_here),
        READY(a_stop_limit_order_carries_both_prices),
        READY(a_command_for_many_concerns_what_it_names),
        READY(a_stop_follows_the_price_and_only_forward),
        READY(a_price_that_moves_no_stop_writes_nothing),
        READY(a_stop_is_where_it_was_after_a_restart),
        READY(a_refused_stop_is_offered_again_and_closed_from_here_when_it_is_reached),
        READY(break_even_needs_no_trailing),
        READY(trailing_is_set_and_ended_by_command),
        READY(a_stop_set_by_command_is_taken_as_it_is),
    };
    return cmocka_run_group_tests_name("executor: changes", tests, NULL, NULL);
}
