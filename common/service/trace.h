// trace - what a service did, told while somebody listens, so that it can be done again (rerun.h).
// Only common/ includes this.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/arena.h"
#include "common/bus/port.h"
#include "common/delivery/delivery.h"
#include "common/delivery/topology.h"
#include "trace.pb-c.h"

struct loop;

// Costs one branch a message while nobody listens. A process begins as if somebody did, and keeps
// what it would have told for a moment: a listener that was there before it has first to find it
// again.
struct trace {
    bool on;                        // batches are put together
    bool holding;                   // … and kept, since no listener has come yet
    bool starting;                  // the next one says where it begins
    uint64_t looked_at, hold_until; // monotonic ns
    uint64_t number;
    arena_t *arena; // of what is not told yet
    Trace *told;
    TraceBatch *batch; // the open one
    TraceStep *step;   // the last one
    size_t room_batches, room_steps, room_frames;
    struct witness witness;                  // of the service's own sockets
    uint32_t sent;                           // on them, in this batch
    size_t bytes;                            // about as large it will be
    struct entry_id heads[INSTANCES_MAX];    // of the outlets when the batch began
    uint64_t rolled_back_at, consumed_until; // as last told
    buffer_t frame;                          // the one that is told
    buffer_t held;                           // frames, each behind its length
};

void trace_open(struct loop *l); // after the service has added its sockets
void trace_close(struct loop *l);
void trace_begin(struct loop *l); // a batch was opened
void trace_entry(struct loop *l, const char *topic, struct entry_id id, bool buried);
void trace_socket(struct loop *l, size_t which); // is read now
void trace_tick(struct loop *l);
void trace_end(struct loop *l, bool committed); // when the service has been told
