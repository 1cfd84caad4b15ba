// test_changes - every write gives its row a number above all before it: what copies of the archive
// are made from.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "archive.pb-c.h"
#include "common/base/clock.h"
#include "common/base/own.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/rows.h"
#include "tests/unit/common/generated.h"

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
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_changes.XXXXXX");
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

static void commit(struct world *w) {
    assert_int_equal(sql_begin(w->db), ERR_OK);
    assert_int_equal(rows_write_queued(w->rows), ERR_OK);
    assert_int_equal(sql_commit(w->db), ERR_OK);
    rows_committed(w->rows);
    rows_clear(w->rows);
    arena_reset(w->arena);
}

static int64_t number(struct world *w, const char *select) {
    own(sql_query) *q = sql_prepare(w->db, select);
    bool row;
    assert_non_null(q);
    assert_int_equal(sql_step(q, &row), ERR_OK);
    assert_true(row);
    return sql_integer(q, 0);
}

static void write_trade(struct world *w, TradeState__State state, uint64_t updated_at) {
    struct dice d = {.state = 7};
    TradeState *t = (TradeState *)generated(&trade_state__descriptor, &d, 100, w->arena);
    t->trade_id = (char *)"t-1";
    t->state = state;
    t->updated_at = updated_at * NS_PER_S;
    rows_add_trade(w->rows, t);
    commit(w);
}

static void write_status(struct world *w, SignalExecutionStatus *status) {
    rows_add(w->rows, TABLE_signal_execution_status, &status->base);
    commit(w);
}

static void each_write_gives_its_row_a_higher_number(void **state) {
    struct world *w = *state;
    write_trade(w, TRADE_STATE__STATE__working, 1);
    int64_t first = number(w, "SELECT changed FROM trades");
    write_trade(w, TRADE_STATE__STATE__filled, 2);
    int64_t second = number(w, "SELECT changed FROM trades");
    assert_true(first > 0 && second > first);
    write_trade(w, TRADE_STATE__STATE__working, 1); // an earlier state changes nothing
    assert_int_equal(number(w, "SELECT changed FROM trades"), second);
}

static void a_signal_whose_order_and_status_come_later_changes_with_them(void **state) {
    struct world *w = *state;
    struct dice d = {.state = 9};
    SignalRow *s = (SignalRow *)generated(&signal_row__descriptor, &d, 0, w->arena);
    s->signal_id = (char *)"s-1";
    s->status = SIGNAL__STATUS__pending;
    rows_add(w->rows, TABLE_signals, &s->base);
    commit(w);
    int64_t stored = number(w, "SELECT changed FROM signals");
    Order *o = (Order *)generated(&order__descriptor, &d, 0, w->arena);
    o->signal_id = (char *)"s-1";
    rows_add(w->rows, TABLE_orders, &o->base);
    commit(w);
    int64_t linked = number(w, "SELECT changed FROM signals");
    assert_true(linked > stored);
    SignalExecutionStatus *x =
        (SignalExecutionStatus *)generated(&signal_execution_status__descriptor, &d, 0, w->arena);
    x->signal_id = (char *)"s-1";
    x->status = SIGNAL__STATUS__completed;
    write_status(w, x);
    assert_true(number(w, "SELECT changed FROM signals") > linked);
}

static void numbers_grow_over_a_restart_and_a_clock_that_was_set_back(void **state) {
    struct world *w = *state;
    // as if the clock had been an hour ahead
    int64_t ahead = (int64_t)(clock_utc_ns() / NS_PER_US) + 3600000000;
    char text[96];
    snprintf(text, sizeof(text), "UPDATE change_count SET last = %lld", (long long)ahead);
    assert_int_equal(sql_run(w->db, text), ERR_OK);
    close_world(w);
    open_world(w);
    write_trade(w, TRADE_STATE__STATE__working, 1);
    assert_int_equal(number(w, "SELECT changed FROM trades"), ahead + 1);
    assert_true(number(w, "SELECT last FROM change_count") >= ahead + 1);
}

static void a_failure_that_was_none_leaves_a_note_for_the_copies(void **state) {
    struct world *w = *state;
    write_trade(w, TRADE_STATE__STATE__expired, 1);
    int64_t failed = number(w, "SELECT changed FROM trade_failure_log");
    write_trade(w, TRADE_STATE__STATE__filled, 2);
    assert_int_equal(number(w, "SELECT count(*) FROM trade_failure_log"), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM removed_rows WHERE table_name = "
                               "'trade_failure_log' AND key = 't-1'"),
                     1);
    assert_true(number(w, "SELECT changed FROM removed_rows") > failed);
    assert_int_equal(number(w, "SELECT count(*) FROM pragma_quick_check WHERE quick_check = 'ok'"),
                     1);
    write_trade(w, TRADE_STATE__STATE__closed, 3); // there is none to forget: nothing more is noted
    assert_int_equal(number(w, "SELECT count(*) FROM removed_rows"), 1);
}

static void rows_of_an_earlier_version_are_numbered_as_they_stand(void **state) {
    struct world *w = *state;
    write_trade(w, TRADE_STATE__STATE__working, 1);
    assert_int_equal(sql_run(w->db, "ALTER TABLE trades DROP COLUMN changed; PRAGMA "
                                    "user_version=1; DROP TABLE change_count;"
                                    "DROP TABLE removed_rows; DROP TABLE backfill"),
                     ERR_OK);
    close_world(w);
    open_world(w);
    assert_int_equal(number(w, "SELECT changed FROM trades"), 1);
    write_trade(w, TRADE_STATE__STATE__filled, 2);
    assert_true(number(w, "SELECT changed FROM trades") > 1);
}

static void what_is_copied_is_indexed_when_it_is_asked_for(void **state) {
    struct world *w = *state;
    static const char count[] =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name LIKE '%_by_change'";
    assert_int_equal(schema_index_changes(w->db, true), ERR_OK);
    assert_true(number(w, count) > 10);
    assert_int_equal(
        number(w, "SELECT count(*) FROM sqlite_schema WHERE name = 'signal_config_by_change'"), 0);
    assert_int_equal(schema_index_changes(w->db, false), ERR_OK);
    assert_int_equal(number(w, count), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_write_gives_its_row_a_higher_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_signal_whose_order_and_status_come_later_changes_with_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_grow_over_a_restart_and_a_clock_that_was_set_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_that_was_none_leaves_a_note_for_the_copies,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_of_an_earlier_version_are_numbered_as_they_stand,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_copied_is_indexed_when_it_is_asked_for, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
