// redis_watch - how Redis is, by its own figures.
// SPDX-License-Identifier: MIT
#include "services/monitor/redis/redis_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/own.h"

static const struct {
    const char *name, *metric, *type, *help;
} rows[REDIS_FIGURE_COUNT] = {
#define FIGURE_ROW(name, metric, type, help) [REDIS_##name] = {#name, metric, type, help},
    REDIS_FIGURES(FIGURE_ROW)
#undef FIGURE_ROW
};

uint64_t redis_figure(const struct redis_seen *self, enum redis_figure figure) {
    return strtoull(self->figures[figure], NULL, 10);
}

// --- reading

// The value behind "name:"; false: it is not there.
static bool read_info_line(const char *info, const char *name, char *out, size_t room) {
    size_t length = strlen(name);
    for (const char *at = info; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
        if (strncmp(at, name, length) != 0 || at[length] != ':') continue;
        (void)snprintf(out, room, "%.*s", (int)strcspn(at + length + 1, "\r\n"), at + length + 1);
        return true;
    }
    return false;
}

static void print_seconds(uint64_t us, char out[static 24]) {
    (void)snprintf(out, 24, "%llu.%06llu", (unsigned long long)(us / 1000000 % 1000000000),
                   (unsigned long long)(us % 1000000));
}

// Prometheus knows numbers only.
static void read_figure(struct redis_seen *self, enum redis_figure figure, const char *info) {
    char *out = self->figures[figure], text[24];
    if (!read_info_line(info, rows[figure].name, text, sizeof text)) return;
    uint64_t us = strtoull(text, NULL, 10);
    if (figure == REDIS_latest_fork_usec)
        print_seconds(us, out);
    else if (strcmp(text, "ok") == 0 || strcmp(text, "err") == 0)
        (void)snprintf(out, sizeof self->figures[0], "%d", text[0] == 'o');
    else if (*text && strspn(text, "0123456789.") == strlen(text))
        memcpy(out, text, sizeof text);
}

// What it counted before it was first asked is no news.
static void note_growth(uint64_t before, uint64_t now, uint64_t *at, uint64_t mono_ns) {
    if (now > before) *at = mono_ns;
}

void redis_see_info(struct redis_seen *self, const char *info, uint64_t mono_ns) {
    bool first = !*self->figures[REDIS_evicted_keys];
    uint64_t evicted = redis_figure(self, REDIS_evicted_keys);
    uint64_t rejected = redis_figure(self, REDIS_rejected_connections);
    for (unsigned i = 0; i < REDIS_FIGURE_COUNT; i++) read_figure(self, (enum redis_figure)i, info);
    (void)read_info_line(info, "maxmemory_policy", self->policy, sizeof self->policy);
    if (first) return;
    note_growth(evicted, redis_figure(self, REDIS_evicted_keys), &self->evicted_at, mono_ns);
    note_growth(rejected, redis_figure(self, REDIS_rejected_connections), &self->rejected_at,
                mono_ns);
}

// --- asking

static bool ask_figures(store_t *store, const char *first, const char *second, buffer_t *answer) {
    const struct span argv[] = {span_of(first), span_of(second ? second : "")};
    buffer_clear(answer);
    return !store_command(store, second ? 2 : 1, argv, answer);
}

// LATENCY LATEST: name, time, latest and worst of each kind of spike, a value a line.
static uint64_t worst_of_latest(const char *text) {
    uint64_t worst = 0;
    unsigned line = 0;
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL, line++) {
        uint64_t ms = line % 4 == 2 ? strtoull(at, NULL, 10) : 0;
        if (ms > worst) worst = ms;
    }
    return worst;
}

void redis_look(struct redis_seen *self, store_t *store, uint64_t mono_ns) {
    own(buffer) answer = {0};
    uint64_t began = clock_mono_ns();
    if (!ask_figures(store, "PING", NULL, &answer)) return;
    self->ping_us = (clock_mono_ns() - began) / NS_PER_US + 1;
    if (ask_figures(store, "INFO", NULL, &answer))
        redis_see_info(self, buffer_string(&answer), mono_ns);
    if (ask_figures(store, "SLOWLOG", "LEN", &answer))
        self->slow = strtoull(buffer_string(&answer), NULL, 10);
    if (ask_figures(store, "LATENCY", "LATEST", &answer))
        self->latency_ms = worst_of_latest(buffer_string(&answer));
}

// --- metrics

static void write_redis_metric(buffer_t *out, const char *metric, const char *type,
                               const char *help, const char *value) {
    buffer_format(out,
                  "# HELP tradecast_redis_%s Redis: %s.\n# TYPE tradecast_redis_%s %s\n"
                  "tradecast_redis_%s %s\n",
                  metric, help, metric, type, metric, value);
}

void redis_metrics_write(const struct redis_seen *self, buffer_t *out) {
    if (!self->ping_us) return;
    for (unsigned i = 0; i < REDIS_FIGURE_COUNT; i++) {
        if (*self->figures[i])
            write_redis_metric(out, rows[i].metric, rows[i].type, rows[i].help, self->figures[i]);
    }
    char value[24];
    print_seconds(self->ping_us, value);
    write_redis_metric(out, "ping_seconds", "gauge", "How long it took to answer PING", value);
    print_seconds(self->latency_ms * 1000, value);
    write_redis_metric(out, "latency_spike_seconds", "gauge",
                       "The worst of the latest latency spikes of each kind", value);
    (void)snprintf(value, sizeof value, "%llu", (unsigned long long)self->slow);
    write_redis_metric(out, "slowlog_entries", "gauge", "Commands in its slow log", value);
}
