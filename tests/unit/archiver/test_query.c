// test_query - pages put together are the whole, also while rows come in; each condition holds;
// what is wrong is said.
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
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "order.pb-c.h"
#include "services/archiver/query/query.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"
#include "system.pb-c.h"
#include "tests/unit/terms.h"

#define ROWS_MAX 1000

struct world {
    char folder[64], path[96];
    sql_t *db;
    rows_t *rows;
    arena_t *arena;
    unsigned n;
};

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    char notice[400] = "";
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_query.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof(w->path), "%s/archive.db", w->folder);
    w->arena = arena_new(0);
    w->db = database_open(w->path, 1 << 30, notice, sizeof(notice));
    w->rows = rows_new(w->db);
    assert_non_null(w->rows);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    rows_destroy(&w->rows);
    sql_destroy(&w->db);
    arena_destroy(&w->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

// A signal and a trade of it, both with this number and time; three in a row have the same time.
static void add(struct world *w, unsigned n, uint64_t at_s) {
    Signal *s = arena_take(w->arena, sizeof(*s));
    signal__init(s);
    s->signal_id = arena_format(w->arena, "s%04u", n), s->source = (char *)"tv",
    s->symbol = (char *)(n % 2 ? "EURUSD" : "GBPUSD");
    s->strategy = (char *)(n % 3 ? "trend" : "mean"), s->created_at = at_s * NS_PER_S,
    s->status = SIGNAL__STATUS__completed;
    s->order_type = SIGNAL__ORDER_TYPE__market, s->direction = SIGNAL__DIRECTION__buy;
    rows_add(w->rows, TABLE_signals, &signal_row(s, w->arena)->base);
    TradeState *t = arena_take(w->arena, sizeof(*t));
    trade_state__init(t);
    t->terms = new_terms();
    t->trade_id = arena_format(w->arena, "t%04u", n), t->signal_id = s->signal_id,
    t->account_id = (char *)(n % 5 ? "anna" : "berta");
    t->broker_id = (char *)"alpha", t->symbol = t->broker_symbol = s->symbol,
    t->terms->order_type = s->order_type, t->direction = s->direction;
    t->state = n % 4 ? TRADE_STATE__STATE__filled : TRADE_STATE__STATE__rejected;
    t->signal_at = t->ordered_at = t->updated_at = s->created_at;
    rows_add_trade(w->rows, t);
    w->n++;
}

static void commit(struct world *w) {
    assert_int_equal(sql_begin(w->db), ERR_OK);
    assert_int_equal(rows_write_queued(w->rows), ERR_OK);
    assert_int_equal(sql_commit(w->db), ERR_OK);
    rows_committed(w->rows);
    rows_clear(w->rows);
}

static void fill(struct world *w, unsigned count) {
    for (unsigned i = 0; i < count; i++) add(w, i, 1000 + i / 3);
    commit(w);
}

// A page: the numbers of its rows into seen, in order; its cursor into next. How many rows.
static unsigned take_page(struct world *w, const ArchiveQuery *q, unsigned seen[static ROWS_MAX],
                          char next[static 400]) {
    own(buffer) out = {0};
    const char *rows_path[] = {"rows", NULL}, *next_path[] = {"next", NULL};
    const char *id_path[] = {strcmp(q->what, "trades") == 0 ? "trade_id" : "signal_id", NULL};
    if (!query_answer(w->db, q, &out)) fail_msg("%s", buffer_string(&out));
    yajl_val answer = yajl_tree_parse(buffer_string(&out), NULL, 0);
    assert_non_null(answer);
    yajl_val rows = yajl_tree_get(answer, rows_path, yajl_t_array),
             more = yajl_tree_get(answer, next_path, yajl_t_string);
    unsigned n = (unsigned)YAJL_GET_ARRAY(rows)->len;
    for (unsigned i = 0; i < n; i++)
        seen[i] = (unsigned)strtoul(YAJL_GET_STRING(yajl_tree_get(YAJL_GET_ARRAY(rows)->values[i],
                                                                  id_path, yajl_t_string)) +
                                        1,
                                    NULL, 10);
    snprintf(next, 400, "%s", more ? YAJL_GET_STRING(more) : "");
    yajl_tree_free(answer);
    return n;
}

static unsigned take_all(struct world *w, ArchiveQuery *q, unsigned all[static ROWS_MAX]) {
    char next[400];
    unsigned n = 0;
    do {
        n += take_page(w, q, all + n, next);
        q->after = next;
    } while (next[0] && n < ROWS_MAX - q->limit);
    q->after = NULL;
    return n;
}

static void pages_put_together_are_the_whole_in_order(void **state) {
    struct world *w = *state;
    unsigned all[ROWS_MAX];
    fill(w, 200);
    static const char *const kinds[] = {"signals", "trades"};
    for (size_t k = 0; k < 2; k++) {
        for (uint32_t limit = 1; limit <= 230; limit = limit * 2 + 1) {
            ArchiveQuery q = ARCHIVE_QUERY__INIT;
            q.what = (char *)(uintptr_t)kinds[k], q.limit = limit;
            assert_int_equal(take_all(w, &q, all), 200);
            for (unsigned i = 0; i < 200; i++) assert_int_equal(all[i], 199 - i);
        }
    }
}

static void what_was_there_is_in_exactly_one_page_while_rows_come_in(void **state) {
    struct world *w = *state;
    for (unsigned seed = 1; seed <= 10; seed++) {
        unsigned seen[ROWS_MAX] = {0}, page[ROWS_MAX], had = w->n ? w->n : (fill(w, 60), 60),
                 next_id = had;
        char next[400] = "";
        ArchiveQuery q = ARCHIVE_QUERY__INIT;
        q.what = (char *)"trades", q.limit = 1 + seed;
        srandom(seed);
        do {
            unsigned n = take_page(w, &q, page, next);
            for (unsigned i = 0; i < n; i++) seen[page[i]]++;
            q.after = next;
            // before, between and after
            if (w->n < 600) add(w, next_id++, 990 + (unsigned)random() % 100), commit(w);
        } while (next[0]);
        for (unsigned i = 0; i < had; i++) assert_int_equal(seen[i], 1);
        for (unsigned i = had; i < next_id; i++) assert_true(seen[i] <= 1);
    }
}

static void each_condition_holds(void **state) {
    struct world *w = *state;
    unsigned all[ROWS_MAX];
    fill(w, 120);
    for (unsigned mask = 0; mask < 64; mask++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            ArchiveQuery q = ARCHIVE_QUERY__INIT;
            q.what = (char *)(kind ? "signals" : "trades"), q.limit = 7;
            unsigned wanted = 0;
            if (mask & 1) q.has_since = true, q.since = 1010 * NS_PER_S;
            if (mask & 2) q.has_until = true, q.until = 1030 * NS_PER_S;
            if (mask & 4) q.symbol = (char *)"EURUSD";
            if (mask & 8) q.strategy = (char *)"mean";
            if (mask & 16 && !kind) q.account_id = (char *)"berta";
            if (mask & 32) q.state = (char *)(kind ? "completed" : "rejected");
            for (unsigned i = 0; i < 120; i++)
                wanted += (!(mask & 1) || 1000 + i / 3 >= 1010) &&
                          (!(mask & 2) || 1000 + i / 3 < 1030) && (!(mask & 4) || i % 2) &&
                          (!(mask & 8) || i % 3 == 0) && (!(mask & 16) || kind || i % 5 == 0) &&
                          (!(mask & 32) || kind || i % 4 == 0);
            assert_int_equal(take_all(w, &q, all), wanted);
        }
    }
}

static void add_own(struct world *w, const char *trade_id, TradeState__Cause cause,
                    const char *cause_id, const char *reason) {
    TradeState *t = arena_take(w->arena, sizeof(*t));
    trade_state__init(t);
    t->terms = new_terms();
    t->trade_id = (char *)trade_id, t->signal_id = t->cause_id = (char *)cause_id,
    t->account_id = (char *)"anna";
    t->broker_id = (char *)"alpha", t->symbol = t->broker_symbol = (char *)"EURUSD",
    t->terms->order_type = SIGNAL__ORDER_TYPE__market;
    t->direction = SIGNAL__DIRECTION__close, t->state = TRADE_STATE__STATE__filled,
    t->ordered_at = t->updated_at = NS_PER_S;
    t->has_cause = true, t->cause = cause, t->reason = (char *)reason;
    rows_add_trade(w->rows, t);
}

static void an_order_that_no_signal_asked_for_has_a_reason(void **state) {
    static const char *const wanted[] = {
        "\"trade_id\":\"t-a\",\"reason\":\"command: tidy up\"",
        "\"trade_id\":\"t-b\",\"reason\":\"flatten: the desk said so\"",
        "\"trade_id\":\"t-c\",\"reason\":\"flatten\"",
        "\"trade_id\":\"t-d\",\"reason\":\"stop\"",
        "\"trade_id\":\"t-e\",\"reason\":\"no_price\"",
    };
    struct world *w = *state;
    own(buffer) out = {0};
    OrderCommand o = ORDER_COMMAND__INIT, silent = ORDER_COMMAND__INIT;
    o.command_id = (char *)"c-1", o.account_id = (char *)"anna", o.reason = (char *)"tidy up";
    silent.command_id = (char *)"c-3", silent.account_id = (char *)"anna",
    silent.reason = (char *)"";
    Command c = COMMAND__INIT;
    c.command_id = (char *)"c-2", c.reason = (char *)"the desk said so";
    rows_add(w->rows, TABLE_order_commands, &o.base);
    rows_add(w->rows, TABLE_order_commands, &silent.base);
    rows_add(w->rows, TABLE_commands, &c.base);
    add_own(w, "t-a", TRADE_STATE__CAUSE__command, "c-1", NULL);
    add_own(w, "t-b", TRADE_STATE__CAUSE__flatten, "c-2", "");
    add_own(w, "t-c", TRADE_STATE__CAUSE__flatten, "c-3", NULL);
    add_own(w, "t-d", TRADE_STATE__CAUSE__stop, "t-0", NULL);
    add_own(w, "t-e", TRADE_STATE__CAUSE__command, "c-1", "no_price");
    commit(w);
    ArchiveQuery q = ARCHIVE_QUERY__INIT;
    q.what = (char *)"trades";
    assert_true(query_answer(w->db, &q, &out));
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char id[32];
        snprintf(id, sizeof(id), "%.*s", 16, wanted[i]);
        const char *row = strstr(buffer_string(&out), id),
                   *reason = strstr(wanted[i], "\"reason\"");
        assert_non_null(row);
        const char *end = strchr(row, '}'), *found = strstr(row, reason);
        if (!found || found > end) fail_msg("%s: not in %.400s", reason, row);
    }
}

// The sum of a number over the rows of an answer.
static long sum(struct world *w, const char *by, const char *account, const char *field) {
    own(buffer) out = {0};
    const char *rows_path[] = {"rows", NULL}, *path[] = {field, NULL};
    ArchiveQuery q = ARCHIVE_QUERY__INIT;
    q.what = (char *)"performance", q.by = (char *)(uintptr_t)by,
    q.account_id = (char *)(uintptr_t)account;
    q.has_since = true, q.has_until = true, q.until = 2000 * NS_PER_S;
    if (!query_answer(w->db, &q, &out)) fail_msg("%s", buffer_string(&out));
    yajl_val answer = yajl_tree_parse(buffer_string(&out), NULL, 0),
             rows = yajl_tree_get(answer, rows_path, yajl_t_array);
    assert_non_null(rows);
    long total = 0;
    for (size_t i = 0; i < YAJL_GET_ARRAY(rows)->len; i++) {
        yajl_val v = yajl_tree_get(YAJL_GET_ARRAY(rows)->values[i], path, yajl_t_number);
        total += v ? strtol(YAJL_GET_NUMBER(v), NULL, 10) : 0;
    }
    yajl_tree_free(answer);
    return total;
}

static void what_a_time_amounted_to_is_the_same_however_it_is_divided(void **state) {
    struct world *w = *state;
    static const char *const ways[] = {NULL, "account", "broker", "day", "symbol", "strategy"};
    fill(w, 120);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        assert_int_equal(sum(w, ways[i], NULL, "orders"), 120);
        assert_int_equal(sum(w, ways[i], NULL, "rejected"), 30);
    }
    assert_int_equal(sum(w, NULL, "berta", "orders"), 24);
    assert_int_equal(sum(w, "day", "berta", "orders"), 24);
    assert_int_equal(sum(w, "symbol", "berta", "orders"), 24);
}

// Every row of an answer as "key currency orders pnl", one after the other.
static void assert_rows(struct world *w, const char *by, const char *wanted) {
    own(buffer) out = {0}, found = {0};
    const char *rows_path[] = {"rows", NULL};
    ArchiveQuery q = ARCHIVE_QUERY__INIT;
    q.what = (char *)"performance", q.by = (char *)(uintptr_t)by;
    if (!query_answer(w->db, &q, &out)) fail_msg("%s", buffer_string(&out));
    yajl_val answer = yajl_tree_parse(buffer_string(&out), NULL, 0),
             rows = yajl_tree_get(answer, rows_path, yajl_t_array);
    for (size_t i = 0; i < YAJL_GET_ARRAY(rows)->len; i++) {
        static const char *const fields[] = {"key", "currency", "orders", "pnl"};
        for (size_t f = 0; f < 4; f++) {
            yajl_val v = yajl_tree_get(YAJL_GET_ARRAY(rows)->values[i],
                                       (const char *[]){fields[f], NULL}, yajl_t_any);
            const char *text = !v                  ? "-"
                               : YAJL_IS_STRING(v) ? YAJL_GET_STRING(v)
                                                   : YAJL_GET_NUMBER(v);
            buffer_format(&found, "%s%s", f ? " " : i ? ", " : "", text);
        }
    }
    yajl_tree_free(answer);
    assert_string_equal(buffer_string(&found), wanted);
}

static void an_amount_has_one_currency_however_it_is_asked_for(void **state) {
    struct world *w = *state;
    assert_int_equal(sql_run(w->db, "INSERT INTO account_config (account_id, broker_id, currency) "
                                    "VALUES ('anna', 'alpha', 'EUR'),"
                                    " ('berta', 'alpha', NULL)"),
                     ERR_OK);
    fill(w, 120);
    assert_rows(w, NULL, "all EUR 96 0, all USD 24 0");
    assert_rows(w, "broker", "alpha EUR 96 0, alpha USD 24 0");
    assert_rows(w, "account", "anna EUR 96 0, berta USD 24 0");
    assert_rows(w, "symbol", "EURUSD EUR 48 0, EURUSD USD 12 0, GBPUSD EUR 48 0, GBPUSD USD 12 0");
    own(buffer) trades = {0};
    ArchiveQuery q = ARCHIVE_QUERY__INIT;
    q.what = (char *)"trades", q.account_id = (char *)"anna", q.limit = 1;
    assert_true(query_answer(w->db, &q, &trades));
    assert_non_null(strstr(buffer_string(&trades), "\"currency\":\"EUR\""));
    // of an account that is gone it is remembered
    assert_int_equal(sql_run(w->db, "DELETE FROM account_config"), ERR_OK);
    assert_rows(w, "symbol", "EURUSD EUR 48 0, EURUSD USD 12 0, GBPUSD EUR 48 0, GBPUSD USD 12 0");
}

static void what_is_wrong_is_said(void **state) {
    struct world *w = *state;
    static const struct {
        ArchiveQuery q;
        const char *said;
    } cases[] = {
        {{.what = (char *)"users"}, "there are no users here"},
        {{.what = (char *)"performance", .strategy = (char *)"x"},
         "it is not kept by these conditions"},
        {{.what = (char *)"failures", .strategy = (char *)"x"},
         "failures cannot be asked for by strategy"},
        {{.what = (char *)"trades", .after = (char *)"!"},
         "after is not what an earlier answer gave"},
        {{.what = (char *)"trades", .after = (char *)"YWJj"},
         "after is not what an earlier answer gave"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        own(buffer) out = {0};
        ArchiveQuery q = ARCHIVE_QUERY__INIT;
        q.what = cases[i].q.what, q.strategy = cases[i].q.strategy, q.after = cases[i].q.after;
        assert_false(query_answer(w->db, &q, &out));
        if (strncmp(buffer_string(&out), cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("%s", buffer_string(&out));
    }
}

static void a_question_that_takes_too_long_is_given_up(void **state) {
    struct world *w = *state;
    own(sql_query) *q = sql_prepare(
        w->db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n");
    bool row;
    sql_answer_within(w->db, 50);
    assert_int_equal(sql_step(q, &row), ERR_BUSY);
    sql_answer_within(w->db, 0);
    fill(w, 3);
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(pages_put_together_are_the_whole_in_order),
        TEST(what_was_there_is_in_exactly_one_page_while_rows_come_in),
        TEST(each_condition_holds),
        TEST(an_order_that_no_signal_asked_for_has_a_reason),
        TEST(what_a_time_amounted_to_is_the_same_however_it_is_divided),
        TEST(an_amount_has_one_currency_however_it_is_asked_for),
        TEST(what_is_wrong_is_said),
        TEST(a_question_that_takes_too_long_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
