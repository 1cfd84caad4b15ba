// test_block - a table's changes as blocks: in order, each once, what was taken back included, as a
// server's table has them.
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

#include "common/base/own.h"
#include "common/http/url.h"
#include "sync/clickhouse/block.h"
#include "sync/clickhouse/ddl.h"
#include "sync/copy/copy.h"
#include "sync/copy/web.h"

static const struct table_form *const failures = &table_forms[TABLE_trade_failure_log];

static sql_t *archive_of(const char *rows) {
    char why[200];
    buffer_t text = {0};
    sql_t *db = sql_open(":memory:", SQL_WRITE, why);
    assert_non_null(db);
    sql_table_of(failures->type, failures->name, "failure_id",
                 CHANGED " INTEGER NOT NULL DEFAULT 0", &text);
    assert_int_equal(sql_run(db, buffer_string(&text)), ERR_OK);
    assert_int_equal(
        sql_run(db, "CREATE TABLE removed_rows (table_name TEXT, changed INTEGER, key TEXT)"),
        ERR_OK);
    assert_int_equal(sql_run(db, rows), ERR_OK);
    buffer_destroy(&text);
    return db;
}

#define ROW(id, reason, changed)                                                                   \
    "INSERT INTO trade_failure_log (failure_id, signal_id, state, reason, failed_at, changed) "    \
    "VALUES ('" id "', 's', 'rejected', " reason ", '2025-03-22T10:15:30.123456Z', " changed ");"
#define GONE(id, changed)                                                                          \
    "INSERT INTO removed_rows VALUES ('trade_failure_log', " changed ", '" id "');"

static const char *fill(sql_t *db, struct block *b, bool micros, uint64_t after, int64_t rows) {
    struct block_form form = {.form = failures};
    for (unsigned i = 0; i < failures->type->n_fields; i++) form.micros[i] = micros;
    assert_int_equal(block_fill(b, db, &form, after, &(struct block_limits){rows, 1 << 20}),
                     ERR_OK);
    return buffer_string(&b->text);
}

static void a_row_is_a_line_with_its_number_and_nothing_is_lost_of_its_text(void **state) {
    (void)state;
    own(sql) *db = archive_of(ROW("a", "'tab\tline' || char(10) || 'back\\slash'", "7"));
    struct block b = {0};
    assert_string_equal(fill(db, &b, false, 0, 10),
                        "a\t\\N\ts\t\\N\t\\N\t\\N\trejected\ttab\\tline\\nback\\\\slash\t2025-03-"
                        "22 10:15:30.123456\t\\N\t\\N\t\\N\t7\t0\n");
    assert_int_equal(b.first, 7);
    assert_int_equal(b.last, 7);
    assert_non_null(strstr(fill(db, &b, true, 0, 10), "\t1742638530123456\t"));
    buffer_destroy(&b.text);
}

static void each_change_comes_once_and_in_order(void **state) {
    (void)state;
    own(sql) *db = archive_of(ROW("c", "NULL", "30") ROW("a", "NULL", "10") ROW("b", "NULL", "20"));
    struct block b = {0};
    fill(db, &b, false, 0, 2);
    assert_int_equal(b.rows, 2);
    assert_int_equal(b.last, 20);
    assert_true(b.more);
    assert_true(fill(db, &b, false, b.last, 2)[0] == 'c');
    assert_int_equal(b.last, 30);
    assert_false(b.more);
    fill(db, &b, false, 30, 2);
    assert_int_equal(b.rows, 0);
    buffer_destroy(&b.text);
}

static void what_was_taken_back_travels_with_the_rows_of_its_time(void **state) {
    (void)state;
    own(sql) *db =
        archive_of(ROW("a", "NULL", "10") ROW("b", "NULL", "20") GONE("x", "15") GONE("y", "25"));
    struct block b = {0};
    const char *text = fill(db, &b, false, 0, 2); // full at b: y comes with the next
    assert_int_equal(b.rows, 3);
    assert_int_equal(b.last, 20);
    assert_non_null(strstr(
        text,
        "\nx\t\\N\t\t\\N\t\\N\t\\N\t\t\\N\t1970-01-01 00:00:00.000000\t\\N\t\\N\t\\N\t15\t1\n"));
    text = fill(db, &b, false, b.last, 2);
    assert_true(text[0] == 'y');
    assert_int_equal(b.last, 25);
    buffer_destroy(&b.text);
}

static void many_taken_back_at_once_are_sent_in_pieces(void **state) {
    (void)state;
    own(sql) *db =
        archive_of(ROW("a", "NULL", "40") GONE("x", "15") GONE("y", "25") GONE("z", "35"));
    struct block b = {0};
    fill(db, &b, false, 0, 2);
    assert_int_equal(b.last, 25); // not 40: z is between
    assert_true(b.more);
    const char *text = fill(db, &b, false, b.last, 3);
    assert_non_null(strstr(text, "z\t"));
    assert_non_null(strstr(text, "a\t"));
    assert_int_equal(b.last, 40);
    assert_false(b.more);
    buffer_destroy(&b.text);
}

static void a_block_ends_at_its_bytes(void **state) {
    (void)state;
    own(sql) *db = archive_of(ROW("a", "NULL", "10") ROW("b", "NULL", "20"));
    struct block b = {0};
    struct block_form form = {.form = failures};
    assert_int_equal(block_fill(&b, db, &form, 0, &(struct block_limits){100, 10}), ERR_OK);
    assert_int_equal(b.rows, 1);
    assert_true(b.more);
    buffer_destroy(&b.text);
}

static void
a_table_is_keyed_and_versioned_so_that_what_is_sent_again_changes_nothing(void **state) {
    (void)state;
    static const struct {
        enum dialect dialect;
        const char *has[4];
    } rows[] = {
        {DDL_SINGLE,
         {"ENGINE = ReplacingMergeTree(`changed`) ORDER BY (failure_id)",
          "`failed_at` DateTime64(6, 'UTC')", "FINAL WHERE `removed` = 0"}},
        {DDL_OLD, {"`failed_at` Int64", "`changed` UInt64"}},
        {DDL_CLUSTER,
         {"ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/d/trade_failure_log', "
          "'{replica}', `changed`)",
          "Distributed('c', 'd', 'trade_failure_log_part', cityHash64(`failure_id`))",
          "ON CLUSTER 'c'"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        own(buffer) out = {0};
        ddl_file(&(struct ddl){.dialect = rows[i].dialect, .database = "d", .cluster = "c"}, &out);
        for (const char *const *has = rows[i].has; *has; has++)
            assert_non_null(strstr(buffer_string(&out), *has));
        // what is in force is not copied
        assert_null(strstr(buffer_string(&out), "account_config"));
    }
}

static void waiting_doubles_up_to_a_bound_and_no_two_wait_alike(void **state) {
    (void)state;
    static const struct {
        unsigned n;
        uint32_t chance;
        int64_t ms;
    } rows[] = {{1, 0, 50},    {1, 50, 100}, {2, 0, 100},         {3, 0, 200},
                {3, 200, 400}, {10, 0, 500}, {1000000, 500, 1000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(copy_backoff_ms(rows[i].n, 100, 1000, rows[i].chance), rows[i].ms);
}

static void a_secret_travels_over_https_or_stays_here(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool private;
    } rows[] = {
        {"https://ch.example/", true},     {"http://ch.example/", false},
        {"http://127.0.0.1:8123", true},   {"http://localhost/x", true},
        {"http://[::1]:1", true},          {"http://127.0.0.1.evil.example/", false},
        {"http://localhost@evil/", false}, {"ftp://localhost/", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(url_is_private(rows[i].url), rows[i].private);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_a_line_with_its_number_and_nothing_is_lost_of_its_text),
        cmocka_unit_test(each_change_comes_once_and_in_order),
        cmocka_unit_test(what_was_taken_back_travels_with_the_rows_of_its_time),
        cmocka_unit_test(many_taken_back_at_once_are_sent_in_pieces),
        cmocka_unit_test(a_block_ends_at_its_bytes),
        cmocka_unit_test(a_table_is_keyed_and_versioned_so_that_what_is_sent_again_changes_nothing),
        cmocka_unit_test(waiting_doubles_up_to_a_bound_and_no_two_wait_alike),
        cmocka_unit_test(a_secret_travels_over_https_or_stays_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
