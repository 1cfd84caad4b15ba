// test_redis_watch - what Redis says of itself, read, shown and judged.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/own.h"
#include "heard.h"
#include "services/monitor/alerts.h"

#define INFO(memory, evicted, rejected, aof, policy)                                               \
    "# Memory\r\nused_memory:" memory "\r\nmaxmemory:1000000\r\nmaxmemory_policy:" policy          \
    "\r\nmem_fragmentation_ratio:1.07\r\nevicted_keys:" evicted                                    \
    "\r\nrejected_connections:" rejected "\r\naof_last_write_status:" aof "\r\n"

static size_t judge(struct watch *w, uint64_t mono_ns, struct condition *out) {
    static struct condition all[CONDITIONS_MAX];
    const struct limits limits = {
        .silent_ns = AT(1000000), .memory_percent = 80, .lag_for_ns = AT(5), .cell_ns = AT(30)};
    size_t n = 0, found = alerts_judge(w, &limits, mono_ns, all);
    for (size_t i = 0; i < found; i++) {
        if (strcmp(all[i].subject, "redis") == 0) out[n++] = all[i];
    }
    return n;
}

static void what_is_wrong_with_redis_is_found_and_only_that(void **state) {
    (void)state;
    static const struct {
        const char *before, *now;
        enum alert_kind kind;
    } cases[] = {
        {INFO("799999", "5", "2", "ok", "volatile-lru"),
         INFO("810000", "5", "2", "ok", "volatile-lru"), REDIS_MEMORY},
        {INFO("1", "5", "2", "ok", "volatile-lru"), INFO("1", "5", "2", "err", "volatile-lru"),
         REDIS_AOF},
        {INFO("1", "5", "2", "ok", "noeviction"), INFO("1", "5", "2", "ok", "allkeys-lru"),
         REDIS_POLICY},
        {INFO("1", "5", "2", "ok", "volatile-lru"), INFO("1", "6", "2", "ok", "volatile-lru"),
         REDIS_EVICTED},
        {INFO("1", "5", "2", "ok", "volatile-lru"), INFO("1", "5", "3", "ok", "volatile-lru"),
         REDIS_REJECTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct watch w;
        struct condition found[8];
        watch_start(&w, 1, 10, AT(100));
        redis_see_info(&w.redis, cases[i].before, AT(100));
        assert_int_equal(judge(&w, AT(101), found), 0);
        redis_see_info(&w.redis, cases[i].now, AT(102));
        assert_int_equal(judge(&w, AT(103), found), 1);
        assert_int_equal(found[0].kind, cases[i].kind);
        redis_see_info(&w.redis, cases[i].before, AT(104));
        assert_int_equal(judge(&w, AT(402), found), 0);
        watch_end(&w);
    }
}

static void what_was_counted_before_it_looked_first_is_no_news(void **state) {
    (void)state;
    struct watch w;
    struct condition found[8];
    watch_start(&w, 1, 10, AT(100));
    redis_see_info(&w.redis, INFO("1", "5", "2", "ok", "volatile-lru"), AT(100));
    assert_int_equal(judge(&w, AT(101), found), 0);
    watch_end(&w);
}

static void figures_are_metrics_and_words_are_none(void **state) {
    (void)state;
    struct redis_seen seen = {.ping_us = 0};
    own(buffer) out = {0};
    redis_see_info(&seen, INFO("500", "5", "2", "err", "volatile-lru") "aof_current_size:nan\r\n",
                   AT(1));
    redis_metrics_write(&seen, &out);
    assert_int_equal(out.length, 0); // not asked yet
    seen.ping_us = 120;
    redis_metrics_write(&seen, &out);
    const char *text = buffer_string(&out);
    assert_non_null(strstr(text, "\ntradecast_redis_memory_used_bytes 500\n"));
    assert_non_null(strstr(text, "\ntradecast_redis_memory_fragmentation_ratio 1.07\n"));
    assert_non_null(strstr(text, "\ntradecast_redis_aof_write_ok 0\n"));
    assert_non_null(strstr(text, "# TYPE tradecast_redis_evicted_keys_total counter\n"));
    assert_non_null(strstr(text, "\ntradecast_redis_ping_seconds 0.000120\n"));
    assert_null(strstr(text, "aof_size_bytes"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_redis_is_found_and_only_that),
        cmocka_unit_test(what_was_counted_before_it_looked_first_is_no_news),
        cmocka_unit_test(figures_are_metrics_and_words_are_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
