// notify - tells systemd (Type=notify) how the process is; does nothing where nobody listens.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// sd_notify(3). All are silent without NOTIFY_SOCKET in the environment.
void notify_ready(void); // once: it takes input from now on
void notify_stopping(void);
// feeds the watchdog, at most once a second: called by a loop that turns
void notify_alive(uint64_t mono_ns);
// one line for `systemctl status`; the same as before is not said again
void notify_status(const char *status);
