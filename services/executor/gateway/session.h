// session - the gateways: who is there, what it can do, whether it still answers. Memory only;
// executor.h acts on it.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/base/buffer.h"
#include "execution.pb-c.h"
#include "services/executor/trade/in_doubt/doubt.h"

struct session {
    char *instance_id; // also its name on the socket
    char *broker_id, *kind;
    InstanceState__State state;
    struct gateway_abilities can; // as it said
    bool welcomed;                // in this life of ours
    // what it may know of our open trades has been asked for, in this life and of these books
    bool queried;
    uint64_t books;        // identity of its books
    uint64_t report;       // the last one that has had its effect
    uint64_t acknowledged; // told to it
    bool report_moved;     // to be written at the end of this turn
    // monotonic ns: reports come that are not the next one; 0: no
    uint64_t gap_since;
    uint64_t seen_at, nudged_at, welcomed_at; // monotonic ns
    uint64_t connected_at;                    // UTC ns
    // as last told: less than before means that it has been restarted
    uint64_t uptime_s;
    uint64_t sampled_at, sampled_report; // how it was last recorded: monotonic ns, the report then
    unsigned in_flight;                  // submitted and not answered
    // what was handed to it could not leave: it is not connected; until it speaks again
    bool gone;
    bool blocked;      // orders wait because too many are in flight
    buffer_t greeting; // its last hello, as it came
    struct session *next;
};

typedef struct sessions sessions_t;

sessions_t *sessions_new(void);
void sessions_destroy(sessions_t **self);
struct session *sessions_find(const sessions_t *self, const char *instance_id);
// made when new, connecting
struct session *sessions_get(sessions_t *self, const char *instance_id);
struct session *sessions_first(const sessions_t *self); // then ->next
bool session_is_ready(const struct session *s);         // NULL: no
