// monitor - hears every service, reports whether all is well, and passes the operator's commands on.
// SPDX-License-Identifier: MIT
//
// topics in:  config (kept by the loop); every topic and heartbeat on the services' event sockets
// (looked at, never relied on) topics out: commands, incidents.monitor
// keys owned: system:state, metrics:performance, alert:*, positions:monitoring:*
// HTTP:       /healthz /readyz /metrics /api/v1/status
#pragma once

#include "alerts.h"
#include "common/http/http.h"
#include "common/service/service.h"
#include "metrics.h"
#include "overview.h"
#include "performance.h"
#include "services/monitor/positions/monitoring.h"

#define EVENT_PORTS_MAX (INSTANCES_MAX + 4) // every process, and what copies the archive

#define CURRENCIES_MAX 16
struct day_book {
    char currency[16];
    struct performance day;
};

struct monitor_settings {
    const char *http_address, *http_names;
    int64_t http_port;
    int64_t silent_ms, grace_ms, redis_ms, memory_percent, lag_max, lag_for_ms, quiet_ms, cell_ms;
    bool events, http;
    const char *currency;
};

// Everything it holds is in memory; what tick finds different from what is in Redis is written.
struct monitor {
    const struct context *context;
    const struct monitor_settings *settings;
    struct watch watch;
    struct alerts alerts;
    struct limits limits;
    struct day_book days[CURRENCIES_MAX]; // the first is the settings' currency
    size_t n_days;
    struct overview overview;
    struct condition found[CONDITIONS_MAX]; // scratch of tick
    buffer_t shown; // metrics:performance as last written, without its timestamp
    uint64_t written_at, looked_at, redis_at; // monotonic ns
    // the loop's, to look again at what others write; NULL in tests
    store_t *store;
    port_t *event_ports[EVENT_PORTS_MAX];
    size_t n_event_ports;
    port_t *cell_ports[CELLS_MAX]; // monitors of other cells
    size_t n_cell_ports;
    arena_t *arena; // of what is being heard
    http_t *http;
    monitoring_t *monitoring; // positions:monitoring:*
};

extern const struct option monitor_options[];
extern const struct control monitor_controls[];
extern const char *const monitor_slice[];

void *monitor_new(const struct context *context, const void *settings);
void monitor_destroy(void **self);
err_t monitor_load(void *self, store_t *store);
void monitor_unreadable(void *self, const struct unreadable *what);
void monitor_configured(void *self);
err_t monitor_open(void *self, reactor_t *reactor);
err_t monitor_tick(void *self, batch_t *batch);
void monitor_beat(void *self, Heartbeat *out, arena_t *arena); // how this cell is
struct view monitor_view(const struct monitor *self);

// subscriptions.c: what the monitor hears on the services' event sockets.
err_t monitor_listen(struct monitor *self, reactor_t *reactor);
err_t monitor_listen_to_cells(struct monitor *self, reactor_t *reactor);
// Takes one event: counts it and what it says. `topic` and `frame` as received.
void monitor_hear(struct monitor *self, const char *topic, struct span frame);

// door.c: the HTTP side.
void monitor_door(const void *settings, struct http_options *out); // what it listens on
err_t monitor_serve(struct monitor *self, reactor_t *reactor);
// The answer to a request: its status and content type.
unsigned monitor_answer(struct monitor *self, const char *method, const char *path,
                        const char **type, buffer_t *out);

// slice.c: the keys it owns.
err_t monitor_slice_load(struct monitor *self, store_t *store);
// what accounts and instances are, as their owner last wrote it
err_t slice_look(struct monitor *self, store_t *store);
void slice_state(struct monitor *self, batch_t *batch);
// The day's results in a currency; NULL: there are too many currencies.
struct performance *monitor_day(struct monitor *self, const char *currency);
void slice_performance(struct monitor *self, batch_t *batch);
void slice_raised(batch_t *batch, const struct condition *condition);
void slice_cleared(batch_t *batch, const struct condition *condition);
