// stop - SIGTERM and SIGINT ask a process to stop; its loop looks here.
// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

extern volatile sig_atomic_t stop_asked;

// From now on both signals set stop_asked. `flags` as for sigaction(2): SA_RESTART where a read that
// is under way is to go on. Call it again after what may set handlers of its own (the first port).
void stop_on_signals(int flags);
