// offline_process - a process of a recording: where it begins, its batches, and what it says
// against what it said.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/delivery/topology.h"
#include "common/redis/store.h"
#include "config.pb-c.h"
#include "replay/child.h"
#include "replay/kept.h"
#include "replay/offline.h"
#include "replay/recording.h"
#include "replay/sandbox.h"
#include "trace.pb-c.h"

#define PROCESSES KEPT_READERS

// A trace with which a process may begin, of several.
struct beginning {
    uint64_t incarnation, number, batch;
};

// Changes of the configuration, in order.
struct changes {
    ConfigChange **all;
    size_t n, room;
};

struct process {
    char name[NAME_TEXT]; // "executor.0"
    enum role role;
    struct stream outlets[INSTANCES_MAX];
    size_t n_outlets;
    unsigned reader;
    struct beginning *beginnings;
    size_t n_beginnings;
    uint64_t incarnation, number; // of the last trace
    uint64_t from;                // the trace to begin with; 0: there is none
    uint64_t held;                // Redis has its batches up to this one from the beginning on
    Trace *start;                 // that trace
    struct child child;
    struct changes changes; // that it was given
    bool again;             // another recording begins with its next batch
    bool stopped;           // it could not go on
    struct offline_service *result;
};

struct offline {
    const struct offline_options *options;
    struct offline_result *result;
    struct sandbox sandbox;
    store_t *store; // of the sandbox
    char archive[512];
    kept_t *kept;
    struct process processes[PROCESSES];
    size_t n;
    bool stateful;          // the recording has what Redis held
    struct changes changes; // that make the configuration
    uint64_t configured_at; // UTC ns: what changed before is in it
    arena_t *batch;         // memory of one batch
    arena_t *whole;         // memory until the end
    struct said *was, *is;
    size_t room_was, room_is;
    enum outcome outcome;
};

void changes_add(struct changes *to, ConfigChange *change);

// Takes the trace over. False: nothing can go on, and o->outcome says how it ends.
bool process_trace(struct offline *o, Trace *t);
void process_end(struct offline *o, struct process *p);
struct process *process_called(struct offline *o, const char *name);
