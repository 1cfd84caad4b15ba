// test_audit - signals.log has every archived signal as one line, once, whenever the process is
// killed.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/clock.h"
#include "common/base/own.h"
#include "services/archiver/audit/audit.h"
#include "services/archiver/audit/files.h"
#include "services/archiver/rows/database.h"
#include "services/archiver/rows/rows.h"
#include "services/archiver/rows/signals.h"

#define ROWS_MAX 4000
#define SMALL    4096 // bytes: a file is closed after a dozen lines

struct world {
    char folder[64], path[96], log[96];
    sql_t *db;
    rows_t *rows;
    arena_t *arena;
    unsigned n; // rows so far
};

static void open_archive(struct world *w) {
    char notice[400] = "";
    w->db = database_open(w->path, 1 << 30, notice, sizeof(notice));
    assert_non_null(w->db);
    w->rows = rows_new(w->db);
    assert_non_null(w->rows);
}

static void close_archive(struct world *w) {
    rows_destroy(&w->rows);
    sql_destroy(&w->db);
}

static int set_up(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    snprintf(w->folder, sizeof(w->folder), "/tmp/test_audit.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof(w->path), "%s/archive.db", w->folder);
    snprintf(w->log, sizeof(w->log), "%s/signals.log", w->folder);
    w->arena = arena_new(0);
    open_archive(w);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    close_archive(w);
    arena_destroy(&w->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void add(struct world *w, unsigned count, uint64_t created_at) {
    assert_int_equal(sql_begin(w->db), ERR_OK);
    for (unsigned i = 0; i < count; i++) {
        Signal *s = arena_take(w->arena, sizeof(*s));
        signal__init(s);
        s->signal_id = arena_format(w->arena, "s%u", w->n++);
        s->source = (char *)"tv", s->symbol = (char *)"EURUSD",
        s->order_type = SIGNAL__ORDER_TYPE__market;
        s->direction = SIGNAL__DIRECTION__sell, s->created_at = created_at,
        s->status = SIGNAL__STATUS__pending;
        s->reasoning = (char *)"a \"quoted\"\nline of a \xe2\x82\xac";
        rows_add(w->rows, TABLE_signals, &signal_row(s, w->arena)->base);
    }
    assert_int_equal(rows_write_queued(w->rows), ERR_OK);
    assert_int_equal(sql_commit(w->db), ERR_OK);
    rows_committed(w->rows);
    rows_clear(w->rows);
}

static audit_t *open_log(struct world *w, bool foreign) {
    char why[200] = "";
    audit_t *a = audit_new(&(struct audit_options){w->path, w->log, SMALL}, w->db, foreign, why);
    if (!a) fail_msg("%s", why);
    return a;
}

static void tell_mark(struct world *w, audit_t *a) {
    assert_int_equal(sql_begin(w->db), ERR_OK);
    assert_int_equal(audit_write_mark(a), ERR_OK);
    assert_int_equal(sql_commit(w->db), ERR_OK);
    audit_committed(a);
}

static void follow(struct world *w, audit_t *a) {
    bool more = true;
    while (more) {
        assert_int_equal(audit_step(a, 7, &more), ERR_OK);
        tell_mark(w, a);
    }
}

static void follow_to_the_end(struct world *w, bool foreign) {
    audit_t *a = open_log(w, foreign);
    follow(w, a);
    audit_destroy(&a);
}

// What the files have: how often each id, and how many files are closed, compressed, orphans.
struct tally {
    unsigned lines[ROWS_MAX], closed, orphans, torn, parts;
};

static void read_file(const char *path, struct tally *t) {
    char line[4096];
    gzFile f = gzopen(path, "rb"); // reads what is not compressed, too
    assert_non_null(f);
    while (gzgets(f, line, sizeof(line))) {
        unsigned n;
        size_t length = strlen(line);
        bool whole = length > 2 && strcmp(line + length - 2, "}\n") == 0 &&
                     sscanf(line, "{\"signal_id\":\"s%u\",", &n) == 1;
        if (!whole || n >= ROWS_MAX)
            t->torn++;
        else
            t->lines[n]++;
    }
    gzclose(f);
}

static struct tally look(struct world *w) {
    struct tally t = {0};
    DIR *dir = opendir(w->folder);
    for (const struct dirent *e; (e = readdir(dir));) {
        char path[512];
        if (strncmp(e->d_name, "signals", 7) != 0) continue;
        snprintf(path, sizeof(path), "%s/%s", w->folder, e->d_name);
        if (strstr(e->d_name, ".part"))
            t.parts++;
        else if (strstr(e->d_name, "orphan"))
            t.orphans++;
        else
            read_file(path, &t), t.closed += strstr(e->d_name, ".gz") != NULL;
    }
    closedir(dir);
    return t;
}

static void expect_each_once(struct world *w, const char *when) {
    struct tally t = look(w);
    if (t.torn || t.parts)
        fail_msg("%s: %u torn lines, %u files half compressed", when, t.torn, t.parts);
    for (unsigned i = 0; i < w->n; i++)
        if (t.lines[i] != 1) fail_msg("%s: s%u of %u is there %u times", when, i, w->n, t.lines[i]);
}

static void every_signal_is_one_line_and_files_are_closed_by_size_and_day(void **state) {
    struct world *w = *state;
    add(w, 100, NS_PER_S);
    follow_to_the_end(w, false);
    expect_each_once(w, "by size");
    unsigned by_size = look(w).closed;
    assert_true(by_size > 3);
    add(w, 1, 86400 * NS_PER_S + 1);
    add(w, 1, 2 * 86400 * NS_PER_S + 1);
    add(w, 1, 86400 * NS_PER_S + 1); // late: it stays with the day that has begun
    follow_to_the_end(w, false);
    expect_each_once(w, "by day");
    assert_int_equal(look(w).closed, by_size + 2);
}

static void a_line_is_the_signal_as_it_came_whatever_became_of_it(void **state) {
    struct world *w = *state;
    char line[2048];
    add(w, 1, NS_PER_S);
    assert_int_equal(sql_run(w->db, "UPDATE signals SET status = 'completed', outcome = 'win', "
                                    "exit_price = '1', order_id = 'o'"),
                     ERR_OK);
    follow_to_the_end(w, false);
    FILE *f = fopen(w->log, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    fclose(f);
    assert_non_null(strstr(line, "\"status\":\"pending\""));
    assert_null(strstr(line, "outcome"));
    assert_null(strstr(line, "order_id"));
}

// Follows in a child that is killed at the n-th passing of the point, or gets to the end. True: it
// was killed.
static bool killed_at(struct world *w, const char *point, unsigned n) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char plan[80];
        snprintf(plan, sizeof(plan), "%s:%u", point, n);
        setenv("TRADECAST_FAIL", plan, 1);
        open_archive(w); // not the parent's connection
        follow_to_the_end(w, false);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void no_line_is_torn_missing_or_double_wherever_it_is_killed(void **state) {
    struct world *w = *state;
    static const char *const points[] = {
        "audit.before_write", "audit.in_write",    "audit.after_write",  "audit.before_rename",
        "audit.after_rename", "audit.in_compress", "audit.before_unlink"};
    unsigned kills = 0;
    for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++) {
        for (unsigned n = 1; n <= 4; n++) {
            char when[80];
            add(w, 40, (1 + p) * 86400 * NS_PER_S);
            close_archive(w);
            kills += killed_at(w, points[p], n);
            open_archive(w);
            snprintf(when, sizeof(when), "%s:%u", points[p], n);
            if (n % 2) add(w, 5, (1 + p) * 86400 * NS_PER_S);
            close_archive(w);
            assert_false(killed_at(w, "nowhere", 1));
            open_archive(w);
            expect_each_once(w, when);
        }
    }
    assert_true(kills > 24);
}

static void what_was_not_on_disk_when_the_power_went_is_written_again(void **state) {
    struct world *w = *state;
    audit_t *a = open_log(w, false);
    bool more;
    add(w, 10, NS_PER_S);
    follow(w, a);
    add(w, 3, NS_PER_S);
    assert_int_equal(audit_step(a, 100, &more), ERR_OK);
    audit_destroy(&a);
    FILE *f = fopen(w->log, "r+"); // zeros where lines were, and one torn
    fseek(f, -700, SEEK_END);
    for (unsigned i = 0; i < 500; i++) fputc(0, f);
    fclose(f);
    assert_int_equal(truncate(w->log, 0), 0); // or nothing at all
    follow_to_the_end(w, false);
    expect_each_once(w, "after the power came back");
}

static void the_log_of_another_archive_is_put_aside_not_lost(void **state) {
    struct world *w = *state;
    add(w, 60, NS_PER_S);
    follow_to_the_end(w, false);
    close_archive(w);
    assert_int_equal(unlink(w->path), 0);
    open_archive(w); // a new file: it was damaged, say
    w->n = 0;
    add(w, 20, NS_PER_S);
    follow_to_the_end(w, false);
    expect_each_once(w, "a new archive");
    assert_true(look(w).orphans >= 2);
}

static void a_restored_archive_writes_what_it_has_and_keeps_what_it_has_not(void **state) {
    struct world *w = *state;
    char command[256];
    add(w, 60, NS_PER_S);
    follow_to_the_end(w, false);
    snprintf(command, sizeof(command), "cp %s %s.kept", w->path, w->path);
    assert_int_equal(sql_run(w->db, "PRAGMA wal_checkpoint(TRUNCATE)"), ERR_OK);
    assert_int_equal(system(command), 0);
    add(w, 60, NS_PER_S);
    follow_to_the_end(w, false);
    close_archive(w);
    snprintf(command, sizeof(command), "mv %s.kept %s", w->path, w->path);
    assert_int_equal(system(command), 0);
    open_archive(w);
    w->n = 60;
    follow_to_the_end(w, true);
    expect_each_once(w, "restored");
    assert_true(look(w).orphans >= 2);
    add(w, 30, NS_PER_S);
    follow_to_the_end(w, false);
    expect_each_once(w, "and gone on");
}

static void the_thread_writes_what_is_there_before_it_stops(void **state) {
    struct world *w = *state;
    audit_t *a = open_log(w, false);
    char why[200];
    audit_start(a);
    for (unsigned i = 0; i < 20; i++) add(w, 50, NS_PER_S);
    assert_false(audit_trouble(a, why));
    audit_destroy(&a);
    expect_each_once(w, "after a stop");
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        // first: no fail point has been passed in this process yet
        TEST(no_line_is_torn_missing_or_double_wherever_it_is_killed),
        TEST(every_signal_is_one_line_and_files_are_closed_by_size_and_day),
        TEST(a_line_is_the_signal_as_it_came_whatever_became_of_it),
        TEST(what_was_not_on_disk_when_the_power_went_is_written_again),
        TEST(the_log_of_another_archive_is_put_aside_not_lost),
        TEST(a_restored_archive_writes_what_it_has_and_keeps_what_it_has_not),
        TEST(the_thread_writes_what_is_there_before_it_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
