// test_chain - what was changed, removed or put in since it was written shows, and nothing else
// does.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <sodium.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "order.pb-c.h"
#include "services/archiver/chain/check.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"
#include "system.pb-c.h"
#include "tests/unit/common/generated.h"
#include "tests/unit/terms.h"

#define DAY_NS (UINT64_C(86400) * NS_PER_S)

struct world {
    char folder[64], path[96];
    sql_t *db;
    rows_t *rows;
    arena_t *arena;
    buffer_t found; // "what table key; …"
    struct chain_sum sum;
    struct chain_day days[8];
    size_t n_days;
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
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_chain.XXXXXX");
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
    buffer_destroy(&w->found);
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

static void add_signal(struct world *w, const char *id, const char *symbol) {
    Signal *s = arena_take(w->arena, sizeof(*s));
    signal__init(s);
    s->signal_id = arena_text(w->arena, id), s->source = (char *)"tv",
    s->symbol = arena_text(w->arena, symbol);
    s->order_type = SIGNAL__ORDER_TYPE__market, s->direction = SIGNAL__DIRECTION__sell,
    s->created_at = NS_PER_S;
    s->status = SIGNAL__STATUS__pending;
    rows_add(w->rows, TABLE_signals, &signal_row(s, w->arena)->base);
}

static TradeState *trade(struct world *w, const char *id, TradeState__State state,
                         uint64_t updated_at) {
    TradeState *t = arena_take(w->arena, sizeof(*t));
    trade_state__init(t);
    t->terms = new_terms();
    t->trade_id = arena_text(w->arena, id), t->signal_id = (char *)"s1",
    t->account_id = (char *)"anna";
    t->broker_id = (char *)"alpha", t->symbol = t->broker_symbol = (char *)"EURUSD",
    t->terms->order_type = SIGNAL__ORDER_TYPE__market;
    t->direction = SIGNAL__DIRECTION__buy, t->state = state, t->updated_at = updated_at;
    rows_add_trade(w->rows, t);
    return t;
}

static void hear(void *arg, const struct chain_fault *f) {
    struct world *w = arg;
    buffer_format(&w->found, "%s %s %s; ", f->what, f->table ? f->table : "chain",
                  f->key ? f->key : "-");
}

static void hear_day(void *arg, const struct chain_day *day) {
    struct world *w = arg;
    if (w->n_days < 8) w->days[w->n_days++] = *day;
}

static const char *check(struct world *w) {
    struct chain_look look = {w, hear, hear_day};
    buffer_clear(&w->found);
    w->n_days = 0;
    assert_int_equal(chain_check(w->db, &look, &w->sum), ERR_OK);
    return buffer_string(&w->found);
}

// Three batches: signals, a trade that moves on, a failure that is none after all.
static void fill(struct world *w) {
    add_signal(w, "s1", "EURUSD");
    add_signal(w, "s2", "GBPUSD");
    commit(w);
    trade(w, "01934f00-0000-8000-8000-0000000000aa", TRADE_STATE__STATE__submitting, 1);
    trade(w, "t2", TRADE_STATE__STATE__rejected, 1);
    commit(w);
    trade(w, "01934f00-0000-8000-8000-0000000000aa", TRADE_STATE__STATE__filled, 2);
    trade(w, "t2", TRADE_STATE__STATE__filled, 2);
    commit(w);
}

static void an_archive_as_it_was_written_is_sound(void **state) {
    struct world *w = *state;
    assert_string_equal(check(w), "");
    fill(w);
    assert_string_equal(check(w), "");
    assert_int_equal(w->sum.batches, 3);
    // 2 signals; 2 trades and a failure; 2 trades and the failure gone
    assert_int_equal(w->sum.rows, 8);
    close_world(w);
    open_world(w);
    add_signal(w, "s3", "EURUSD");
    commit(w);
    assert_string_equal(check(w), "");
}

#define SWAP                                                                                       \
    "UPDATE signals SET signal_id = 'x' WHERE signal_id = 's1'; UPDATE signals SET signal_id = "   \
    "'s1' WHERE signal_id = 's2';"                                                                 \
    "UPDATE signals SET signal_id = 's2' WHERE signal_id = 'x'"

static void every_kind_of_tampering_shows_and_where(void **state) {
    struct world *w = *state;
    static const struct {
        const char *tamper, *mend, *found;
    } cases[] = {
        {"UPDATE signals SET symbol = 'XAUUSD' WHERE signal_id = 's2'",
         "UPDATE signals SET symbol = 'GBPUSD' WHERE signal_id = 's2'", "changed signals s2; "},
        {"UPDATE signals SET sha256 = '00' || substr(sha256, 3) WHERE signal_id = 's1'", NULL,
         "changed signals s1; "},
        {"UPDATE trades SET lot_size = '1' WHERE trade_id LIKE '%aa'",
         "UPDATE trades SET lot_size = NULL WHERE trade_id LIKE '%aa'",
         "changed trades 01934f00-0000-8000-8000-0000000000aa; "},
        {"UPDATE trades SET state = 'submitting', updated_at = '1970-01-01T00:00:00.000000Z' WHERE "
         "trade_id = 't2'",
         "UPDATE trades SET state = 'filled', updated_at = '1970-01-01T00:00:00.000000Z' WHERE "
         "trade_id = 't2'",
         "changed trades t2; "},
        {SWAP, SWAP, "changed signals s2; changed signals s1; "},
        {"CREATE TEMP TABLE kept AS SELECT * FROM trades WHERE trade_id = 't2'; DELETE FROM trades "
         "WHERE trade_id = 't2'",
         "INSERT INTO trades SELECT * FROM kept; DROP TABLE kept", "removed trades t2; "},
        {"INSERT INTO trade_failure_log (failure_id, signal_id, state, failed_at) VALUES ('t2', "
         "'s1', 'rejected', 'now')",
         "DELETE FROM trade_failure_log", "inserted trade_failure_log t2; "},
        {"INSERT INTO alert_log (alert_id, service, severity, code, text, created_at) VALUES "
         "('a1', 'router', 'info', 'x', 'y', 'z')",
         "DELETE FROM alert_log", "inserted alert_log a1; "},
    };
    fill(w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (sql_run(w->db, cases[i].tamper))
            fail_msg("%s: %s", cases[i].tamper, sql_trouble(w->db));
        const char *found = check(w);
        // Two that were swapped are told in the table's order, whichever that is.
        if (strlen(found) != strlen(cases[i].found) ||
            (i != 4 && strcmp(found, cases[i].found) != 0))
            fail_msg("%s: found \"%s\" instead of \"%s\"", cases[i].tamper, found, cases[i].found);
        if (cases[i].mend)
            assert_int_equal(sql_run(w->db, cases[i].mend), ERR_OK);
        else {
            close_world(w);
            unlink(w->path);
            open_world(w);
            fill(w);
        }
        assert_string_equal(check(w), "");
    }
}

static void what_other_messages_fill_in_later_is_no_tampering(void **state) {
    struct world *w = *state;
    fill(w);
    assert_int_equal(sql_run(w->db, "UPDATE signals SET status = 'completed', outcome = 'win', "
                                    "exit_price = '1.2', order_id = 't1'"),
                     ERR_OK);
    assert_string_equal(check(w), "");
}

static void tampering_with_the_chain_itself_shows(void **state) {
    struct world *w = *state;
    static const struct {
        const char *tamper, *found;
    } cases[] = {
        {"UPDATE chain SET at = '1999-01-01T00:00:00.000000Z' WHERE batch = 1", "broken"},
        {"UPDATE chain SET entries = zeroblob(length(entries)) WHERE batch = 2", "broken"},
        {"UPDATE chain SET hash = zeroblob(32) WHERE batch = 3", "broken"},
        {"UPDATE chain SET rows = rows + 1 WHERE batch = 3", "broken"},
        {"DELETE FROM chain WHERE batch = 2", "removed"},
        {"DELETE FROM chain WHERE batch = 1", "removed"},
        {"UPDATE chain SET batch = batch + 10 WHERE batch = 3; UPDATE chain SET batch = 3 WHERE "
         "batch = 2; UPDATE chain SET batch = 2 WHERE"
         " batch = 13",
         "broken"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fill(w);
        assert_string_equal(check(w), "");
        assert_int_equal(sql_run(w->db, cases[i].tamper), ERR_OK);
        if (!strstr(check(w), cases[i].found))
            fail_msg("%s: found \"%s\"", cases[i].tamper, buffer_string(&w->found));
        close_world(w);
        unlink(w->path);
        open_world(w);
    }
}

static void a_batch_that_is_tried_again_is_chained_once(void **state) {
    struct world *w = *state;
    add_signal(w, "s1", "EURUSD");
    assert_int_equal(sql_begin(w->db), ERR_OK);
    assert_int_equal(rows_write_queued(w->rows), ERR_OK);
    sql_rollback(w->db); // the disk was full
    commit(w);
    assert_string_equal(check(w), "");
    assert_int_equal(w->sum.batches, 1);
    assert_int_equal(w->sum.rows, 1);
}

static void rows_from_before_the_chain_are_taken_in(void **state) {
    struct world *w = *state;
    fill(w);
    assert_int_equal(sql_run(w->db, "DELETE FROM chain"), ERR_OK);
    assert_string_not_equal(check(w), "");
    close_world(w);
    open_world(w);
    assert_int_equal(chain_adopt(rows_chain(w->rows)), ERR_OK);
    assert_string_equal(check(w), "");
    assert_int_equal(chain_adopt(rows_chain(w->rows)), ERR_OK); // and no second time
    assert_int_equal(w->sum.rows, 4);
}

static void a_day_ends_with_its_hash_and_the_next_goes_on_from_it(void **state) {
    struct world *w = *state;
    chain_t *chain = rows_chain(w->rows);
    Alert a = ALERT__INIT;
    char id[8];
    a.service = (char *)"router", a.severity = ALERT__SEVERITY__info, a.code = a.text = (char *)"x",
    a.alert_id = id;
    own(sql_query) *put =
        sql_prepare_upsert(w->db, &alert__descriptor, "alert_log", "alert_id", true);
    for (unsigned i = 0; i < 6; i++) { // two a day; the clock goes back once
        snprintf(id, sizeof(id), "a%u", i);
        assert_int_equal(sql_begin(w->db), ERR_OK);
        chain_begin(chain);
        assert_int_equal(sql_upsert(put, &a.base), ERR_OK);
        chain_add(chain, TABLE_alert_log, &a.base);
        assert_int_equal(
            chain_write(chain, i == 3 ? 100 * DAY_NS : (100 + i / 2) * DAY_NS + i * NS_PER_S),
            ERR_OK);
        assert_int_equal(sql_commit(w->db), ERR_OK);
        chain_committed(chain);
    }
    assert_string_equal(check(w), "");
    assert_int_equal(w->n_days, 3);
    assert_string_equal(w->days[0].day, "1970-04-11");
    assert_true(w->days[0].over && w->days[1].over && !w->days[2].over);
    assert_int_equal(w->days[1].rows, 2);
    assert_int_equal(
        sql_run(w->db, "UPDATE chain_day SET hash = zeroblob(32) WHERE day = '1970-04-12'"),
        ERR_OK);
    assert_non_null(strstr(check(w), "broken"));
    assert_int_equal(sql_run(w->db, "DELETE FROM chain_day WHERE day = '1970-04-12'"), ERR_OK);
    assert_non_null(strstr(check(w), "removed"));
}

// The canonical form is the same from the message that is written and from the row that is read,
// whatever is in it.
static void a_row_read_back_has_the_same_canonical_form(void **state) {
    struct world *w = *state;
    struct dice dice = {42};
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        own(buffer) select = {0};
        if (!canon_cover[t].code) continue;
        canon_select(w->db, (enum table_name)t, &select);
        for (unsigned i = 0; i < 40; i++) {
            own(buffer) written = {0}, key = {0}, read = {0}, read_key = {0}, scratch = {0},
                        empty = {0};
            buffer_format(&empty, "DELETE FROM \"%s\"", table_forms[t].name);
            assert_int_equal(sql_run(w->db, buffer_string(&empty)), ERR_OK);
            ProtobufCMessage *m = generated(table_forms[t].type, &dice, 60, w->arena);
            own(sql_query) *put = sql_prepare_upsert(w->db, table_forms[t].type,
                                                     table_forms[t].name, table_forms[t].key, true);
            assert_int_equal(sql_upsert(put, m), ERR_OK);
            canon_of_message((enum table_name)t, m, &scratch, &written);
            canon_key_of_message((enum table_name)t, m, &scratch, &key);
            own(sql_query) *q = sql_prepare(w->db, buffer_string(&select));
            bool row = false;
            assert_int_equal(sql_step(q, &row), ERR_OK);
            assert_true(row);
            canon_of_columns((enum table_name)t, q, &read);
            canon_key_of_columns((enum table_name)t, q, &read_key);
            assert_string_equal(buffer_string(&read), buffer_string(&written));
            assert_string_equal(buffer_string(&read_key), buffer_string(&key));
        }
    }
}

// What a newer program added is a column or a table that the older one did not have.
static void an_archive_of_an_older_program_is_sound(void **state) {
    struct world *w = *state;
    fill(w);
    assert_int_equal(
        sql_run(w->db, "ALTER TABLE trades DROP COLUMN close_trade_id; DROP TABLE risk_config"),
        ERR_OK);
    assert_string_equal(check(w), "");
    assert_int_equal(sql_run(w->db, "UPDATE trades SET symbol = 'GBPUSD' WHERE trade_id = 't2'"),
                     ERR_OK);
    assert_string_equal(check(w), "changed trades t2; ");
}

static void every_table_is_covered_or_said_not_to_be(void **state) {
    (void)state;
    bool taken[256] = {0};
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        unsigned char code = canon_cover[t].code;
        enum table_name back;
        if (!canon_cover[t].left_out)
            fail_msg("canon.c does not say whether %s is covered", table_forms[t].name);
        if (!code) continue;
        assert_false(taken[code]);
        taken[code] = true;
        assert_true(canon_table(code, &back));
        assert_int_equal(back, t);
    }
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_archive_as_it_was_written_is_sound),
        TEST(every_kind_of_tampering_shows_and_where),
        TEST(what_other_messages_fill_in_later_is_no_tampering),
        TEST(tampering_with_the_chain_itself_shows),
        TEST(a_batch_that_is_tried_again_is_chained_once),
        TEST(rows_from_before_the_chain_are_taken_in),
        TEST(a_day_ends_with_its_hash_and_the_next_goes_on_from_it),
        TEST(a_row_read_back_has_the_same_canonical_form),
        TEST(an_archive_of_an_older_program_is_sound),
        cmocka_unit_test(every_table_is_covered_or_said_not_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
