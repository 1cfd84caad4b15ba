// settings - what every gateway is told before it starts.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdio.h>

#include "common/bus/port.h"
#include "common/program/options.h"

struct gateway; // gateway.h

// A gateway's own settings begin with these. Times in ms.
struct gateway_settings {
    const char *kind; // the gateway's
    const char *run_dir, *instance_id, *broker_id, *books, *keys_dir, *log_level;
    const char *executor; // where one is that it stays with; NULL, "": each one's door in run_dir
    int64_t shard;  // the executor that it asks first; any of them says which has its accounts
    int64_t shards; // how many it knows of
    int64_t longest_acceptance;
    int64_t snapshot;  // 0: only when asked
    int64_t heartbeat; // between two; an executor silent for so long is greeted again
    int64_t silent;    // silent for so long: a new connection
    int64_t resend;    // a report that is not acknowledged after this goes out again
    int64_t batch_max, report_keep;
    struct endpoint executor_at, control_at;
    char books_preset[1024]; // settings are not to be copied
};

// The skeleton's options and the gateway's own, from TRADECAST_<KIND>_<NAME>, else
// TRADECAST_<NAME>, and what follows from them. `settings` is the gateway's struct. ERR_CONFIG:
// *wrong.
err_t settings_read(const struct gateway *gateway, void *settings, char wrong[static 256]);
static inline bool settings_name_executor(const struct gateway_settings *s) {
    return s->executor && *s->executor;
}

void settings_print(const struct gateway *gateway, options_print_fn *print); // to stdout
