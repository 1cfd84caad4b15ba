// monitor - hears every service, reports whether all is well, and passes the operator's commands on.
// SPDX-License-Identifier: MIT
#include "monitor.h"

#include <stdlib.h>

#include "cells.h"
#include "common/base/alloc.h"
#include "common/base/clock.h"

#define WRITE_EVERY_NS NS_PER_S
#define LOOK_EVERY_NS  (10 * NS_PER_S)
#define LOOK_SOON_NS   (200 * NS_PER_MS)

#define SETTING(field) offsetof(struct monitor_settings, field)

const struct option monitor_options[] = {
    {"http", OPTION_FLAG, SETTING(http), "true", "Whether to serve HTTP.", 0, 0, NULL},
    {"http_names", OPTION_TEXT, SETTING(http_names), "",
     "Public host names that a proxy in front of it uses, with commas between them; requests under "
     "other names are refused, so that no web page can read it.",
     0, 0, NULL},
    {"http_address", OPTION_TEXT, SETTING(http_address), "127.0.0.1",
     "Address of /healthz, /readyz, /metrics and /api/v1/status.", 0, 0, NULL},
    {"http_port", OPTION_INTEGER, SETTING(http_port), "8301", "Its port; 0: any free one.", 0,
     65535, NULL},
    {"silent", OPTION_DURATION, SETTING(silent_ms), "3s",
     "A service that says nothing for longer is silent.", 100, 3600000, NULL},
    {"grace", OPTION_DURATION, SETTING(grace_ms), "10s", "No alerts for so long after the start.",
     0, 3600000, NULL},
    {"lag_max", OPTION_INTEGER, SETTING(lag_max), "10000",
     "A consumer may be so many entries behind.", 1, 1000000000, NULL},
    {"lag_for", OPTION_DURATION, SETTING(lag_for_ms), "5s",
     "A consumer that is more than lag_max behind for so long raises an alert.", 0, 3600000, NULL},
    {"cell_behind", OPTION_DURATION, SETTING(cell_ms), "30s",
     "Signals that wait longer for another cell raise an alert.", 1000, 86400000, NULL},
    {"redis_look", OPTION_DURATION, SETTING(redis_ms), "5s",
     "How often it asks Redis for its figures (INFO).", 100, 3600000, NULL},
    {"redis_memory_max", OPTION_INTEGER, SETTING(memory_percent), "80",
     "When Redis uses more than this percentage of its memory, the monitor raises an alert.", 1,
     100, NULL},
    {"quiet", OPTION_DURATION, SETTING(quiet_ms), "15m",
     "A market without a price for longer is closed.", 1000, 86400000, NULL},
    {"events", OPTION_FLAG, SETTING(events), "true",
     "Count every event by its state; if false, only states and alerts are read.", 0, 0, NULL},
    {"currency", OPTION_TEXT, SETTING(currency), "USD",
     "Currency of metrics:performance; accounts in others are left out.", 0, 0, NULL},
    {.name = NULL},
};

void *monitor_new(const struct context *context, const void *settings) {
    struct monitor *self = alloc_zeroed(1, sizeof *self);
    self->context = context;
    self->settings = settings;
    self->limits.memory_percent = (unsigned)self->settings->memory_percent;
    self->limits.silent_ns = (uint64_t)self->settings->silent_ms * NS_PER_MS;
    self->limits.lag_for_ns = (uint64_t)self->settings->lag_for_ms * NS_PER_MS;
    self->limits.cell_ns = (uint64_t)self->settings->cell_ms * NS_PER_MS;
    self->arena = arena_new(0);
    self->monitoring = monitoring_new();
    watch_start(&self->watch, context->shards, (uint64_t)self->settings->lag_max, clock_mono_ns());
    self->watch.cell = context->cell;
    return self;
}

void monitor_destroy(void **self) {
    struct monitor *monitor = *self;
    if (!monitor) return;
    for (size_t i = 0; i < monitor->n_event_ports; i++) port_destroy(&monitor->event_ports[i]);
    for (size_t i = 0; i < monitor->n_cell_ports; i++) port_destroy(&monitor->cell_ports[i]);
    http_destroy(&monitor->http);
    monitoring_destroy(&monitor->monitoring);
    watch_end(&monitor->watch);
    buffer_destroy(&monitor->shown);
    arena_destroy(&monitor->arena);
    free(monitor);
    *self = NULL;
}

err_t monitor_load(void *self, store_t *store) {
    ((struct monitor *)self)->store = store;
    return monitor_slice_load(self, store);
}

// As the router does: a halt that cannot be read halts.
void monitor_unreadable(void *self, const struct unreadable *what) {
    if (strcmp(what->key, "risk:global") == 0)
        ((struct monitor *)self)->watch.mode = RISK_STATE__MODE__halted;
}

static void expect_instance(void *watch, const InstanceConfig *instance) {
    watch_expect(watch, instance->instance_id);
}

void monitor_configured(void *self) {
    struct monitor *monitor = self;
    watch_expect_none(&monitor->watch);
    book_each_instance(monitor->context->book, expect_instance, &monitor->watch);
}

err_t monitor_open(void *self, reactor_t *reactor) {
    struct monitor *monitor = self;
    err_t e = monitor_listen(monitor, reactor);
    if (!e) e = monitor_listen_to_cells(monitor, reactor);
    if (e || !monitor->settings->http) return e;
    return monitor_serve(monitor, reactor);
}

static void tell_change(void *batch, const struct condition *condition, enum alert_change what) {
    if (what == RAISED)
        slice_raised(batch, condition);
    else
        slice_cleared(batch, condition);
}

// Right after the start nobody has been heard yet: that is no news.
static bool is_settled(const struct monitor *self, uint64_t mono_ns) {
    return watch_since(self->watch.started_at, mono_ns) >=
           (uint64_t)self->settings->grace_ms * NS_PER_MS;
}

// An event that was missed (nobody sends it twice) would be missed for good: what the states are is
// looked up, soon while something is wrong.
static void look_again(struct monitor *self, uint64_t now) {
    bool fine = watch_troubles(&self->watch, now, self->limits.silent_ns, NULL, NULL) == 0;
    if (!self->store || now - self->looked_at < (fine ? LOOK_EVERY_NS : LOOK_SOON_NS)) return;
    self->looked_at = now;
    // trouble with Redis shows elsewhere
    if (store_connected(self->store)) (void)slice_look(self, self->store);
}

// Four questions; trouble with asking shows elsewhere.
static void look_at_redis(struct monitor *self, uint64_t now) {
    uint64_t every = (uint64_t)self->settings->redis_ms * NS_PER_MS;
    if (!self->store || (self->redis_at && now - self->redis_at < every)) return;
    self->redis_at = now;
    if (store_connected(self->store)) redis_look(&self->watch.redis, self->store, now);
}

err_t monitor_tick(void *self, batch_t *batch) {
    struct monitor *monitor = self;
    uint64_t now = batch_mono(batch);
    look_at_redis(monitor, now);
    look_again(monitor, now);
    cells_turn(&monitor->watch, now);
    if (monitor->written_at && now - monitor->written_at < WRITE_EVERY_NS) return ERR_OK;
    monitor->written_at = now;
    if (is_settled(monitor, now)) {
        size_t n = alerts_judge(&monitor->watch, &monitor->limits, now, monitor->found);
        alerts_settle(&monitor->alerts, monitor->found, n, tell_change, batch);
    }
    // trouble with Redis shows elsewhere
    if (monitor->store && store_connected(monitor->store))
        (void)overview_read(&monitor->overview, monitor->store, monitor->context->shards, now);
    monitoring_write(monitor->monitoring, monitor->store, monitor->context->book, batch);
    slice_state(monitor, batch);
    slice_performance(monitor, batch);
    return ERR_OK;
}

struct view monitor_view(const struct monitor *self) {
    return (struct view){&self->watch,   &self->alerts,          clock_mono_ns(),
                         clock_utc_ns(), self->limits.silent_ns, self->context->book};
}

// With the heartbeat, so that other cells hear it also while nothing can be committed here.
void monitor_beat(void *self, Heartbeat *out, arena_t *arena) {
    const struct view view = monitor_view(self);
    if (view.watch->cell) out->cell = cells_own(&view, arena);
}
