// monitor - hears every service, reports whether all is well, and passes the operator's commands on.
// SPDX-License-Identifier: MIT
#include "monitor.h"

static const struct service monitor = {
    .role = MONITOR,
    .purpose =
        "Hears every service, reports whether all is well, and passes the operator's commands on.",
    .options = monitor_options,
    .settings_size = sizeof(struct monitor_settings),
    .slice = monitor_slice,
    .controls = monitor_controls,
    .new = monitor_new,
    .destroy = monitor_destroy,
    .door = monitor_door,
    .load = monitor_load,
    .unreadable = monitor_unreadable,
    .open = monitor_open,
    .configured = monitor_configured,
    .tick = monitor_tick,
    .beat = monitor_beat,
};

int main(int argc, char **argv) { return service_main(&monitor, argc, argv); }
