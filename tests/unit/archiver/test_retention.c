// test_retention - what is old and final goes, what is not stays, and the rest can still be
// verified.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "order.pb-c.h"
#include "outcome.pb-c.h"
#include "services/archiver/chain/check.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/retention.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"
#include "system.pb-c.h"
#include "tests/unit/terms.h"

#define DAY_NS (UINT64_C(86400) * NS_PER_S)

struct world {
    char folder[64], path[96];
    sql_t *db;
    rows_t *rows;
    retention_t *retention;
    arena_t *arena;
    unsigned faults, removed_days;
};

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    char notice[400] = "";
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_retention.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof(w->path), "%s/archive.db", w->folder);
    w->arena = arena_new(0);
    database_shrinkable(w->path);
    w->db = database_open(w->path, 1 << 30, notice, sizeof(notice));
    w->rows = rows_new(w->db);
    assert_non_null(w->rows);
    w->retention = retention_new(&(struct retention_options){w->db, rows_chain(w->rows), 3, 3});
    assert_non_null(w->retention);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    retention_destroy(&w->retention);
    rows_destroy(&w->rows);
    sql_destroy(&w->db);
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
}

static char *name(struct world *w, char kind, unsigned n) {
    return arena_format(w->arena, "%c%u", kind, n);
}

// A signal with its order, trade, result and reconciliation.
static void add(struct world *w, unsigned n, Signal__Status status, TradeState__State state) {
    Signal *s = arena_zero(w->arena, sizeof(*s));
    Order *o = arena_zero(w->arena, sizeof(*o));
    TradeState *t = arena_zero(w->arena, sizeof(*t));
    TradeReconciliation *r = arena_zero(w->arena, sizeof(*r));
    Alert *a = arena_zero(w->arena, sizeof(*a));
    signal__init(s), order__init(o), trade_state__init(t), trade_reconciliation__init(r),
        alert__init(a);
    o->terms = new_terms();
    t->terms = new_terms();
    s->signal_id = o->signal_id = t->signal_id = name(w, 's', n);
    s->source = (char *)"tv", s->symbol = (char *)"EURUSD",
    s->order_type = SIGNAL__ORDER_TYPE__market;
    s->direction = SIGNAL__DIRECTION__buy, s->status = status, s->created_at = NS_PER_S;
    o->trade_id = t->trade_id = r->trade_id = name(w, 't', n);
    o->account_id = t->account_id = (char *)"anna", o->broker_id = t->broker_id = (char *)"alpha";
    o->symbol = o->broker_symbol = t->symbol = t->broker_symbol = s->symbol;
    o->terms->order_type = t->terms->order_type = s->order_type,
    o->direction = t->direction = s->direction;
    t->state = state;
    r->reconciliation_status = TRADE_RECONCILIATION__STATUS__success;
    a->alert_id = name(w, 'a', n), a->service = a->code = a->text = (char *)"x",
    a->severity = ALERT__SEVERITY__info, a->created_at = clock_utc_ns();
    rows_add(w->rows, TABLE_signals, &signal_row(s, w->arena)->base);
    rows_add(w->rows, TABLE_orders, &o->base);
    rows_add_trade(w->rows, t);
    rows_add(w->rows, TABLE_trade_reconciliation, &r->base);
    rows_add(w->rows, TABLE_alert_log, &a->base);
    commit(w);
}

static int64_t number(struct world *w, const char *query) {
    own(sql_query) *q = sql_prepare(w->db, query);
    bool row;
    assert_int_equal(sql_step(q, &row), ERR_OK);
    return sql_integer(q, 0);
}

static int64_t sweep(struct world *w, uint64_t now, int64_t signals_to) {
    struct retention_step step = {.now = now, .signals_to = signals_to, .more = true};
    for (unsigned i = 0; step.more; i++) {
        assert_true(i < 1000);
        assert_int_equal(retention_step(w->retention, &step), ERR_OK);
    }
    return step.removed;
}

static void hear(void *arg, const struct chain_fault *f) {
    ((struct world *)arg)->faults++;
    print_message("%s %s %s %s\n", f->what, f->table ? f->table : "", f->key ? f->key : "",
                  f->text);
}

static void hear_day(void *arg, const struct chain_day *day) {
    ((struct world *)arg)->removed_days += day->removed;
}

static void expect_sound(struct world *w) {
    struct chain_sum sum;
    w->faults = w->removed_days = 0;
    assert_int_equal(chain_check(w->db, &(struct chain_look){w, hear, hear_day}, &sum), ERR_OK);
    assert_int_equal(w->faults, 0);
}

static void what_is_young_stays(void **state) {
    struct world *w = *state;
    add(w, 1, SIGNAL__STATUS__completed, TRADE_STATE__STATE__closed);
    assert_int_equal(sweep(w, clock_utc_ns() + 2 * DAY_NS, INT64_MAX), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM chain"), 1);
    expect_sound(w);
}

static void what_is_old_goes_when_it_is_final_and_only_then(void **state) {
    struct world *w = *state;
    uint64_t later = clock_utc_ns() + 5 * DAY_NS;
    static const struct {
        Signal__Status status;
        TradeState__State state;
        bool signal_goes, trade_goes;
    } cases[] = {
        {SIGNAL__STATUS__completed, TRADE_STATE__STATE__closed, true, true},
        {SIGNAL__STATUS__completed, TRADE_STATE__STATE__filled, false, false}, // a position is open
        {SIGNAL__STATUS__failed, TRADE_STATE__STATE__rejected, true, true},
        {SIGNAL__STATUS__processing, TRADE_STATE__STATE__unknown, false, false},
        {SIGNAL__STATUS__processing, TRADE_STATE__STATE__expired, false, true},
        {SIGNAL__STATUS__completed, TRADE_STATE__STATE__partially_filled, false, false},
        {SIGNAL__STATUS__failed, TRADE_STATE__STATE__cancelled, true, true},
    };
    size_t n = sizeof(cases) / sizeof(cases[0]);
    for (unsigned i = 0; i < n; i++) add(w, i, cases[i].status, cases[i].state);
    assert_true(sweep(w, later, INT64_MAX) > 0);
    for (unsigned i = 0; i < n; i++) {
        char query[200];
        snprintf(query, sizeof(query), "SELECT count(*) FROM signals WHERE signal_id = 's%u'", i);
        if (number(w, query) != !cases[i].signal_goes) fail_msg("the signal of case %u", i);
        snprintf(query, sizeof(query),
                 "SELECT (SELECT count(*) FROM trades WHERE trade_id = 't%u') + (SELECT count(*) "
                 "FROM orders WHERE trade_id"
                 " = 't%u') + (SELECT count(*) FROM trade_reconciliation WHERE trade_id = 't%u')",
                 i, i, i);
        if (number(w, query) != (cases[i].trade_goes ? 0 : 3)) fail_msg("the trade of case %u", i);
    }
    assert_int_equal(number(w, "SELECT count(*) FROM alert_log"), 0);
    expect_sound(w);
    // what stays was chained again
    assert_int_equal(number(w, "SELECT min(batch) FROM chain"), (int64_t)n + 1);
    // and is left alone until that is old
    assert_int_equal(sweep(w, later, INT64_MAX), 0);
}

static void what_was_not_final_goes_once_it_is(void **state) {
    struct world *w = *state;
    uint64_t now = clock_utc_ns();
    add(w, 1, SIGNAL__STATUS__completed, TRADE_STATE__STATE__filled);
    sweep(w, now + 5 * DAY_NS, INT64_MAX);
    assert_int_equal(number(w, "SELECT count(*) FROM trades"), 1);
    TradeState t = TRADE_STATE__INIT;
    t.terms = new_terms();
    t.trade_id = (char *)"t1", t.signal_id = (char *)"s1",
    t.account_id = t.broker_id = t.symbol = t.broker_symbol = (char *)"x";
    t.terms->order_type = SIGNAL__ORDER_TYPE__market, t.direction = SIGNAL__DIRECTION__buy,
    t.state = TRADE_STATE__STATE__closed, t.updated_at = 9;
    rows_add_trade(w->rows, &t);
    commit(w);
    expect_sound(w);
    sweep(w, now + 10 * DAY_NS, INT64_MAX);
    add(w, 2, SIGNAL__STATUS__completed, TRADE_STATE__STATE__filled);
    sweep(w, now + 20 * DAY_NS, INT64_MAX);
    assert_int_equal(number(w, "SELECT count(*) FROM trades WHERE trade_id = 't1'"), 0);
    assert_int_equal(number(w, "SELECT count(*) FROM signals WHERE signal_id = 's1'"), 0);
    expect_sound(w);
}

static void a_signal_that_is_not_in_a_closed_audit_file_stays(void **state) {
    struct world *w = *state;
    add(w, 1, SIGNAL__STATUS__failed, TRADE_STATE__STATE__rejected);
    add(w, 2, SIGNAL__STATUS__failed, TRADE_STATE__STATE__rejected);
    sweep(w, clock_utc_ns() + 5 * DAY_NS, 1);
    assert_int_equal(number(w, "SELECT max(id) FROM signals"), 2);
    assert_int_equal(number(w, "SELECT count(*) FROM signals"), 1);
    expect_sound(w);
}

static void removed_days_leave_their_hash_and_pages_are_given_back(void **state) {
    struct world *w = *state;
    uint64_t now = clock_utc_ns();
    struct stat before, after;
    for (unsigned i = 0; i < 400; i++)
        add(w, i, SIGNAL__STATUS__failed, TRADE_STATE__STATE__rejected);
    assert_int_equal(sql_run(w->db, "PRAGMA wal_checkpoint(TRUNCATE)"), ERR_OK);
    assert_int_equal(stat(w->path, &before), 0);
    sweep(w, now + 5 * DAY_NS, INT64_MAX);
    for (unsigned i = 0; i < 20; i++) sweep(w, now + 5 * DAY_NS, INT64_MAX);
    // the next day closes the first
    add(w, 1000, SIGNAL__STATUS__failed, TRADE_STATE__STATE__rejected);
    expect_sound(w);
    assert_int_equal(number(w, "SELECT count(*) FROM signals"), 1);
    assert_int_equal(sql_run(w->db, "PRAGMA wal_checkpoint(TRUNCATE)"), ERR_OK);
    assert_int_equal(stat(w->path, &after), 0);
    assert_true(after.st_size < before.st_size / 2);
    assert_true(w->removed_days >= 1);
    assert_int_equal(sql_run(w->db, "UPDATE chain_start SET hash = zeroblob(32)"), ERR_OK);
    struct chain_sum sum;
    assert_int_equal(chain_check(w->db, &(struct chain_look){w, hear, hear_day}, &sum), ERR_OK);
    assert_true(w->faults > 0);
}

// Trades are kept for ever, and what the system says of itself is not.
static void old_rows_of_logs_go_while_trades_stay(void **state) {
    struct world *w = *state;
    uint64_t now = clock_utc_ns();
    retention_destroy(&w->retention);
    w->retention = retention_new(&(struct retention_options){w->db, rows_chain(w->rows), 0, 3});
    assert_non_null(w->retention);
    add(w, 1, SIGNAL__STATUS__completed, TRADE_STATE__STATE__closed);
    for (unsigned i = 0; i < 1200; i++) {
        SystemEvent *e = arena_zero(w->arena, sizeof *e);
        PerformanceSample *p = arena_zero(w->arena, sizeof *p);
        Alert *a = arena_zero(w->arena, sizeof *a);
        system_event__init(e), performance_sample__init(p), alert__init(a);
        e->event_id = name(w, 'e', i), a->alert_id = name(w, 'b', i);
        e->service = p->service = a->service = name(w, 'p', i), e->event = (char *)"start";
        a->code = a->text = (char *)"x", a->severity = ALERT__SEVERITY__info;
        e->created_at = p->created_at = a->created_at = i < 1100 ? now - 5 * DAY_NS : now;
        rows_add(w->rows, TABLE_system_event_log, &e->base);
        rows_add(w->rows, TABLE_performance_log, &p->base);
        rows_add(w->rows, TABLE_alert_log, &a->base);
    }
    commit(w);
    assert_true(sweep(w, now, INT64_MAX) >= 3300);
    assert_int_equal(number(w, "SELECT count(*) FROM system_event_log"), 100);
    assert_int_equal(number(w, "SELECT count(*) FROM performance_log"), 100);
    assert_int_equal(number(w, "SELECT count(*) FROM alert_log WHERE alert_id LIKE 'b%'"), 100);
    assert_int_equal(number(w, "SELECT count(*) FROM trades"), 1);
    expect_sound(w);
    assert_int_equal(sweep(w, now, INT64_MAX), 0);
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_young_stays),
        TEST(what_is_old_goes_when_it_is_final_and_only_then),
        TEST(what_was_not_final_goes_once_it_is),
        TEST(a_signal_that_is_not_in_a_closed_audit_file_stays),
        TEST(old_rows_of_logs_go_while_trades_stay),
        TEST(removed_days_leave_their_hash_and_pages_are_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
