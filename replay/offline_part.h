// offline_part - what the parts of offline.h share: the recording's processes, and what they are given.
// SPDX-License-Identifier: MIT
#pragma once

#include "common/rerun.h"
#include "common/topology.h"
#include "replay/kept.h"
#include "replay/offline.h"
#include "replay/recording.h"
#include "replay/sandbox.h"

#define PROCESSES KEPT_READERS

// A trace with which a process may begin, of several.
struct beginning {
    uint64_t incarnation, number, batch;
};

// A process that the recording tells of.
struct process {
    char name[NAME_TEXT];
    struct service service;
    struct stream outlets[INSTANCES_MAX];
    size_t n_outlets;
    unsigned reader;
    struct beginning *beginnings;
    size_t n_beginnings;
    uint64_t incarnation, number; // of the last trace
    uint64_t from;                // the trace to begin with; 0: there is none
    uint64_t held;                // Redis has its batches up to this one from the beginning on
    Trace *start;                 // that trace
    rerun_t *rerun;
    book_t *book;
    bool stopped; // it could not go on
    struct offline_service *result;
};

struct offline {
    const struct offline_options *options;
    struct offline_result *result;
    struct sandbox sandbox;
    store_t *store; // of the sandbox
    char archive[512];
    const char *settings[8]; // in the place of recorded ones
    kept_t *kept;
    struct process processes[PROCESSES];
    size_t n;
    bool stateful;     // the recording has what Redis held
    buffer_t document;      // the configuration
    uint64_t configured_at; // UTC ns: what changed before is in it
    struct said *was, *is;
    size_t room_was, room_is;
    enum outcome outcome;
};

struct process *process_called(struct offline *o, const char *name);
book_t *offline_book(struct offline *o); // a new one, by the configuration
// The last batch of this incarnation that Redis held when the recording began.
uint64_t offline_batch_held(struct offline *o, const struct process *p, uint64_t incarnation);

// offline_process.c
bool process_trace(struct offline *o, Trace *t); // takes it; false: nothing can go on
void process_end(struct process *p);
