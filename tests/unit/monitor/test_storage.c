// test_storage - what the monitor makes of the archiver's storage latency: metrics and an alert.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/own.h"
#include "heard.h"
#include "services/monitor/alerts.h"
#include "services/monitor/metrics_storage.h"

static void hear_storage(struct watch *w, uint64_t p95_us) {
    LatencyBucket half = LATENCY_BUCKET__INIT;
    half.within_us = 500000;
    half.count = 7;
    StorageLatency storage = STORAGE_LATENCY__INIT;
    storage.signals = 9;
    storage.sum_us = 4000001;
    storage.p50_us = 1000;
    storage.p95_us = p95_us;
    storage.p99_us = 2 * p95_us;
    storage.n_buckets = 1;
    storage.buckets = (LatencyBucket *[]){&half};
    Heartbeat beat = HEARTBEAT__INIT;
    beat.service = (char *)"archiver";
    beat.storage = &storage;
    watch_heartbeat(w, &beat, AT(101));
}

static bool is_slow(const struct watch *w) {
    static struct condition found[CONDITIONS_MAX];
    struct limits limits = {AT(3), AT(30), 80, AT(5)};
    size_t n = alerts_judge(w, &limits, AT(101), found);
    for (size_t i = 0; i < n; i++) {
        if (found[i].kind != STORAGE_SLOW) continue;
        assert_string_equal(found[i].subject, "archiver");
        assert_non_null(strstr(found[i].text, "501 ms"));
        return true;
    }
    return false;
}

static void slow_storage_is_alerted_above_500_ms(void **state) {
    (void)state;
    struct watch w;
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    assert_false(is_slow(&w));
    hear_storage(&w, 500000);
    assert_false(is_slow(&w));
    hear_storage(&w, 501000);
    assert_true(is_slow(&w));
    watch_end(&w);
}

static void storage_latency_is_a_histogram_for_prometheus(void **state) {
    (void)state;
    static const char *const lines[] = {
        "tradecast_storage_latency_seconds_bucket{service=\"archiver\",le=\"0.500000\"} 7\n",
        "tradecast_storage_latency_seconds_bucket{service=\"archiver\",le=\"+Inf\"} 9\n",
        "tradecast_storage_latency_seconds_sum{service=\"archiver\"} 4.000001\n",
        "tradecast_storage_latency_seconds_count{service=\"archiver\"} 9\n",
        "tradecast_storage_latency_recent_seconds{service=\"archiver\",quantile=\"0.95\"} "
        "0.250000\n",
    };
    struct watch w;
    own(buffer) out = {0};
    watch_start(&w, 1, 10, AT(100));
    hear_all(&w, AT(101));
    hear_storage(&w, 250000);
    metrics_storage_write(&w, &out);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(strstr(buffer_string(&out), lines[i]));
    watch_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_storage_is_alerted_above_500_ms),
        cmocka_unit_test(storage_latency_is_a_histogram_for_prometheus),
    };
    return cmocka_run_group_tests_name("monitor/storage", tests, NULL, NULL);
}
