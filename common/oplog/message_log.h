// message_log - log lines of what happened to a signal: accepted, refused, routed, executed,
// completed.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/batch/batch_commit.h"

// Written from the messages that a batch sent, after it was committed and sent, so that no line
// stands between a signal and its orders. Of each kind at most `most` lines a second; what comes
// beyond is counted, and one line says how many were left out: all of it is in the journals and in
// the archive. At level debug nothing is left out.
#define MESSAGE_LOG_KINDS 5
struct message_log {
    unsigned most;      // lines a second of each kind
    uint64_t second_at; // monotonic ns when this second began
    struct message_log_kind {
        unsigned lines;    // in this second
        uint64_t left_out; // since it was last said
    } kinds[MESSAGE_LOG_KINDS];
};

void message_log_batch(struct message_log *self, batch_t *batch, uint64_t mono_ns);
// When a second is over: says what was left out in it. Cheap; may be called at any rate.
void message_log_tick(struct message_log *self, uint64_t mono_ns);
