// test_sql - a transaction is whole or not there, also when the disk is full; damage is seen;
// tables follow their messages.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// cmocka wants the first four above it
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "common/sql/sql.h"
#include "execution.pb-c.h"
#include "outcome.pb-c.h"
#include "system.pb-c.h"

struct world {
    char folder[64], path[96];
    sql_t *db;
};

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    char why[200];
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_sql.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof(w->path), "%s/a.db", w->folder);
    w->db = sql_open(w->path, SQL_WRITE, why);
    assert_non_null(w->db);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    sql_destroy(&w->db);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static int64_t number(sql_t *db, const char *query) {
    own(sql_query) *q = sql_prepare(db, query);
    bool row;
    assert_non_null(q);
    assert_int_equal(sql_step(q, &row), ERR_OK);
    assert_true(row);
    return sql_integer(q, 0);
}

static void it_writes_ahead_and_flushes_fully(void **state) {
    struct world *w = *state;
    own(sql_query) *q = sql_prepare(w->db, "PRAGMA journal_mode");
    bool row;
    assert_int_equal(sql_step(q, &row), ERR_OK);
    assert_string_equal(sql_text(q, 0), "wal");
    assert_int_equal(number(w->db, "PRAGMA synchronous"), 2);
    assert_int_equal(number(w->db, "PRAGMA foreign_keys"), 1);
}

static void a_place_that_cannot_be_opened_is_named(void **state) {
    (void)state;
    char why[200] = "";
    assert_null(sql_open("/nowhere/at/all.db", SQL_WRITE, why));
    assert_non_null(strstr(why, "/nowhere/at/all.db"));
}

static void a_reader_cannot_write(void **state) {
    struct world *w = *state;
    char why[200];
    assert_int_equal(sql_run(w->db, "CREATE TABLE t (a)"), ERR_OK);
    own(sql) *reader = sql_open(w->path, SQL_READ, why);
    assert_non_null(reader);
    assert_int_equal(number(reader, "SELECT count(*) FROM t"), 0);
    assert_int_equal(sql_run(reader, "INSERT INTO t VALUES (1)"), ERR_DISK);
}

// One batch as the archiver writes it; stops at the first error.
static err_t write_batch(sql_t *db, sql_query_t *insert, int64_t from, int64_t to) {
    static const char filler[] = "01234567890123456789012345678901234567890123456789012345678901234"
                                 "56789012345678901234567890123456789";
    err_t e = sql_begin(db);
    for (int64_t i = from; !e && i < to; i++) {
        sql_bind_integer(insert, 1, i);
        sql_bind_text(insert, 2, filler);
        e = sql_execute(insert);
    }
    if (!e) return sql_commit(db);
    sql_rollback(db);
    return e;
}

static void a_full_disk_leaves_nothing_half_done_and_a_retry_works(void **state) {
    struct world *w = *state;
    assert_int_equal(sql_run(w->db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"), ERR_OK);
    own(sql_query) *insert =
        sql_prepare(w->db, "INSERT INTO t VALUES (?1, ?2) ON CONFLICT(a) DO NOTHING");
    assert_int_equal(write_batch(w->db, insert, 0, 10), ERR_OK);
    assert_int_equal(sql_run(w->db, "PRAGMA max_page_count=20"), ERR_OK);
    assert_int_equal(write_batch(w->db, insert, 10, 5000), ERR_DISK);
    assert_non_null(strstr(sql_trouble(w->db), "full"));
    assert_int_equal(number(w->db, "SELECT count(*) FROM t"), 10);
    assert_int_equal(write_batch(w->db, insert, 10, 5000), ERR_DISK); // still full
    assert_int_equal(number(w->db, "SELECT count(*) FROM t"), 10);
    assert_int_equal(sql_run(w->db, "PRAGMA max_page_count=100000"), ERR_OK);
    assert_int_equal(write_batch(w->db, insert, 10, 5000), ERR_OK);
    assert_int_equal(number(w->db, "SELECT count(*) FROM t"), 5000);
}

static void a_commit_without_its_transaction_is_an_error(void **state) {
    struct world *w = *state;
    assert_int_equal(sql_commit(w->db), ERR_DISK);
    sql_rollback(w->db); // harmless
}

static void a_locked_database_is_tried_again_later(void **state) {
    struct world *w = *state;
    char why[200];
    own(sql) *other = sql_open(w->path, SQL_WRITE, why);
    assert_int_equal(sql_run(w->db, "PRAGMA busy_timeout=1"), ERR_OK);
    assert_int_equal(sql_begin(other), ERR_OK);
    assert_int_equal(sql_begin(w->db), ERR_DISK);
    sql_rollback(other);
    assert_int_equal(sql_begin(w->db), ERR_OK);
    sql_rollback(w->db);
}

static void a_migration_runs_once_and_in_order(void **state) {
    struct world *w = *state;
    const char *const steps[] = {"CREATE TABLE a (x)",
                                 "ALTER TABLE a ADD COLUMN y; CREATE TABLE b (z)"};
    assert_int_equal(sql_migrate(w->db, steps, 1), ERR_OK);
    assert_int_equal(number(w->db, "PRAGMA user_version"), 1);
    assert_int_equal(sql_migrate(w->db, steps, 2), ERR_OK);
    assert_int_equal(sql_migrate(w->db, steps, 2), ERR_OK);
    assert_int_equal(number(w->db, "PRAGMA user_version"), 2);
    assert_int_equal(sql_migrate(w->db, steps, 1), ERR_CONFIG); // an older program
    assert_non_null(strstr(sql_trouble(w->db), "newer"));
}

static void a_migration_that_fails_leaves_the_version_before_it(void **state) {
    struct world *w = *state;
    const char *const steps[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"};
    assert_int_equal(sql_migrate(w->db, steps, 2), ERR_CONFIG);
    assert_int_equal(number(w->db, "PRAGMA user_version"), 1);
    assert_int_equal(number(w->db, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void a_table_gets_the_columns_that_its_message_has_gained(void **state) {
    struct world *w = *state;
    const ProtobufCMessageDescriptor *d = &trade_reconciliation__descriptor;
    assert_int_equal(sql_run(w->db, "CREATE TABLE r (trade_id TEXT NOT NULL PRIMARY KEY, "
                                    "reconciliation_status TEXT NOT NULL)"),
                     ERR_OK);
    assert_int_equal(sql_run(w->db, "INSERT INTO r VALUES ('old', 'success')"), ERR_OK);
    assert_int_equal(sql_table_sync(w->db, d, "r", "trade_id", NULL), ERR_OK);
    assert_int_equal(sql_table_sync(w->db, d, "r", "trade_id", NULL), ERR_OK);
    assert_int_equal(
        number(w->db, "SELECT count(*) FROM r WHERE discrepancy IS NULL AND reconciled_at IS NULL"),
        1);
    own(sql_query) *upsert = sql_prepare_upsert(w->db, d, "r", "trade_id", true);
    TradeReconciliation r = TRADE_RECONCILIATION__INIT;
    r.trade_id = (char *)"new", r.reconciliation_status = TRADE_RECONCILIATION__STATUS__failed,
    r.reconciled_at = 1000;
    assert_int_equal(sql_upsert(upsert, &r.base), ERR_OK);
    assert_int_equal(number(w->db, "SELECT count(*) FROM r"), 2);
}

static SystemEvent event(const char *id, uint64_t at) {
    SystemEvent e = SYSTEM_EVENT__INIT;
    e.event_id = (char *)id, e.service = (char *)"router", e.event = (char *)"start",
    e.created_at = at;
    return e;
}

static void an_upsert_replaces_and_an_insert_keeps(void **state) {
    struct world *w = *state;
    const ProtobufCMessageDescriptor *d = &system_event__descriptor;
    assert_int_equal(sql_table_sync(w->db, d, "e", "event_id", NULL), ERR_OK);
    own(sql_query) *keep = sql_prepare_upsert(w->db, d, "e", "event_id", false);
    own(sql_query) *replace = sql_prepare_upsert(w->db, d, "e", "event_id", true);
    own(sql_query) *latest = sql_prepare_put(
        w->db,
        &(struct put_form){
            .type = d, .table = "e", .key = "event_id", .update = true, .newer_by = "created_at"});
    SystemEvent first = event("1", 5 * NS_PER_S), half = event("1", 5 * NS_PER_S + NS_PER_MS),
                early = event("1", NS_PER_S);
    assert_int_equal(sql_upsert(keep, &first.base), ERR_OK);
    assert_int_equal(sql_upsert(keep, &early.base), ERR_OK);
    assert_int_equal(
        number(w->db, "SELECT count(*) FROM e WHERE created_at='1970-01-01T00:00:05.000000Z'"), 1);
    assert_int_equal(sql_upsert(latest, &half.base), ERR_OK);
    // "05.001Z" is later than "05Z" although it sorts before it
    assert_int_equal(sql_upsert(latest, &first.base), ERR_OK);
    assert_int_equal(
        number(w->db, "SELECT count(*) FROM e WHERE created_at='1970-01-01T00:00:05.001000Z'"), 1);
    assert_int_equal(sql_upsert(replace, &early.base), ERR_OK);
    assert_int_equal(
        number(w->db, "SELECT count(*) FROM e WHERE created_at='1970-01-01T00:00:01.000000Z'"), 1);
}

static void scribble(const char *path, long at) {
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    for (int i = 0; i < 600; i++) fputc(0xA5, f);
    assert_int_equal(fclose(f), 0);
}

static void damage_is_seen(void **state) {
    struct world *w = *state;
    char why[200] = "";
    assert_int_equal(sql_check("/tmp/there/is/none.db", 1 << 30, why), ERR_OK);
    assert_int_equal(sql_run(w->db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"), ERR_OK);
    own(sql_query) *insert = sql_prepare(w->db, "INSERT INTO t VALUES (?1, ?2)");
    assert_int_equal(write_batch(w->db, insert, 0, 5000), ERR_OK);
    sql_query_destroy(&insert);
    sql_destroy(&w->db);
    assert_int_equal(sql_check(w->path, 1 << 30, why), ERR_OK);
    scribble(w->path, 40960);
    assert_int_equal(sql_check(w->path, 1 << 30, why), ERR_INPUT);
    assert_int_equal(sql_check(w->path, 0, why), ERR_OK); // too large to look at whole
    scribble(w->path, 0);
    assert_int_equal(sql_check(w->path, 0, why), ERR_INPUT);
    assert_true(why[0] != 0);
}

static void a_time_is_kept_so_that_texts_sort(void **state) {
    struct world *w = *state;
    own(sql_query) *q = sql_prepare(w->db, "SELECT ?1, ?2, ?3, ?4");
    bool row;
    sql_bind_time(q, 1, UINT64_C(1742638530) * NS_PER_S);
    sql_bind_time(q, 2, UINT64_C(1742638530) * NS_PER_S + 123456789);
    sql_bind_decimal(q, 3, D(-5000));
    sql_bind_text(q, 4, NULL);
    assert_int_equal(sql_step(q, &row), ERR_OK);
    assert_string_equal(sql_text(q, 0), "2025-03-22T10:15:30.000000Z");
    assert_string_equal(sql_text(q, 1), "2025-03-22T10:15:30.123456Z");
    assert_string_equal(sql_text(q, 2), "-0.00005");
    assert_null(sql_text(q, 3));
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(it_writes_ahead_and_flushes_fully),
        TEST(a_place_that_cannot_be_opened_is_named),
        TEST(a_reader_cannot_write),
        TEST(a_full_disk_leaves_nothing_half_done_and_a_retry_works),
        TEST(a_commit_without_its_transaction_is_an_error),
        TEST(a_locked_database_is_tried_again_later),
        TEST(a_migration_runs_once_and_in_order),
        TEST(a_migration_that_fails_leaves_the_version_before_it),
        TEST(a_table_gets_the_columns_that_its_message_has_gained),
        TEST(an_upsert_replaces_and_an_insert_keeps),
        TEST(damage_is_seen),
        TEST(a_time_is_kept_so_that_texts_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
