// notify - tells systemd how the process is.
// SPDX-License-Identifier: MIT
#include "common/program/notify.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "common/base/clock.h"

#define ALIVE_EVERY NS_PER_S

void notify_ready(void) { (void)sd_notify(0, "READY=1"); }
void notify_stopping(void) { (void)sd_notify(0, "STOPPING=1"); }

void notify_alive(uint64_t mono_ns) {
    static uint64_t said_at;
    if (said_at && mono_ns - said_at < ALIVE_EVERY) return;
    said_at = mono_ns;
    (void)sd_notify(0, "WATCHDOG=1");
}

void notify_status(const char *status) {
    static char said[200];
    if (strncmp(said, status, sizeof said - 1) == 0) return;
    (void)snprintf(said, sizeof said, "%s", status);
    (void)sd_notifyf(0, "STATUS=%s", said);
}
