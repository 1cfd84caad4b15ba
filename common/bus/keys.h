// keys - CURVE on tcp: shows this process's key, takes nobody for whom he is not, lets in who may
// come, and counts who may not.
// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/endpoint.h"
#include "common/bus/keyring.h"

// Which keys are this process's: of that directory (keyring.h; NULL or empty: it has none), under
// that name (peers.h). Before the first port is opened; nothing is read before the first one on
// tcp. Who comes is looked up in public/ as it is then (at most a second old), so a key that is
// added or taken away counts for the next connection, without a restart.
void keys_start(const char *dir, const char *name);

// Whether such a door may be bound or connected to: what is on tcp needs keys, and the files must
// be there and be right. False: `why`.
bool keys_allow(const struct endpoint *at, bool bind, char why[static KEYS_WHY]);

// A new pair. The caller wipes it when it is written.
void keys_pair(struct key_pair *out);

// A door at which somebody was turned away: ours, or one of another process where we were.
struct refused {
    // "ingest.intake"; "to executor.0.gateways" when it was we who were turned away
    const char *door;
    char last[200];         // who and why, the last time
    uint64_t count, before; // since the start; when it was last told of
};

// Calls `tell` for every door with refusals that were not told of, at most once a minute each.
// Returns how many there were in all since the start; with `tell` NULL that is all it does. One
// thread asks.
typedef void refused_fn(void *arg, const struct refused *what);
uint64_t keys_refused(uint64_t mono_ns, refused_fn *tell, void *arg);
uint64_t keys_log_refused(uint64_t mono_ns); // the same; a line in the log for each
