// test_positions - positions: closing them, views of them, changes to them.
// SPDX-License-Identifier: MIT
#include "world.h"

static int ready(void **state) {
    world_setup(state);
    gateway_hello(*state, HELLO__DUPLICATE_CHECK__forever, true);
    return 0;
}

static void closes_fill(struct world *w, const char *trade_id, const char *execution_id,
                        int64_t lots, int64_t pnl) {
    Fill f = fill_of(w, execution_id, lots, LOT + LOT / 5);
    f.has_pnl = true;
    f.pnl = pnl;
    Report r = report_of(w, REPORT__KIND__filled, trade_id);
    r.fill = &f;
    gateway_says(w, &r.base);
    world_commit(w);
}

static const TradeState *trade(const struct world *w, const char *trade_id) {
    return trades_find(w->x->trades, trade_id)->s;
}

static void a_close_takes_everything_that_is_open_oldest_first(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    world_pass(w, MS);
    have_position(w, "t2");
    give_close(w, "c1");
    world_commit(w);
    const Submit *m = last_submit(w);
    assert_int_equal(m->side, SIGNAL__DIRECTION__sell);
    assert_int_equal(m->lots, 2 * LOT);
    assert_int_equal(m->n_closes, 2);
    assert_string_equal(m->closes[0]->trade_id, "t1");
    closes_fill(w, "c1", "x1", LOT + LOT / 2, 15000 * LOT);
    assert_state(w, "t1", closed);
    assert_state(w, "t2", filled);
    assert_int_equal(trade(w, "t2")->closed_lots, LOT / 2);
    assert_int_equal(trade(w, "t1")->pnl + trade(w, "t2")->pnl, 15000 * LOT);
    closes_fill(w, "c1", "x2", LOT / 2, 5000 * LOT);
    assert_state(w, "t2", closed);
    assert_state(w, "c1", filled);
    assert_true(trade_is_final(trade(w, "c1")));
    assert_int_equal(results(w, "c1"), 2);
}

static void a_close_of_nothing_is_rejected(void **state) {
    struct world *w = *state;
    give_close(w, "c1");
    world_commit(w);
    assert_string_equal(last_told(w, "c1")->reason, "no_position");
}

static void a_close_waits_for_what_is_on_its_way(void **state) {
    struct world *w = *state;
    give_market(w, "t1");
    give_close(w, "c1");
    world_commit(w);
    assert_state(w, "c1", pending);
    gateway_fills(w, "t1", "e1", LOT);
    world_commit(w);
    assert_int_equal(submits(w, "c1"), 1);
}

static void what_is_being_closed_is_not_closed_twice(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    give_close(w, "c1");
    give_close(w, "c2");
    world_commit(w);
    assert_string_equal(last_told(w, "c2")->reason, "no_position");
    gateway_reports(w, REPORT__KIND__rejected, "c1");
    world_commit(w);
    give_close(w, "c3"); // it is free again
    world_commit(w);
    assert_int_equal(submits(w, "c3"), 1);
}

static void part_of_a_position_can_be_closed(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    Order o = order_of(w, "c1");
    o.direction = SIGNAL__DIRECTION__close;
    o.terms->lot_size = LOT / 4;
    give(w, &o);
    world_commit(w);
    assert_int_equal(last_submit(w)->lots, LOT / 4);
    closes_fill(w, "c1", "x1", LOT / 4, 0);
    assert_state(w, "t1", filled);
    assert_int_equal(positions_free_lots(trades_find(w->x->trades, "t1")), LOT - LOT / 4);
}

static void long_and_short_are_closed_by_two_orders(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    Order o = order_of(w, "t2");
    o.direction = SIGNAL__DIRECTION__sell;
    give(w, &o);
    world_commit(w);
    gateway_fills(w, "t2", "e2", LOT);
    world_commit(w);
    give_close(w, "c1");
    world_commit(w);
    assert_int_equal(submits(w, NULL), 4);
    assert_int_equal(last_submit(w)->side, SIGNAL__DIRECTION__buy);
    assert_string_not_equal(last_submit(w)->trade_id, "c1");
}

static void a_stop_loss_at_the_broker_closes_the_trade(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    Fill f = fill_of(w, "sl1", LOT, LOT);
    f.has_pnl = true;
    f.pnl = -10000 * LOT;
    Report r = report_of(w, REPORT__KIND__position_closed, "t1");
    r.fill = &f;
    gateway_says(w, &r.base);
    OrderStatus s = ORDER_STATUS__INIT; // and told again in an answer
    Fill *closings[] = {&f};
    s.trade_id = (char *)"t1";
    s.account_id = (char *)"a1";
    s.found = true;
    s.closings = closings;
    s.n_closings = 1;
    gateway_says(w, &s.base);
    world_commit(w);
    assert_state(w, "t1", closed);
    assert_int_equal(last_told(w, "t1")->pnl, -10000 * LOT);
    assert_int_equal(results(w, "t1"), 2);
}

static void
an_execution_of_a_closing_trade_is_not_counted_again_as_a_closing_of_its_position(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    Order o = order_of(w, "c1");
    o.direction = SIGNAL__DIRECTION__close;
    o.terms->lot_size = LOT / 4;
    give(w, &o);
    world_commit(w);
    closes_fill(w, "c1", "x1", LOT / 4, 0);
    Fill f = fill_of(w, "x1", LOT / 4, LOT);
    Report r = report_of(w, REPORT__KIND__position_closed, "t1");
    r.fill = &f;
    gateway_says(w, &r.base);
    world_commit(w);
    assert_int_equal(trade(w, "t1")->closed_lots, LOT / 4);
}

static void a_view_is_written_once_a_tick_and_goes_with_the_position(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    have_position(w, "t2");
    assert_null(strstr(w->committed, "positions:active"));
    world_pass(w, 50 * MS);
    world_tick(w);
    assert_non_null(strstr(w->committed, "positions:active:EURUSD\r\n"));
    assert_non_null(strstr(w->committed, "positions:active:a1:EURUSD\r\n"));
    assert_non_null(strstr(w->committed, "\"quantity\":2"));
    assert_non_null(strstr(w->committed, "\"side\":\"long\""));
    world_pass(w, 50 * MS);
    world_tick(w);
    assert_null(strstr(w->committed, "positions:active"));
    give_close(w, "c1");
    world_commit(w);
    closes_fill(w, "c1", "x1", 2 * LOT, 0);
    world_pass(w, 50 * MS);
    world_tick(w);
    const char *gone = strstr(w->committed, "UNLINK");
    assert_non_null(gone);
    assert_non_null(strstr(gone, "positions:active:a1:EURUSD"));
}

static void prices_move_the_profit_about_once_a_second(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    world_live(w, 2);
    Price p = PRICE__INIT;
    p.symbol = (char *)"EURUSD";
    p.last = LOT + LOT / 5; // bought at 1.1
    positions_price(w->x->positions, &p);
    world_pass(w, 50 * MS);
    world_tick(w);
    assert_null(strstr(w->committed, "unrealized_pnl"));
    world_pass(w, NS_PER_S);
    world_tick(w);
    assert_non_null(strstr(w->committed, "\"unrealized_pnl\":10000,"));
    assert_non_null(strstr(w->committed, "\"unrealized_pnl_pct\":9.0909090"));
    assert_non_null(strstr(w->committed, "\"current_price\":1.2"));
}

static void positions_are_there_again_after_a_restart(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    world_pass(w, MS);
    have_position(w, "t2");
    world_restart(w);
    world_tick(w);
    assert_non_null(strstr(w->committed, "\"quantity\":2"));
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    world_pass(w, MS);
    give_close(w, "c1");
    world_commit(w);
    assert_int_equal(last_submit(w)->n_closes, 2);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "t1");
}

static OrderCommand command_of(const struct world *w, OrderCommand__Action action,
                               const char *trade_id) {
    OrderCommand c = ORDER_COMMAND__INIT;
    c.amendment = new_amendment();
    c.trailing = new_trailing();
    c.command_id = (char *)"k1";
    c.account_id = (char *)"a1";
    c.action = action;
    c.trade_id = (char *)(uintptr_t)trade_id;
    c.created_at = w->now;
    return c;
}

static void a_command_closes_one_position_or_all_and_once(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    have_position(w, "t2");
    OrderCommand c = command_of(w, ORDER_COMMAND__ACTION__close, "t2");
    (void)!handle(w, TOPIC_orders, &c.base);
    (void)!handle(w, TOPIC_orders, &c.base);
    world_commit(w);
    assert_int_equal(submits(w, NULL), 3);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "t2");
    c.command_id = (char *)"k2";
    c.trade_id = NULL;
    (void)!handle(w, TOPIC_orders, &c.base);
    world_commit(w);
    assert_int_equal(submits(w, NULL), 4);
    assert_string_equal(last_submit(w)->closes[0]->trade_id, "t1");
    assert_int_equal(last_submit(w)->n_closes, 1);
}

static void a_change_is_asked_for_until_it_is_made(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    OrderCommand c = command_of(w, ORDER_COMMAND__ACTION__modify, "t1");
    c.amendment->has_stop_loss = true;
    c.amendment->stop_loss = LOT;
    (void)!handle(w, TOPIC_orders, &c.base);
    world_commit(w);
    assert_int_equal(letters_of(w, &modify_order__descriptor, "t1"), 1);
    assert_false(trade(w, "t1")->terms->has_stop_loss);
    world_restart(w);
    gateway_hello(w, HELLO__DUPLICATE_CHECK__forever, true);
    world_live(w, 1);
    assert_int_equal(letters_of(w, &modify_order__descriptor, "t1"), 2);
    gateway_reports(w, REPORT__KIND__modified, "t1");
    world_commit(w);
    assert_int_equal(trade(w, "t1")->terms->stop_loss, LOT);
}

static void a_cancel_waits_for_the_order_to_be_at_the_broker(void **state) {
    struct world *w = *state;
    Order o = order_of(w, "t1");
    o.terms->order_type = SIGNAL__ORDER_TYPE__limit;
    o.terms->has_price = true;
    o.terms->price = LOT;
    give(w, &o);
    OrderCommand c = command_of(w, ORDER_COMMAND__ACTION__cancel, "t1");
    (void)!handle(w, TOPIC_orders, &c.base);
    world_commit(w);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, "t1"), 0);
    gateway_reports(w, REPORT__KIND__accepted, "t1");
    world_commit(w);
    assert_int_equal(letters_of(w, &cancel_order__descriptor, "t1"), 1);
    gateway_reports(w, REPORT__KIND__cancelled, "t1");
    world_commit(w);
    assert_state(w, "t1", cancelled);
}

// The first in the batch; NULL: there is none.
static const TradeUnknown *emitted_unknown(struct world *w) {
    const struct outgoing *out;
    for (size_t i = 0, n = batch_outgoing(w->batch, &out); i < n; i++) {
        if (strcmp(out[i].type, trade_unknown__descriptor.name) == 0)
            return (const TradeUnknown *)batch_opened(w->batch, &out[i]);
    }
    return NULL;
}

static void the_reconciler_can_have_it_looked_up(void **state) {
    struct world *w = *state;
    have_position(w, "t1");
    StatusQuery q = STATUS_QUERY__INIT;
    q.trade_id = (char *)"t1";
    q.account_id = (char *)"a1";
    q.asked_at = w->now;
    (void)!handle(w, TOPIC_outcomes, &q.base);
    (void)!handle(w, TOPIC_outcomes, &q.base);
    q.trade_id = (char *)"nobody";
    q.account_id = (char *)"elsewhere"; // another executor's, or nobody's: no answer
    (void)!handle(w, TOPIC_outcomes, &q.base);
    assert_null(emitted_unknown(w));
    q.account_id = (char *)"a1";
    (void)!handle(w, TOPIC_outcomes, &q.base);
    w->n_told = 0;
    assert_string_equal(emitted_unknown(w)->trade_id, "nobody");
    world_commit(w);
    assert_int_equal(letters_of(w, &query_order__descriptor, NULL), 1);
    // who asks may have forgotten what was told
    assert_int_equal(last_told(w, "t1")->state, T(filled));
    assert_int_equal(results(w, "t1"), 0);
}

int main(void) {
#define READY(test) cmocka_unit_test_setup_teardown(test, ready, world_teardown)
    const struct CMUnitTest tests[] = {
        READY(a_close_takes_everything_that_is_open_oldest_first),
        READY(a_close_of_nothing_is_rejected),
        READY(a_close_waits_for_what_is_on_its_way),
        READY(what_is_being_closed_is_not_closed_twice),
        READY(part_of_a_position_can_be_closed),
        READY(long_and_short_are_closed_by_two_orders),
        READY(a_stop_loss_at_the_broker_closes_the_trade),
        READY(an_execution_of_a_closing_trade_is_not_counted_again_as_a_closing_of_its_position),
        READY(a_view_is_written_once_a_tick_and_goes_with_the_position),
        READY(prices_move_the_profit_about_once_a_second),
        READY(positions_are_there_again_after_a_restart),
        READY(a_command_closes_one_position_or_all_and_once),
        READY(a_change_is_asked_for_until_it_is_made),
        READY(a_cancel_waits_for_the_order_to_be_at_the_broker),
        READY(the_reconciler_can_have_it_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
