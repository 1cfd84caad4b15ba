// readers - answers questions to the archive beside the loop: a socket, a few threads with a
// read-only connection each.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include "common/base/error.h"
#include "common/bus/port.h"

#define READERS_MAX 5

// The endpoint archiver.query takes a ControlRequest with the verb "query" and an ArchiveQuery as
// its body. Threads of its own, none of which writes; SQLite's WAL lets them read what is committed
// while the next transaction is written. Too many questions at once, one that takes longer than
// answer_ms, or that cannot be read, are answered with a sentence.
typedef struct readers readers_t;

struct readers_options {
    const char *database, *run_dir, *name; // name of the service
    const struct transport *transport;     // what its socket is opened on
    int64_t threads, answer_ms;
};
readers_t *readers_new(const struct readers_options *options, char why[static 200]); // NULL: *why
// waits for what is being answered
void readers_destroy(readers_t **self);
