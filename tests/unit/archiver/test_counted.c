// test_counted - what follows from trades and executions: charges, outcomes, performance by day and
// in total; once, whatever is told again, corrected or rolled back.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "order.pb-c.h"
#include "services/archiver/counts/performance.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/outcome.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"
#include "tests/unit/terms.h"

#define DAY  (86400 * NS_PER_S)
#define NOON (UINT64_C(20000) * DAY + DAY / 2) // 2024-10-04T12:00:00Z

struct world {
    char folder[64], path[96];
    sql_t *db;
    rows_t *rows;
    arena_t *arena;
};

static void open_world(struct world *w) {
    char notice[400] = "";
    w->db = database_open(w->path, 1 << 30, notice, sizeof(notice));
    assert_non_null(w->db);
    w->rows = rows_new(w->db);
    assert_non_null(w->rows);
}

static void close_world(struct world *w) {
    rows_destroy(&w->rows);
    sql_destroy(&w->db);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_counted.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof(w->path), "%s/archive.db", w->folder);
    w->arena = arena_new(0);
    open_world(w);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    close_world(w);
    arena_destroy(&w->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void write_rows(struct world *w) {
    assert_int_equal(sql_begin(w->db), ERR_OK);
    assert_int_equal(rows_write_queued(w->rows), ERR_OK);
}

static void commit(struct world *w) {
    write_rows(w);
    assert_int_equal(sql_commit(w->db), ERR_OK);
    rows_committed(w->rows);
    rows_clear(w->rows);
}

static void expect(struct world *w, const char *query, const char *wanted) {
    own(sql_query) *q = sql_prepare(w->db, query);
    bool row;
    assert_non_null(q);
    assert_int_equal(sql_step(q, &row), ERR_OK);
    const char *found = row && sql_text(q, 0) ? sql_text(q, 0) : "nothing";
    if (strcmp(found, wanted) != 0)
        fail_msg("%s\n   gives %s\ninstead of %s", query, found, wanted);
}

static int64_t e8(const char *text) {
    decimal_t d;
    assert_int_equal(decimal_parse(text, strlen(text), &d), ERR_OK);
    return d.e8;
}

// What is told.

static void tell_signal(struct world *w, const char *id) {
    Signal s = SIGNAL__INIT;
    s.signal_id = arena_text(w->arena, id), s.source = (char *)"tv", s.symbol = (char *)"EURUSD";
    s.order_type = SIGNAL__ORDER_TYPE__market, s.direction = SIGNAL__DIRECTION__buy,
    s.created_at = NOON;
    s.status = SIGNAL__STATUS__pending;
    rows_add(w->rows, TABLE_signals, &signal_row(&s, w->arena)->base);
}

static void tell_order(struct world *w, const char *trade_id) {
    Order *o = arena_take(w->arena, sizeof(*o));
    order__init(o);
    o->terms = new_terms();
    o->trade_id = arena_text(w->arena, trade_id), o->signal_id = (char *)"s-1",
    o->account_id = (char *)"anna";
    o->broker_id = (char *)"alpha", o->symbol = o->broker_symbol = (char *)"EURUSD";
    o->terms->order_type = SIGNAL__ORDER_TYPE__market, o->direction = SIGNAL__DIRECTION__buy;
    rows_add(w->rows, TABLE_orders, &o->base);
}

static TradeState *trade(struct world *w, const char *trade_id, TradeState__State state) {
    TradeState *t = arena_take(w->arena, sizeof(*t));
    trade_state__init(t);
    t->terms = new_terms();
    t->trade_id = arena_text(w->arena, trade_id), t->signal_id = (char *)"s-1",
    t->account_id = (char *)"anna";
    t->broker_id = (char *)"alpha", t->symbol = t->broker_symbol = (char *)"EURUSD",
    t->instance_id = (char *)"gw";
    t->terms->order_type = SIGNAL__ORDER_TYPE__market,
    t->direction = t->side = SIGNAL__DIRECTION__buy, t->has_side = true;
    t->state = state;
    t->terms->has_lot_size = t->terms->has_requested_price = true;
    t->terms->lot_size = e8("1"), t->terms->requested_price = e8("1.25");
    t->signal_at = t->ordered_at = t->updated_at = NOON;
    return t;
}

static TradeState *filled(struct world *w, const char *trade_id, const char *lots,
                          TradeState__State state) {
    TradeState *t = trade(w, trade_id, state);
    t->has_filled_lots = t->has_average_price = t->has_executed_at = true;
    t->filled_lots = e8(lots), t->average_price = e8("1.25"), t->executed_at = NOON + 3 * NS_PER_MS;
    t->updated_at = NOON + 1;
    return t;
}

static TradeState *closed(struct world *w, const char *trade_id, const char *exit,
                          const char *pnl) {
    TradeState *t = filled(w, trade_id, "1", TRADE_STATE__STATE__closed);
    t->has_closed_lots = t->has_exit_price = t->has_pnl = t->has_closed_at = true;
    t->closed_lots = e8("1"), t->exit_price = e8(exit), t->pnl = e8(pnl);
    t->closed_at = NOON + DAY; // the day after
    t->updated_at = NOON + 2;
    return t;
}

static TradeResult *result(struct world *w, const TradeState *t, const char *id,
                           const char *price) {
    TradeResult *r = arena_take(w->arena, sizeof(*r));
    trade_result__init(r);
    r->result_id = arena_text(w->arena, id), r->trade_id = t->trade_id, r->symbol = t->symbol,
    r->account_id = t->account_id;
    r->direction = t->side, r->lot_size = t->filled_lots, r->state = TRADE_RESULT__STATE__executed;
    r->has_execution_price = r->has_requested_price = r->has_slippage = true;
    r->execution_price = e8(price), r->requested_price = e8("1.25"),
    r->slippage = r->execution_price - r->requested_price;
    r->executed_at = NOON + 3 * NS_PER_MS;
    return r;
}

static ResultMetrics *metrics(struct world *w, const TradeResult *r, uint64_t us) {
    ResultMetrics *m = arena_take(w->arena, sizeof(*m));
    result_metrics__init(m);
    m->result_id = r->result_id;
    // 0: not known
    m->execution_latency_us = us, m->broker_latency_us = us / 2, m->network_latency_us = 0;
    return m;
}

static void tell(struct world *w, TradeState *t, TradeResult *r, ResultMetrics *m) {
    Execution *e = arena_take(w->arena, sizeof(*e));
    execution__init(e);
    e->trade = t, e->result = r, e->metrics = m;
    rows_add_execution(w->rows, e, w->arena);
}

#define OF_DAY(columns, day)                                                                       \
    "SELECT " columns " FROM account_performance WHERE account_id = 'anna' AND day = '" day "'"
#define FIRST  "2024-10-04"
#define SECOND "2024-10-05"

static void
an_execution_is_counted_for_account_broker_and_gateway_by_day_and_in_total(void **state) {
    struct world *w = *state;
    TradeState *t = filled(w, "t-1", "1", TRADE_STATE__STATE__filled);
    TradeResult *r = result(w, t, "r-1", "1.2525");
    tell(w, t, r, metrics(w, r, 1234));
    commit(w);
    static const char *const from[] = {"account_performance WHERE account_id = 'anna'",
                                       "broker_performance WHERE broker_id = 'alpha'",
                                       "instance_performance WHERE instance_id = 'gw'"};
    for (size_t i = 0; i < 3; i++) {
        char query[300];
        snprintf(query, sizeof(query),
                 "SELECT group_concat(day || ' ' || orders || ' ' || filled || ' ' || executions "
                 "|| ' ' || lots || ' ' || slippage_mean || ' '"
                 " || slippage_worst || ' ' || execution_latency_us_p99 || ' ' || "
                 "(network_latency_us_p50 IS NULL)) FROM %s",
                 from[i]);
        expect(w, query, FIRST " 1 1 1 1 20 20 1200 1,total 1 1 1 1 20 20 1200 1");
    }
    expect(w, "SELECT broker_id || ' ' || instance_id FROM trade_result", "alpha gw");
}

static void a_sold_position_slips_the_other_way(void **state) {
    struct world *w = *state;
    TradeState *t = filled(w, "t-1", "1", TRADE_STATE__STATE__filled);
    t->side = t->direction = SIGNAL__DIRECTION__sell;
    tell(w, t, result(w, t, "r-1", "1.2525"), NULL);
    commit(w);
    expect(w, OF_DAY("slippage_mean || ' ' || slippage_worst", FIRST), "-20 -20");
    t->average_price = e8("1.2525");
    t->updated_at++;
    tell(w, t, NULL, NULL);
    commit(w);
    expect(w, "SELECT slippage || ' ' || slippage_bps FROM trade_performance", "0.0025 -20");
}

static void a_position_counts_on_the_day_it_is_closed_won_or_lost(void **state) {
    struct world *w = *state;
    tell(w, filled(w, "t-1", "1", TRADE_STATE__STATE__filled), NULL, NULL);
    tell(w, filled(w, "t-2", "1", TRADE_STATE__STATE__filled), NULL, NULL);
    commit(w);
    tell(w, closed(w, "t-1", "1.5", "30"), NULL, NULL);
    tell(w, closed(w, "t-2", "1.1", "-10"), NULL, NULL);
    tell(w, closed(w, "t-3", "1.25", "0"), NULL, NULL);
    commit(w);
    expect(w, OF_DAY("orders || ' ' || closed", FIRST), "3 0");
    expect(w,
           OF_DAY("orders || ' ' || closed || ' ' || wins || ' ' || losses || ' ' || win_rate || ' "
                  "' || gross_profit || ' ' || gross_loss ||"
                  " ' ' || average_win || ' ' || profit_factor",
                  SECOND),
           "0 3 1 1 0.5 30 -10 30 3");
    expect(w,
           "SELECT group_concat(profit_loss_pct, ' ') FROM (SELECT * FROM trade_performance ORDER "
           "BY trade_id)",
           "20 -12 0");
}

static void a_trade_that_comes_to_light_is_taken_back_from_the_failures(void **state) {
    struct world *w = *state;
    TradeState *t = trade(w, "t-1", TRADE_STATE__STATE__rejected),
               *other = trade(w, "t-2", TRADE_STATE__STATE__rejected);
    t->reason = (char *)"no money: 123.45 needed", other->reason = (char *)"no money: 7 needed";
    tell(w, t, NULL, NULL);
    tell(w, other, NULL, NULL);
    commit(w);
    expect(w,
           OF_DAY("orders || ' ' || rejected || ' ' || rejection_rate || ' ' || fill_rate || ' ' "
                  "|| rejections",
                  FIRST),
           "2 2 1 0 [{\"reason\":\"no money: #.# needed\",\"count\":1},{\"reason\":\"no money: # "
           "needed\",\"count\":1}]");
    expect(w, "SELECT count(*) FROM trade_performance", "0");
    tell(w, filled(w, "t-1", "1", TRADE_STATE__STATE__filled), NULL, NULL);
    commit(w);
    expect(w,
           OF_DAY("orders || ' ' || rejected || ' ' || filled || ' ' || rejection_rate || ' ' || "
                  "fill_rate",
                  FIRST),
           "2 1 1 0.5 0.5");
    expect(w, OF_DAY("json_extract(rejections, '$[0].count')", FIRST), "0");
}

static void partly_filled_counts_as_filled_until_the_rest_comes(void **state) {
    struct world *w = *state;
    tell(w, filled(w, "t-1", "0.4", TRADE_STATE__STATE__partially_filled), NULL, NULL);
    commit(w);
    expect(w, OF_DAY("orders || ' ' || filled || ' ' || partially_filled", FIRST), "1 1 1");
    TradeState *t = filled(w, "t-1", "1", TRADE_STATE__STATE__filled);
    t->updated_at++;
    tell(w, t, NULL, NULL);
    commit(w);
    expect(w, OF_DAY("orders || ' ' || filled || ' ' || partially_filled", FIRST), "1 1 0");
}

static TradeResult *charged(struct world *w, const char *id, const char *pnl,
                            const char *commission) {
    TradeState *t = filled(w, "t-1", "1", TRADE_STATE__STATE__filled);
    TradeResult *r = result(w, t, id, "1.25");
    r->has_pnl = r->has_commission = true;
    r->pnl = e8(pnl), r->commission = e8(commission);
    tell(w, t, r, NULL);
    return r;
}

static void drawdown_is_the_deepest_fall_below_the_peak(void **state) {
    struct world *w = *state;
    // 10 6 11 -9 21 20, less 0.5 each
    static const char *const pnls[] = {"10", "-4", "5", "-20", "30", "-1"};
    for (size_t i = 0; i < 6; i++) {
        char id[8];
        snprintf(id, sizeof(id), "r-%zu", i);
        charged(w, id, pnls[i], "0.5");
        if (i % 2) commit(w);
    }
    expect(
        w,
        OF_DAY(
            "pnl || ' ' || commission || ' ' || net_pnl || ' ' || peak_pnl || ' ' || max_drawdown",
            "total"),
        "20 3 17 18.5 20.5");
    expect(w, "SELECT count(*) || ' ' || sum(commission) FROM commission_log", "6 3.0");
}

static void a_corrected_result_counts_as_it_stands(void **state) {
    struct world *w = *state;
    TradeState *t = filled(w, "t-1", "1", TRADE_STATE__STATE__filled);
    TradeResult *r = result(w, t, "r-1", "1.2525");
    tell(w, t, r, metrics(w, r, 500));
    commit(w);
    r = result(w, t, "r-1", "1.25125");
    r->has_commission = true, r->commission = e8("2");
    tell(w, t, r, metrics(w, r, 70));
    commit(w);
    expect(w,
           OF_DAY("executions || ' ' || slippage_sum || ' ' || slippage_p50 || ' ' || "
                  "slippage_worst || ' ' || commission || ' ' ||"
                  " execution_latency_us_p50",
                  "total"),
           "1 10 10 20 2 70"); // the worst that was ever told stays
    expect(w, "SELECT commission FROM commission_log", "2");
    r = result(w, t, "r-1", "1.25125"); // it was none after all
    r->state = TRADE_RESULT__STATE__failed;
    tell(w, t, r, NULL);
    commit(w);
    expect(w,
           OF_DAY("executions || ' ' || lots || ' ' || slippage_sum || ' ' || commission || ' ' || "
                  "(slippage_p50 IS NULL)",
                  "total"),
           "0 0 0 0 1");
    expect(w, "SELECT count(commission) FROM commission_log", "0");
}

static void what_is_told_again_counts_once(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        TradeState *t = closed(w, "t-1", "1.5", "30");
        TradeResult *r = result(w, t, "r-1", "1.2525");
        tell(w, t, r, metrics(w, r, 500));
        commit(w);
        if (i == 1) close_world(w), open_world(w); // and is read again
    }
    expect(w, OF_DAY("orders || ' ' || executions || ' ' || lots", "total"), "1 1 1");
    expect(w, OF_DAY("closed || ' ' || wins || ' ' || gross_profit", SECOND), "1 1 30");
}

static void a_transaction_that_is_rolled_back_leaves_nothing_counted(void **state) {
    struct world *w = *state;
    charged(w, "r-0", "1", "0");
    commit(w);
    charged(w, "r-1", "10", "1");
    write_rows(w);
    sql_rollback(w->db);
    rows_rolled_back(w->rows);
    expect(w, OF_DAY("executions || ' ' || pnl", "total"), "1 1");
    commit(w); // the same queue
    expect(w, OF_DAY("executions || ' ' || pnl || ' ' || max_drawdown", "total"), "2 11 0");
}

// An execution of an account that won or lost so much.
static void won(struct world *w, const char *account, const char *trade_id, const char *pnl) {
    TradeState *t = closed(w, trade_id, "1.5", pnl);
    t->account_id = arena_text(w->arena, account);
    TradeResult *r = result(w, t, trade_id, "1.25");
    r->account_id = t->account_id;
    r->has_pnl = true, r->pnl = e8(pnl);
    tell(w, t, r, NULL);
}

#define OF_BROKER(column, currency)                                                                \
    "SELECT " column " FROM broker_performance WHERE broker_id = 'alpha' AND day = 'total' AND "   \
    "currency = '" currency "'"

static void amounts_of_different_currencies_are_never_added(void **state) {
    struct world *w = *state;
    assert_int_equal(sql_run(w->db, "INSERT INTO account_config (account_id, broker_id, currency) "
                                    "VALUES ('anna', 'alpha', 'EUR'),"
                                    " ('bert', 'alpha', NULL), ('carl', 'alpha', 'USD')"),
                     ERR_OK);
    won(w, "anna", "t-1", "30");
    won(w, "bert", "t-2", "-500");
    won(w, "carl", "t-3", "20");
    commit(w);
    for (int run = 0; run < 2; run++) { // as written, and as read again
        expect(w,
               OF_BROKER("orders || ' ' || pnl || ' ' || gross_profit || ' ' || gross_loss", "EUR"),
               "1 30 30 0");
        expect(w,
               OF_BROKER("orders || ' ' || pnl || ' ' || gross_profit || ' ' || gross_loss", "USD"),
               "2 -480 20 -500");
        expect(w, OF_BROKER("max_drawdown", "EUR"), "0");
        expect(w, OF_BROKER("max_drawdown", "USD"), "500");
        expect(w,
               "SELECT count(DISTINCT currency) || ' ' || count(DISTINCT day) FROM "
               "instance_performance",
               "2 3");
        expect(
            w,
            "SELECT group_concat(DISTINCT account_id || ' ' || currency) FROM account_performance",
            "anna EUR,bert USD,carl USD");
        close_world(w), open_world(w);
        won(w, "anna", "t-1", "30");
        commit(w);
    }
}

static void an_account_that_is_not_configured_has_an_unknown_currency(void **state) {
    struct world *w = *state;
    won(w, "anna", "t-1", "30");
    commit(w);
    expect(w, OF_DAY("currency || ' ' || pnl", "total"), "unknown 30");
}

static void an_account_that_is_gone_keeps_its_currency(void **state) {
    struct world *w = *state;
    assert_int_equal(sql_run(w->db, "INSERT INTO account_config (account_id, broker_id, currency) "
                                    "VALUES ('anna', 'alpha', 'EUR')"),
                     ERR_OK);
    won(w, "anna", "t-1", "30");
    commit(w);
    assert_int_equal(sql_run(w->db, "DELETE FROM account_config"), ERR_OK);
    close_world(w), open_world(w);
    won(w, "anna", "t-2", "12");
    commit(w);
    expect(w, OF_DAY("currency || ' ' || pnl", "total"), "EUR 42");
}

// Signals' outcomes.

#define OUTCOME                                                                                    \
    "SELECT coalesce(outcome, '-') || ' ' || coalesce(exit_price, '-') || ' ' || "                 \
    "coalesce(profit_loss_pct, '-') FROM signals"

static void a_signal_has_its_outcome_when_its_last_position_is_closed(void **state) {
    struct world *w = *state;
    tell_signal(w, "s-1");
    tell_order(w, "t-1");
    tell_order(w, "t-2");
    tell_order(w, "t-3");
    tell(w, filled(w, "t-1", "1", TRADE_STATE__STATE__filled), NULL, NULL);
    tell(w, closed(w, "t-2", "1.5", "100"), NULL, NULL);
    commit(w);
    expect(w, OUTCOME, "- - -"); // one is open, one unheard of
    tell(w, closed(w, "t-1", "1.25", "0"), NULL, NULL);
    commit(w);
    expect(w, OUTCOME, "- - -");
    tell(w, trade(w, "t-3", TRADE_STATE__STATE__rejected), NULL, NULL);
    commit(w);
    expect(w, OUTCOME, "win 1.375 10");
    // it was executed after all
    TradeState *again = filled(w, "t-3", "1", TRADE_STATE__STATE__filled);
    again->updated_at = NOON + 9;
    tell(w, again, NULL, NULL);
    commit(w);
    expect(w, OUTCOME, "- - -");
    TradeState *lost = closed(w, "t-3", "0.5", "-500");
    lost->updated_at = NOON + 10;
    tell(w, lost, NULL, NULL);
    commit(w);
    expect(w, OUTCOME, "loss 1.08333333 -13.3333336");
}

static void topics_may_come_in_any_order(void **state) {
    struct world *w = *state;
    // its order and its signal are still to come
    tell(w, closed(w, "t-1", "1.5", "100"), NULL, NULL);
    commit(w);
    tell_order(w, "t-1");
    commit(w);
    tell_signal(w, "s-1");
    commit(w);
    expect(w, OUTCOME, "win 1.5 20");
}

static void without_exit_prices_the_profit_tells(void **state) {
    struct world *w = *state;
    tell_signal(w, "s-1");
    tell_order(w, "t-1");
    TradeState *t = closed(w, "t-1", "1.5", "-3");
    t->has_exit_price = false;
    tell(w, t, NULL, NULL);
    commit(w);
    expect(w, OUTCOME, "loss - -");
}

static void a_signal_of_which_nothing_was_filled_has_no_outcome(void **state) {
    struct world *w = *state;
    tell_signal(w, "s-1");
    tell_order(w, "t-1");
    tell(w, trade(w, "t-1", TRADE_STATE__STATE__expired), NULL, NULL);
    commit(w);
    expect(w, OUTCOME, "- - -");
}

static void reasons_beyond_the_limit_count_together(void **state) {
    (void)state;
    struct performance p;
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    char reason[16];
    performance_init(&p, "anna", "total", "EUR");
    t.state = TRADE_STATE__STATE__rejected;
    t.reason = reason;
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (char c = 'A'; c < 'A' + 40; c++) {
            snprintf(reason, sizeof(reason), "reason %c", c);
            performance_order(&p, &t, sign);
        }
        assert_int_equal(p.row.n_rejections, REASONS_MAX + 1);
        assert_string_equal(p.row.rejections[REASONS_MAX]->reason, "other");
        assert_int_equal(p.row.rejections[REASONS_MAX]->count, sign > 0 ? 40 - REASONS_MAX : 0);
    }
    performance_destroy(&p);
}

static void the_three_performance_messages_are_alike(void **state) {
    (void)state;
    const ProtobufCMessageDescriptor *const all[] = {&account_performance__descriptor,
                                                     &broker_performance__descriptor,
                                                     &instance_performance__descriptor};
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(all[i]->sizeof_message, all[0]->sizeof_message);
        assert_int_equal(all[i]->n_fields, all[0]->n_fields);
        for (unsigned k = 0; k < all[0]->n_fields; k++) {
            const ProtobufCFieldDescriptor *a = &all[0]->fields[k], *b = &all[i]->fields[k];
            if (k) assert_string_equal(a->name, b->name);
            assert_true(a->id == b->id && a->label == b->label && a->type == b->type &&
                        a->offset == b->offset);
            assert_true(a->quantifier_offset == b->quantifier_offset &&
                        a->descriptor == b->descriptor);
        }
    }
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_execution_is_counted_for_account_broker_and_gateway_by_day_and_in_total),
        TEST(a_sold_position_slips_the_other_way),
        TEST(a_position_counts_on_the_day_it_is_closed_won_or_lost),
        TEST(a_trade_that_comes_to_light_is_taken_back_from_the_failures),
        TEST(partly_filled_counts_as_filled_until_the_rest_comes),
        TEST(drawdown_is_the_deepest_fall_below_the_peak),
        TEST(a_corrected_result_counts_as_it_stands),
        TEST(what_is_told_again_counts_once),
        TEST(a_transaction_that_is_rolled_back_leaves_nothing_counted),
        TEST(amounts_of_different_currencies_are_never_added),
        TEST(an_account_that_is_not_configured_has_an_unknown_currency),
        TEST(an_account_that_is_gone_keeps_its_currency),
        TEST(a_signal_has_its_outcome_when_its_last_position_is_closed),
        TEST(topics_may_come_in_any_order),
        TEST(without_exit_prices_the_profit_tells),
        TEST(a_signal_of_which_nothing_was_filled_has_no_outcome),
        cmocka_unit_test(reasons_beyond_the_limit_count_together),
        cmocka_unit_test(the_three_performance_messages_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
