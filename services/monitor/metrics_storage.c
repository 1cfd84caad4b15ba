// metrics_storage - how soon signals were on record, as a histogram in Prometheus' text format.
// SPDX-License-Identifier: MIT
#include "metrics_storage.h"

#define STORAGE "tradecast_storage_latency_seconds"
#define RECENT  "tradecast_storage_latency_recent_seconds"

static void write_seconds(buffer_t *out, uint64_t us) {
    buffer_format(out, "%llu.%06llu", (unsigned long long)us / 1000000,
                  (unsigned long long)us % 1000000);
}

static void write_storage_histogram(const char *service, const StorageLatency *storage,
                                    buffer_t *out) {
    unsigned long long signals = storage->signals;
    for (size_t i = 0; i < storage->n_buckets; i++) {
        buffer_format(out, STORAGE "_bucket{service=\"%s\",le=\"", service);
        write_seconds(out, storage->buckets[i]->within_us);
        buffer_format(out, "\"} %llu\n", (unsigned long long)storage->buckets[i]->count);
    }
    buffer_format(out, STORAGE "_bucket{service=\"%s\",le=\"+Inf\"} %llu\n", service, signals);
    buffer_format(out, STORAGE "_sum{service=\"%s\"} ", service);
    write_seconds(out, storage->sum_us);
    buffer_format(out, "\n" STORAGE "_count{service=\"%s\"} %llu\n", service, signals);
}

static void write_storage_percentiles(const char *service, const StorageLatency *storage,
                                      buffer_t *out) {
    const struct {
        const char *quantile;
        uint64_t us;
    } all[] = {{"0.5", storage->p50_us}, {"0.95", storage->p95_us}, {"0.99", storage->p99_us}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        buffer_format(out, RECENT "{service=\"%s\",quantile=\"%s\"} ", service, all[i].quantile);
        write_seconds(out, all[i].us);
        buffer_text(out, "\n");
    }
}

static void write_each_storage(const struct watch *watch, buffer_t *out,
                               void (*write)(const char *, const StorageLatency *, buffer_t *)) {
    for (size_t i = 0; i < watch->n_services; i++) {
        const Heartbeat *last = watch->services[i].last;
        if (last && last->storage) write(watch->services[i].name, last->storage, out);
    }
}

void metrics_storage_write(const struct watch *watch, buffer_t *out) {
    buffer_text(out, "# HELP " STORAGE " From a signal's acceptance to the commit that made it "
                     "visible in SQLite.\n# TYPE " STORAGE " histogram\n");
    write_each_storage(watch, out, write_storage_histogram);
    buffer_text(out, "# HELP " RECENT
                     " The same, of the last half minute to minute.\n# TYPE " RECENT " summary\n");
    write_each_storage(watch, out, write_storage_percentiles);
}
