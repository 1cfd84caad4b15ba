// stop - SIGTERM and SIGINT ask a process to stop.
// SPDX-License-Identifier: MIT
#include "common/program/stop.h"

#include <stddef.h>

volatile sig_atomic_t stop_asked;

static void note_stop_signal(int number) {
    (void)number;
    stop_asked = 1;
}

void stop_on_signals(int flags) {
    struct sigaction action = {.sa_handler = note_stop_signal, .sa_flags = flags};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
}
