// redis_watch - how Redis is, by its own figures: for /metrics, and for what is wrong with it.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/redis/store.h"

// clang-format off
//    of INFO                      metric (tradecast_redis_...)        type       what it means
#define REDIS_FIGURES(X) \
    X(used_memory,                 "memory_used_bytes",                "gauge",   "Memory in use") \
    X(used_memory_rss,             "memory_resident_bytes",            "gauge",   "Resident memory") \
    X(maxmemory,                   "memory_limit_bytes",               "gauge",   "Most memory it may use; 0: no limit") \
    X(mem_fragmentation_ratio,     "memory_fragmentation_ratio",       "gauge",   "Resident by used memory") \
    X(connected_clients,           "clients",                          "gauge",   "Connections") \
    X(blocked_clients,             "clients_blocked",                  "gauge",   "Connections that wait in a blocking command") \
    X(rejected_connections,        "connections_rejected_total",       "counter", "Connections refused: maxclients") \
    X(keyspace_hits,               "keyspace_hits_total",              "counter", "Reads of keys that were there") \
    X(keyspace_misses,             "keyspace_misses_total",            "counter", "Reads of keys that were not") \
    X(expired_keys,                "expired_keys_total",               "counter", "Keys that expired") \
    X(evicted_keys,                "evicted_keys_total",               "counter", "Keys with an expiry that memory had no room for") \
    X(total_commands_processed,    "commands_processed_total",         "counter", "Commands processed") \
    X(instantaneous_ops_per_sec,   "commands_per_second",              "gauge",   "Commands a second, lately") \
    X(total_error_replies,         "error_replies_total",              "counter", "Commands answered with an error") \
    X(latest_fork_usec,            "fork_seconds",                     "gauge",   "How long the last fork (a rewrite, a snapshot) stopped it") \
    X(aof_last_write_status,       "aof_write_ok",                     "gauge",   "1 when the last write of the append-only file succeeded") \
    X(aof_rewrite_in_progress,     "aof_rewrite_in_progress",          "gauge",   "1 while the append-only file is rewritten") \
    X(aof_last_bgrewrite_status,   "aof_rewrite_ok",                   "gauge",   "1 when the last rewrite succeeded") \
    X(aof_delayed_fsync,           "aof_fsync_delayed_total",          "counter", "Writes that waited for the disk") \
    X(aof_current_size,            "aof_size_bytes",                   "gauge",   "Size of the append-only file") \
    X(aof_buffer_length,           "aof_buffer_bytes",                 "gauge",   "Not yet written to the append-only file") \
    X(rdb_bgsave_in_progress,      "snapshot_in_progress",             "gauge",   "1 while a snapshot is written") \
    X(rdb_last_bgsave_status,      "snapshot_ok",                      "gauge",   "1 when the last snapshot succeeded") \
    X(rdb_last_save_time,          "snapshot_timestamp_seconds",       "gauge",   "When the last snapshot was written; Redis' start: none since") \
    X(uptime_in_seconds,           "uptime_seconds",                   "gauge",   "Since it was started")
// clang-format on

#define REDIS_FIGURE(name, metric, type, help) REDIS_##name,
enum redis_figure { REDIS_FIGURES(REDIS_FIGURE) REDIS_FIGURE_COUNT };
#undef REDIS_FIGURE

struct redis_seen {
    // as Redis says them, "ok" as 1, "err" as 0 and microseconds as seconds; empty: it does not say
    char figures[REDIS_FIGURE_COUNT][24];
    char policy[32];                  // what it evicts when memory is full
    uint64_t ping_us;                 // how long it took to answer; 0: not asked yet
    uint64_t slow;                    // commands in its slow log
    uint64_t latency_ms;              // the worst of its latest latency spikes; 0: none
    uint64_t evicted_at, rejected_at; // monotonic ns when that figure last grew; 0: never
};

// A whole number of a figure; 0 where Redis does not say it.
uint64_t redis_figure(const struct redis_seen *self, enum redis_figure figure);

// Takes over what INFO answered.
void redis_see_info(struct redis_seen *self, const char *info, uint64_t mono_ns);
// Asks: PING, INFO, SLOWLOG LEN, LATENCY LATEST. What is not answered stays as it was.
void redis_look(struct redis_seen *self, store_t *store, uint64_t mono_ns);

// Prometheus' text of it; nothing before the first answer.
void redis_metrics_write(const struct redis_seen *self, buffer_t *out);
