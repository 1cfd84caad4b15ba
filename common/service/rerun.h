// rerun - `tradecast-X --rerun`: one process of a service run again from its traces
// (proto/trace.proto), by whoever speaks proto/rerun.proto on its stdin and stdout. The same loop
// and handlers, without sockets, with the time of then, on a Redis of its own. What the process
// decides is what it decided then, or what another configuration would have made of it.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/service/service.h"
#include "trace.pb-c.h"

// Until stdin ends. The environment says where Redis (TRADECAST_REDIS; every service has a user
// there, without a password) and an empty directory (TRADECAST_RUN_DIR) are, and nothing else:
// settings come with the trace. Returns the exit status.
int rerun_main(const struct service *service);

// Where a trace says a topic stood.
static inline struct entry_id trace_head_id(const TraceHead *h) {
    return (struct entry_id){h->incarnation, h->sequence};
}
