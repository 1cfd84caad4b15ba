// offline - what services did in a recording, done again: each on what it had heard, in the order
// and at the time it had heard it, by the same configuration to the byte, by another to see the
// difference.
// SPDX-License-Identifier: MIT
#pragma once

#include "cli/cli.h"
#include "replay/compare.h"

struct offline_options {
    const char *path;
    const char *service; // of these only ("router", "executor"); NULL: all there are
    const char *config;  // by this document; NULL: by the recording's own
    const char *archive; // where the archiver's file goes; NULL: it is thrown away
};

// What came of one process.
struct offline_service {
    char service[64];
    // missing: not on record, so that what comes after it may differ
    unsigned long batches, missing;
    struct tally_of_messages messages;
    unsigned long rows; // archiver: in its file
};

struct offline_result {
    struct offline_service services[40];
    size_t n;
    struct comparing compared;
    unsigned long lost; // entries that a service was too far behind to be given
};

// DONE: it was done, whatever came out. Else it has been said why not; ANSWER_NO: nothing in the
// recording says what services did.
enum outcome offline_run(const struct offline_options *options, struct offline_result *out);
enum outcome replay_offline(const struct call *call); // the command
void offline_result_end(struct offline_result *out);
