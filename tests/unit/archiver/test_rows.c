// test_rows - what a batch writes: once, whole, in whatever order topics bring it; nothing half
// done on a full disk.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/owner.h"
#include "services/archiver/rows/positions.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"
#include "tests/unit/common/generated.h"
#include "tests/unit/terms.h"

struct world {
    char folder[64], path[96];
    sql_t *db;
    rows_t *rows;
    positions_t *positions;
    arena_t *arena;
};

static void open_world(struct world *w) {
    char notice[400] = "";
    w->db = database_open(w->path, 1 << 30, notice, sizeof(notice));
    assert_non_null(w->db);
    w->rows = rows_new(w->db);
    w->positions = archived_positions_new(w->db);
    assert_non_null(w->rows);
    assert_non_null(w->positions);
    assert_int_equal(positions_load(w->positions), ERR_OK);
}

static void close_world(struct world *w) {
    archived_positions_destroy(&w->positions);
    rows_destroy(&w->rows);
    sql_destroy(&w->db);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_rows.XXXXXX");
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

// As the service does it, positions included.
static err_t try_commit(struct world *w, uint64_t sequence) {
    struct inlet_position at[] = {{"signals", {7, sequence}}, {"orders.0", {7, sequence}}};
    err_t e = sql_begin(w->db);
    if (!e) e = rows_write_queued(w->rows);
    if (!e) e = archived_positions_write(w->positions, at, 2);
    if (!e) e = sql_commit(w->db);
    if (e) {
        sql_rollback(w->db);
        return e;
    }
    rows_committed(w->rows);
    positions_committed(w->positions, at, 2);
    return ERR_OK;
}

static void commit(struct world *w, uint64_t sequence) {
    assert_int_equal(try_commit(w, sequence), ERR_OK);
    rows_clear(w->rows);
}

static int64_t number(struct world *w, const char *query) {
    own(sql_query) *q = sql_prepare(w->db, query);
    bool row;
    assert_non_null(q);
    assert_int_equal(sql_step(q, &row), ERR_OK);
    assert_true(row);
    return sql_integer(q, 0);
}

static void expect(struct world *w, const char *query, const char *wanted) {
    own(sql_query) *q = sql_prepare(w->db, query);
    bool row;
    assert_int_equal(sql_step(q, &row), ERR_OK);
    if (!row || !sql_text(q, 0)) fail_msg("%s gives nothing instead of %s", query, wanted);
    assert_string_equal(sql_text(q, 0), wanted);
}

static void add_signal(struct world *w, const char *id) {
    Signal s = SIGNAL__INIT;
    s.signal_id = arena_text(w->arena, id), s.source = (char *)"tv", s.symbol = (char *)"EURUSD";
    s.order_type = SIGNAL__ORDER_TYPE__market, s.direction = SIGNAL__DIRECTION__sell,
    s.created_at = NS_PER_S;
    s.status = SIGNAL__STATUS__pending;
    rows_add(w->rows, TABLE_signals, &signal_row(&s, w->arena)->base);
}

static void add_order(struct world *w, const char *trade_id, const char *signal_id) {
    Order *o = arena_take(w->arena, sizeof(*o));
    order__init(o);
    o->terms = new_terms();
    o->trade_id = arena_text(w->arena, trade_id), o->signal_id = arena_text(w->arena, signal_id);
    o->account_id = (char *)"anna", o->broker_id = (char *)"alpha",
    o->symbol = o->broker_symbol = (char *)"EURUSD";
    o->terms->order_type = SIGNAL__ORDER_TYPE__market, o->direction = SIGNAL__DIRECTION__sell;
    rows_add(w->rows, TABLE_orders, &o->base);
}

static void add_trade(struct world *w, const char *trade_id, TradeState__State state, uint64_t at) {
    TradeState *t = arena_take(w->arena, sizeof(*t));
    trade_state__init(t);
    t->terms = new_terms();
    t->trade_id = arena_text(w->arena, trade_id), t->signal_id = (char *)"s-1",
    t->account_id = (char *)"anna";
    t->broker_id = (char *)"alpha", t->symbol = t->broker_symbol = (char *)"EURUSD";
    t->terms->order_type = SIGNAL__ORDER_TYPE__market, t->direction = SIGNAL__DIRECTION__sell,
    t->state = state;
    t->updated_at = at, t->reason = (char *)"no money";
    rows_add_trade(w->rows, t);
}

static void add_status(struct world *w, const char *id, Signal__Status status) {
    SignalExecutionStatus *s = arena_take(w->arena, sizeof(*s));
    signal_execution_status__init(s);
    s->signal_id = arena_text(w->arena, id), s->status = status;
    rows_add(w->rows, TABLE_signal_execution_status, &s->base);
}

static void a_row_written_twice_is_there_once(void **state) {
    struct world *w = *state;
    for (uint64_t i = 1; i <= 3; i++) {
        add_signal(w, "s-1");
        add_order(w, "t-1", "s-1");
        add_trade(w, "t-1", TRADE_STATE__STATE__working, NS_PER_S);
        assert_int_equal(try_commit(w, i), ERR_OK);
        commit(w, i); // the same queue again: Redis did not take the batch
    }
    assert_int_equal(number(w, "SELECT count(*) FROM signals"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM orders"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM trades"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM refused_rows"), 0);
}

static void a_signal_and_what_belongs_to_it_meet_in_any_order(void **state) {
    struct world *w = *state;
    add_signal(w, "first");
    commit(w, 1);
    add_order(w, "t-1", "first");
    add_order(w, "t-2", "first");
    add_status(w, "first", SIGNAL__STATUS__completed);
    commit(w, 2);
    add_order(w, "t-3", "last");
    add_status(w, "last", SIGNAL__STATUS__failed);
    commit(w, 3);
    add_signal(w, "last");
    commit(w, 4);
    expect(w, "SELECT status || ' ' || order_id FROM signals WHERE signal_id = 'first'",
           "completed t-1");
    expect(w, "SELECT status || ' ' || order_id FROM signals WHERE signal_id = 'last'",
           "failed t-3");
}

// Whatever order the outcomes of a signal come in, told again after a rollback or not: what was
// executed stands.
static void what_is_completed_never_goes_back(void **state) {
    static const struct {
        Signal__Status first, second;
        const char *wanted;
    } orders[] = {
        {SIGNAL__STATUS__failed, SIGNAL__STATUS__completed, "completed completed"},
        {SIGNAL__STATUS__completed, SIGNAL__STATUS__failed, "completed completed"},
        {SIGNAL__STATUS__failed, SIGNAL__STATUS__failed, "failed failed"},
    };
    struct world *w = *state;
    for (unsigned together = 0; together < 2; together++) {
        for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
            char id[16], query[200];
            (void)snprintf(id, sizeof id, "s-%u-%u", together, i);
            (void)snprintf(query, sizeof query,
                           "SELECT s.status || ' ' || e.status FROM signals s JOIN "
                           "signal_execution_status e USING (signal_id)"
                           " WHERE signal_id = '%s'",
                           id);
            add_signal(w, id);
            add_status(w, id, orders[i].first);
            if (!together) commit(w, 1 + 2 * i);
            add_status(w, id, orders[i].second);
            commit(w, 2 + 2 * i);
            expect(w, query, orders[i].wanted);
        }
    }
}

static void of_a_trade_the_latest_state_stays(void **state) {
    struct world *w = *state;
    add_trade(w, "t-1", TRADE_STATE__STATE__submitting, 1 * NS_PER_S);
    add_trade(w, "t-1", TRADE_STATE__STATE__filled, 3 * NS_PER_S);
    add_trade(w, "t-1", TRADE_STATE__STATE__working, 2 * NS_PER_S);
    assert_int_equal(rows_count(w->rows), 1);
    commit(w, 1);
    expect(w, "SELECT state FROM trades", "filled");
    add_trade(w, "t-1", TRADE_STATE__STATE__rejected, 2 * NS_PER_S);
    commit(w, 2);
    expect(w, "SELECT state FROM trades", "filled");
    assert_int_equal(number(w, "SELECT count(*) FROM trade_failure_log"), 0);
    add_trade(w, "t-1", TRADE_STATE__STATE__closed, 3 * NS_PER_S + NS_PER_US);
    commit(w, 3);
    expect(w, "SELECT state FROM trades", "closed");
}

static void a_failure_is_logged_until_a_fill_comes_to_light(void **state) {
    struct world *w = *state;
    add_trade(w, "t-1", TRADE_STATE__STATE__expired, NS_PER_S);
    add_trade(w, "t-2", TRADE_STATE__STATE__rejected, NS_PER_S);
    SignalRejection r = SIGNAL_REJECTION__INIT;
    r.signal_id = (char *)"s-9", r.rejection_reason = (char *)"price: is required",
    r.field = (char *)"price", r.source = (char *)"tv";
    rows_add(w->rows, TABLE_trade_failure_log, &failure_of_refusal(&r, w->arena)->base);
    commit(w, 1);
    expect(w,
           "SELECT group_concat(failure_id || ' ' || state || ' ' || reason) FROM (SELECT * FROM "
           "trade_failure_log ORDER BY 1)",
           "s-9 refused price: is required,t-1 expired no money,t-2 rejected no money");
    add_trade(w, "t-1", TRADE_STATE__STATE__filled, 2 * NS_PER_S);
    commit(w, 2);
    expect(w, "SELECT group_concat(failure_id) FROM (SELECT * FROM trade_failure_log ORDER BY 1)",
           "s-9,t-2");
}

static void more_trades_than_a_batch_has_are_right_too(void **state) {
    struct world *w = *state;
    char id[24];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            snprintf(id, sizeof(id), "t-%u", i);
            add_trade(w, id, round ? TRADE_STATE__STATE__filled : TRADE_STATE__STATE__working,
                      (round + 1) * NS_PER_S);
        }
    }
    commit(w, 1);
    assert_int_equal(number(w, "SELECT count(*) FROM trades WHERE state = 'filled'"), 5000);
}

static void positions_go_with_the_rows_and_survive_a_restart(void **state) {
    struct world *w = *state;
    add_signal(w, "s-1");
    commit(w, 5);
    close_world(w);
    open_world(w);
    struct inlet_position at[] = {{"orders.0", {1, 1}}, {"signals", {1, 1}}};
    bool cut;
    positions_find(w->positions, NULL, false, &(struct positions_found){at, 2, &cut});
    assert_false(cut);
    assert_int_equal(at[0].position.sequence, 5);
    assert_int_equal(at[1].position.incarnation, 7);
    assert_int_equal(number(w, "SELECT count(*) FROM signals"), 1);
}

static void add_many(struct world *w, unsigned from, unsigned to) {
    char id[24];
    for (unsigned i = from; i < to; i++) {
        snprintf(id, sizeof(id), "s-%u", i);
        add_signal(w, id);
    }
}

static void a_full_disk_leaves_neither_rows_nor_positions_and_the_retry_brings_both(void **state) {
    struct world *w = *state;
    char limit[64];
    add_many(w, 0, 100);
    commit(w, 1);
    snprintf(limit, sizeof(limit), "PRAGMA max_page_count=%lld",
             (long long)number(w, "PRAGMA page_count") + 10);
    assert_int_equal(sql_run(w->db, limit), ERR_OK);
    add_many(w, 100, 3000);
    for (int i = 0; i < 3; i++) assert_int_equal(try_commit(w, 2), ERR_DISK);
    assert_int_equal(number(w, "SELECT count(*) FROM signals"), 100);
    expect(w, "SELECT position FROM positions WHERE topic = 'signals'", "7-1");
    assert_int_equal(sql_run(w->db, "PRAGMA max_page_count=1000000"), ERR_OK);
    commit(w, 2); // the same queue
    assert_int_equal(number(w, "SELECT count(*) FROM signals"), 3000);
    expect(w, "SELECT position FROM positions WHERE topic = 'signals'", "7-2");
    expect(w, "PRAGMA integrity_check", "ok");
}

static void every_table_takes_every_value_of_its_message(void **state) {
    struct world *w = *state;
    struct dice d = {.state = 42};
    char text[200];
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        const struct table_form *form = &table_forms[t];
        snprintf(text, sizeof(text), "SELECT * FROM %s", form->name);
        own(sql_query) *select = sql_prepare(w->db, text);
        snprintf(text, sizeof(text), "DELETE FROM %s", form->name);
        for (unsigned i = 0; i < 30 && t != TABLE_config_change; i++) {
            assert_int_equal(sql_run(w->db, text), ERR_OK);
            assert_int_equal(
                sql_run(w->db, "DELETE FROM signal_execution_status; DELETE FROM orders"), ERR_OK);
            ProtobufCMessage *m = generated(form->type, &d, i == 0 ? 100 : 60, w->arena), *back;
            // it is the archive that knows
            if (t == TABLE_signals) ((SignalRow *)m)->order_id = NULL;
            rows_add(w->rows, (enum table_name)t, m);
            commit(w, t * 100 + i + 1);
            bool row;
            assert_int_equal(sql_step(select, &row), ERR_OK);
            assert_true(row);
            assert_int_equal(sql_row(select, form->type, w->arena, &back), ERR_OK);
            sql_reset(select);
            if (!same_message(m, back)) fail_msg("%s does not give back what it took", form->name);
        }
    }
}

static void a_row_that_a_table_refuses_is_put_aside_and_the_rest_goes_on(void **state) {
    struct world *w = *state;
    assert_int_equal(sql_run(w->db, "CREATE TRIGGER no BEFORE INSERT ON orders WHEN new.trade_id = "
                                    "'bad' BEGIN SELECT raise(ABORT, 'no'); END"),
                     ERR_OK);
    add_order(w, "t-1", "s-1");
    add_order(w, "bad", "s-2");
    add_order(w, "t-3", "s-3");
    commit(w, 1);
    assert_int_equal(number(w, "SELECT count(*) FROM orders"), 2);
    expect(w, "SELECT table_name || ' ' || json_extract(row, '$.trade_id') FROM refused_rows",
           "orders bad");
}

static void a_damaged_file_is_put_aside_whole_and_said(void **state) {
    struct world *w = *state;
    char notice[400] = "";
    add_signal(w, "s-1");
    commit(w, 1);
    close_world(w);
    FILE *f = fopen(w->path, "r+b");
    for (int i = 0; i < 200; i++) fputc('x', f);
    fclose(f);
    w->db = database_open(w->path, 1 << 30, notice, sizeof(notice));
    assert_non_null(w->db);
    assert_non_null(strstr(notice, "damaged"));
    assert_int_equal(number(w, "SELECT count(*) FROM signals"), 0);
    char command[160];
    snprintf(command, sizeof(command), "ls %s/archive.db.damaged-* > /dev/null", w->folder);
    assert_int_equal(system(command), 0);
}

static void whoever_claimed_the_archive_last_writes_it_and_nobody_else(void **state) {
    struct world *w = *state;
    char why[200];
    own(sql) *second = sql_open(w->path, SQL_WRITE, why);
    owner_t *old = owner_new(w->db), *new = owner_new(second);
    assert_int_equal(owner_claim(old), ERR_OK);
    assert_int_equal(owner_check(old), ERR_OK);
    assert_int_equal(owner_claim(new), ERR_OK);
    assert_int_equal(owner_check(new), ERR_OK);
    assert_int_equal(owner_check(old), ERR_FENCED);
    owner_destroy(&old);
    owner_destroy(&new);
}

static void a_file_of_a_newer_program_is_left_alone(void **state) {
    struct world *w = *state;
    char notice[400] = "";
    assert_int_equal(sql_run(w->db, "PRAGMA user_version=99"), ERR_OK);
    assert_null(database_open(w->path, 1 << 30, notice, sizeof(notice)));
    assert_string_equal(notice, "");
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_row_written_twice_is_there_once),
        TEST(a_signal_and_what_belongs_to_it_meet_in_any_order),
        TEST(what_is_completed_never_goes_back),
        TEST(of_a_trade_the_latest_state_stays),
        TEST(a_failure_is_logged_until_a_fill_comes_to_light),
        TEST(more_trades_than_a_batch_has_are_right_too),
        TEST(positions_go_with_the_rows_and_survive_a_restart),
        TEST(a_full_disk_leaves_neither_rows_nor_positions_and_the_retry_brings_both),
        TEST(every_table_takes_every_value_of_its_message),
        TEST(a_row_that_a_table_refuses_is_put_aside_and_the_rest_goes_on),
        TEST(a_damaged_file_is_put_aside_whole_and_said),
        TEST(whoever_claimed_the_archive_last_writes_it_and_nobody_else),
        TEST(a_file_of_a_newer_program_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
