// record_traces - what services say about what they do (feed `trace`), and what Redis keeps of
// them, while a recording is made.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/place.h"
#include "common/bus/port.h"
#include "common/delivery/topology.h"
#include "replay/recording.h"

struct traces {
    port_t *ports[INSTANCES_MAX];
    char names[INSTANCES_MAX][NAME_TEXT];
    bool begun[INSTANCES_MAX]; // heard of
    size_t n;
    buffer_t waiting; // frames, each behind its length
};

// Listens to every service that can be run again.
void traces_open(struct traces *t, const struct place *place);
void traces_close(struct traces *t);
void traces_take(struct traces *t); // what has come is waiting
// Those that were waiting. A trace is behind the messages that it is about when these are read from
// the journals between the two.
// false: the disk refused
bool traces_write(struct traces *t, recording_t *file, uint64_t now, unsigned long *count);

// A moment in which the services commit nothing, and what Redis holds of them then: where they can
// be run from. Tries for some seconds.
enum state_taken {
    STATE_TAKEN,
    STATE_BUSY,  // there was no such moment
    STATE_LARGE, // too much to be read in one
    STATE_FAILED,
};
enum state_taken record_state_write(struct traces *t, store_t *store, recording_t *file);
